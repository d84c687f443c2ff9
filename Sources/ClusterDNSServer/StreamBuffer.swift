import Glibc

/// Messages over TCP: each after its length in two bytes (RFC 1035 §4.2.2).
struct StreamBuffer {
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var outputStart: Int = 0

    /// How much a peer that does not read may keep us from sending.
    static let outputLimit: Int = 1 << 20

    enum Status {
        case open, ended, broken
    }

    var hasOutput: Bool { outputStart < output.count }
    var isOverfull: Bool { output.count - outputStart > Self.outputLimit }

    /// Takes what is there, as long as less than two messages are.
    mutating func fill(_ descriptor: Int32) -> Status {
        while input.count < 2 * 65537 {
            var status: Status = .open
            var taken: Int = 0
            let start: Int = input.count
            input.append(contentsOf: repeatElement(0, count: 4096))
            input.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                taken = read(descriptor, base + start, 4096)
                if taken < 0 { status = errno == EAGAIN || errno == EINTR ? .open : .broken }
            }
            input.removeLast(4096 - max(0, taken))
            if taken == 0 { return .ended }
            if taken < 4096 { return status }
        }
        return .open
    }

    /// The next whole message.
    mutating func next() -> [UInt8]? {
        guard input.count >= 2 else { return nil }
        let length: Int = Int(input[0]) << 8 | Int(input[1])
        guard input.count >= 2 + length else { return nil }
        let message: [UInt8] = Array(input[2..<2 + length])
        input.removeFirst(2 + length)
        return message
    }

    mutating func put(_ message: [UInt8]) {
        output.append(UInt8(truncatingIfNeeded: message.count >> 8))
        output.append(UInt8(truncatingIfNeeded: message.count))
        output += message
    }

    mutating func drain(_ descriptor: Int32) -> Status {
        while hasOutput {
            let start: Int = outputStart
            let count: Int = output.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return 0 }
                return send(descriptor, base + start, bytes.count - start, Int32(MSG_NOSIGNAL))
            }
            if count < 0 { return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? .open : .broken }
            outputStart += count
        }
        output.removeAll(keepingCapacity: true)
        outputStart = 0
        return .open
    }
}
