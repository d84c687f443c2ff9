import Glibc
import Synchronization

/// What became of a question.
enum Outcome: Equatable, Sendable {
    /// Who answered, and which address the client had for it.
    case answered(by: String, seenAs: String)
    case refused
    case silence
    case failed(Int32)
}

/// A socket address for IPv4 or IPv6.
struct SocketAddress {
    private var storage = sockaddr_storage()
    let family: Int32

    init(_ text: String, _ port: Int) {
        if text.contains(":") {
            family = AF_INET6
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            inet_pton(AF_INET6, text, &address.sin6_addr)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in6.self) }
        } else {
            family = AF_INET
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            inet_pton(AF_INET, text, &address.sin_addr)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in.self) }
        }
    }

    var length: socklen_t {
        socklen_t(family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
    }

    func with<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
        }
    }

    /// The address in what the kernel filled in.
    static func text(_ storage: sockaddr_storage) -> String {
        var storage = storage
        var buffer = [UInt8](repeating: 0, count: 64)
        let isFour: Bool = storage.ss_family == sa_family_t(AF_INET)
        withUnsafeBytes(of: &storage) { raw in
            let address = raw.baseAddress?.advanced(by: isFour ? 4 : 8)
            _ = buffer.withUnsafeMutableBytes { out in
                inet_ntop(
                    isFour ? AF_INET : AF_INET6, address, out.baseAddress?.assumingMemoryBound(to: CChar.self), 64)
            }
        }
        return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
}

enum PacketSocket {
    static func timeouts(_ socket: Int32, milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    static func reuse(_ socket: Int32) {
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func outcome(_ text: [UInt8]) -> Outcome {
        let words = String(decoding: text, as: UTF8.self).split(separator: " ").map(String.init)
        return words.count == 2 ? .answered(by: words[0], seenAs: words[1]) : .silence
    }

    private static func outcome(error: Int32) -> Outcome {
        switch error {
        case ECONNREFUSED: .refused
        case EAGAIN, EINPROGRESS, ETIMEDOUT: .silence
        default: .failed(error)
        }
    }

    /// A question over a connected socket: TCP, or UDP with one datagram.
    static func ask(_ target: SocketAddress, isStream: Bool, sourcePort: Int, milliseconds: Int) -> Outcome {
        let kind: Int32 = Int32(isStream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
        let descriptor: Int32 = socket(target.family, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        timeouts(descriptor, milliseconds: milliseconds)
        if sourcePort != 0 {
            reuse(descriptor)
            let own = SocketAddress(target.family == AF_INET ? "0.0.0.0" : "::", sourcePort)
            guard own.with({ bind(descriptor, $0, own.length) }) == 0 else { return .failed(errno) }
        }
        guard target.with({ connect(descriptor, $0, target.length) }) == 0 else { return outcome(error: errno) }
        if !isStream, send(descriptor, "?", 1, 0) != 1 { return outcome(error: errno) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count: Int = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? outcome(Array(buffer.prefix(count))) : outcome(error: count < 0 ? errno : EAGAIN)
    }

    // MARK: - Serving

    /// Answers each connection, or datagram, with a name and the client's address, until the descriptor is shut down.
    static func serve(_ descriptor: Int32, isStream: Bool, name: String) {
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let result: Int = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    isStream
                        ? Int(accept(descriptor, peer, &length))
                        : recvfrom(descriptor, &buffer, buffer.count, 0, peer, &length)
                }
            }
            if result < 0, errno == EINTR { continue }
            // A datagram socket that is shut down reads nothing.
            if result < 0 || (!isStream && result == 0) { return }
            let answer: [UInt8] = Array("\(name) \(SocketAddress.text(peer))".utf8)
            if isStream {
                _ = send(Int32(result), answer, answer.count, Int32(MSG_NOSIGNAL))
                close(Int32(result))
            } else {
                _ = withUnsafePointer(to: &peer) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(descriptor, answer, answer.count, 0, $0, length)
                    }
                }
            }
        }
    }

    static func listen(_ address: SocketAddress, isStream: Bool) -> Int32 {
        let kind: Int32 = Int32(isStream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
        let descriptor: Int32 = socket(address.family, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        reuse(descriptor)
        let bound: Int32 = address.with { bind(descriptor, $0, address.length) }
        precondition(bound == 0, "a test's port must be free: \(errno)")
        if isStream { Glibc.listen(descriptor, 128) }
        return descriptor
    }
}

/// A first packet of SCTP (RFC 9260: INIT), which many kernels cannot send by a socket of their own.
enum SCTPInit {
    static func packet(from source: UInt16, to port: UInt16) -> [UInt8] {
        func two(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }
        var packet: [UInt8] = two(source) + two(port) + [0, 0, 0, 0] + [0, 0, 0, 0]
        packet += [1, 0, 0, 20, 1, 2, 3, 4, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 5, 6, 7, 8]
        let sum: UInt32 = checksum(packet)
        for index in 0..<4 { packet[8 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index)) }
        return packet
    }

    /// CRC-32C, bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = .max
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        }
        return ~value
    }
}

/// A TCP connection between two namespaces that stays open.
final class LongConnection {
    private let client: Int32
    private let server: Int32

    init(_ lab: PacketLab, to pod: String, from namespace: String, port: Int = 9090) throws {
        let listener: Int32 = NamespaceThread.value(in: lab.prefix + pod) {
            PacketSocket.listen(SocketAddress("0.0.0.0", port), isStream: true)
        }
        defer { close(listener) }
        client = NamespaceThread.value(in: lab.prefix + namespace) {
            let descriptor: Int32 = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            PacketSocket.timeouts(descriptor, milliseconds: 1000)
            let target = SocketAddress(PacketLab.address(pod), port)
            return target.with { connect(descriptor, $0, target.length) } == 0 ? descriptor : -1
        }
        server = accept(listener, nil, nil)
        PacketSocket.timeouts(server, milliseconds: 700)
    }

    deinit {
        close(client)
        close(server)
    }

    /// Whether a byte from the client arrives, and one comes back.
    func exchange() -> Bool {
        var byte: UInt8 = 1
        guard send(client, &byte, 1, Int32(MSG_NOSIGNAL)) == 1, recv(server, &byte, 1, 0) == 1,
            send(server, &byte, 1, Int32(MSG_NOSIGNAL)) == 1
        else { return false }
        return recv(client, &byte, 1, 0) == 1
    }
}
