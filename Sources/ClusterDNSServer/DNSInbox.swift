import CDNSSockets
import ClusterDNS
import Glibc
import Synchronization

/// What other threads want of the server's: they never wait for it.
final class DNSInbox: Sendable {
    enum Item: Sendable {
        case change(ZoneChange)
        case report(@Sendable (DNSCounters) -> Void)
        case stop
    }

    private struct State {
        var items: [Item] = []
        var isClosed: Bool = false
    }

    private let state: Mutex<State> = Mutex(State())
    let descriptor: Int32

    init() throws(DNSServerError) {
        descriptor = cdns_eventfd()
        guard descriptor >= 0 else { throw DNSServerError("make an event descriptor", -descriptor) }
    }

    deinit { close(descriptor) }

    /// - Returns: false if nobody reads any more.
    @discardableResult
    func post(_ item: Item) -> Bool {
        let (isFirst, isClosed): (Bool, Bool) = state.withLock { state in
            guard !state.isClosed else { return (false, true) }
            state.items.append(item)
            return (state.items.count == 1, false)
        }
        if isFirst {
            var one: UInt64 = 1
            // It can only fail when the counter is at its limit, and then the reader is awake.
            _ = write(descriptor, &one, 8)
        }
        return !isClosed
    }

    func take() -> [Item] {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        return state.withLock { state in
            let items: [Item] = state.items
            state.items = []
            return items
        }
    }

    /// What came too late.
    func close() -> [Item] {
        state.withLock { state in
            state.isClosed = true
            let items: [Item] = state.items
            state.items = []
            return items
        }
    }

    private func close(_ descriptor: Int32) { Glibc.close(descriptor) }
}
