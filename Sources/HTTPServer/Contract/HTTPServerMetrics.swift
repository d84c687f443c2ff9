import Synchronization

/// Counters of a server, kept by it and read by anyone.
package final class HTTPServerMetrics: Sendable {
    package struct Reading: Sendable, Equatable {
        /// Connections accepted since the start.
        package var connections: Int = 0
        package var openConnections: Int = 0
        /// Requests given to the handler since the start.
        package var requests: Int = 0
        package var requestsInFlight: Int = 0
        /// Connections refused at the limit, failed handshakes, malformed requests, timeouts.
        package var rejections: Int = 0
    }

    private let connections: Atomic<Int> = Atomic(0)
    private let openConnections: Atomic<Int> = Atomic(0)
    private let requests: Atomic<Int> = Atomic(0)
    private let inFlight: Atomic<Int> = Atomic(0)
    private let rejections: Atomic<Int> = Atomic(0)

    package init() {}

    package var reading: Reading {
        Reading(
            connections: connections.load(ordering: .relaxed),
            openConnections: openConnections.load(ordering: .relaxed),
            requests: requests.load(ordering: .relaxed),
            requestsInFlight: inFlight.load(ordering: .relaxed),
            rejections: rejections.load(ordering: .relaxed))
    }

    /// Returns how many are open now.
    func connectionOpened() -> Int {
        connections.add(1, ordering: .relaxed)
        return openConnections.add(1, ordering: .relaxed).newValue
    }

    func connectionClosed() {
        openConnections.subtract(1, ordering: .relaxed)
    }

    func requestStarted() {
        requests.add(1, ordering: .relaxed)
        inFlight.add(1, ordering: .relaxed)
    }

    func requestEnded() {
        inFlight.subtract(1, ordering: .relaxed)
    }

    func rejected() {
        rejections.add(1, ordering: .relaxed)
    }
}
