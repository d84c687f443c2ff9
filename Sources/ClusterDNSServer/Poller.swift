import CDNSSockets

/// Tells which descriptors have something to do. What a descriptor is stands in its token: a kind, and a number.
final class Poller {
    enum Kind: UInt64 {
        case inbox, datagrams, streams, connection, exchange
    }

    struct Event {
        var kind: Kind
        var number: Int
        var isReadable: Bool
        var isWritable: Bool
        var isBroken: Bool
    }

    private static let capacity: Int = 64
    private let descriptor: OwnedDescriptor
    private var tokens = [UInt64](repeating: 0, count: Poller.capacity)
    private var flags = [Int32](repeating: 0, count: Poller.capacity)

    init() throws(DNSServerError) {
        descriptor = try OwnedDescriptor(cdns_poller(), "make a poller")
    }

    func watch(
        _ watched: Int32, _ kind: Kind, _ number: Int, reading: Bool = true, writing: Bool = false,
        isKnown: Bool = false
    ) throws(DNSServerError) {
        let events: Int32 = (reading ? 1 : 0) | (writing ? 2 : 0)
        let result: Int32 = cdns_watch(
            descriptor.raw, watched, events, kind.rawValue << 56 | UInt64(number), isKnown ? 1 : 0)
        guard result >= 0 else { throw DNSServerError("watch a socket", -result) }
    }

    /// Stops watching; what is closed is not watched any more anyway.
    func forget(_ watched: Int32) { _ = cdns_watch(descriptor.raw, watched, 0, 0, 1) }

    /// - Parameter timeout: nil waits for ever.
    func wait(_ timeout: Duration?) throws(DNSServerError) -> [Event] {
        var milliseconds: Int32 = -1
        if let timeout {
            let (seconds, attoseconds): (Int64, Int64) = timeout.components
            // Rounded up, so that nobody wakes a little too early again and again.
            milliseconds = Int32(
                clamping: max(0, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
        }
        let count: Int32 = cdns_wait(descriptor.raw, &tokens, &flags, Int32(Self.capacity), milliseconds)
        guard count >= 0 else { throw DNSServerError("wait for sockets", -count) }
        return (0..<Int(count)).compactMap { index in
            guard let kind = Kind(rawValue: tokens[index] >> 56) else { return nil }
            return Event(
                kind: kind, number: Int(tokens[index] & (1 << 56 - 1)), isReadable: flags[index] & 1 != 0,
                isWritable: flags[index] & 2 != 0, isBroken: flags[index] & 4 != 0)
        }
    }
}
