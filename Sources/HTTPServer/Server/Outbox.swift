import NIOCore
import Synchronization

/// The way from any thread to one connection: exchanges with bytes to send gather here, and the event loop drains
/// them all in one turn, with one flush.
final class Outbox: Sendable {
    let eventLoop: any EventLoop
    let executor: LoopExecutor
    private let sink: NIOLoopBound<any ResponseSink>
    private let dirty: Mutex<[Exchange]> = Mutex([])

    /// On the event loop.
    init(eventLoop: any EventLoop, sink: any ResponseSink) {
        self.eventLoop = eventLoop
        self.executor = LoopExecutor(eventLoop)
        self.sink = NIOLoopBound(sink, eventLoop: eventLoop)
    }

    /// Does it now on the event loop, else schedules it.
    func perform(_ body: @escaping @Sendable (any ResponseSink) -> Void) {
        if eventLoop.inEventLoop {
            body(sink.value)
        } else {
            eventLoop.execute { body(self.sink.value) }
        }
    }

    /// `exchange` has something to send.
    func add(_ exchange: Exchange) {
        let first: Bool = dirty.withLock {
            $0.append(exchange)
            return $0.count == 1
        }
        if first { eventLoop.execute { self.drain() } }
    }

    private func drain() {
        let exchanges: [Exchange] = dirty.withLock {
            let all: [Exchange] = $0
            $0.removeAll()
            return all
        }
        let sink: any ResponseSink = sink.value
        for exchange in exchanges {
            exchange.unregister()
            sink.drain(exchange)
        }
        sink.drained()
    }
}
