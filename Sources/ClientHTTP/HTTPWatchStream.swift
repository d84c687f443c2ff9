import APIMachinery
import NIOCore
import Synchronization

/// A watch over one HTTP stream. The peer is held up while nobody takes events.
final class HTTPWatchStream: WatchStream {
    private struct State {
        var decoder = WatchDecoder()
        var failure: StatusError?
    }

    private let sink: ResponseSink
    private let state: Mutex<State> = Mutex(State())
    private let isCancelled = Atomic<Bool>(false)

    init(_ sink: ResponseSink) {
        self.sink = sink
    }

    deinit {
        cancel()
    }

    func next() async throws(StatusError) -> [WatchEvent]? {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        while true {
            let chunks: [ByteBuffer]?
            do throws(StatusError) {
                chunks = try await sink.next()
            } catch {
                if isCancelled.load(ordering: .acquiring) || Task.isCancelled { return nil }
                throw error
            }
            guard let chunks else { return nil }
            let (events, failure): ([WatchEvent], StatusError?) = state.withLock { state in
                var events: [WatchEvent] = []
                for chunk in chunks where state.failure == nil {
                    let (more, failure) = state.decoder.receive(chunk.readableBytesView)
                    events += more
                    state.failure = failure
                }
                return (events, state.failure)
            }
            if failure != nil { sink.cancel(.connectionFailure("the watch has ended")) }
            if !events.isEmpty { return events }
            if let failure { throw failure }
        }
    }

    func cancel() {
        isCancelled.store(true, ordering: .releasing)
        sink.cancel(.connectionFailure("the watch was cancelled"))
    }
}
