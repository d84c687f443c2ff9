import Glibc

/// A socket to the kernel's netfilter. Everything here blocks for as long as the kernel works on it.
package struct NetlinkSocket: ~Copyable {
    package struct Error: Swift.Error, Equatable, CustomStringConvertible {
        package var operation: String
        package var errorNumber: Int32
        package var detail: String = ""

        package var description: String {
            "failed to \(operation): \(String(cString: strerror(errorNumber)))" + (detail.isEmpty ? "" : " (\(detail))")
        }
    }

    private let descriptor: Int32
    private var sequence: UInt32 = 1

    /// In the network namespace of the calling thread.
    package init() throws(Error) {
        // AF_NETLINK 16, NETLINK_NETFILTER 12
        descriptor = socket(16, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 12)
        guard descriptor >= 0 else { throw Error(operation: "open a netlink socket", errorNumber: errno) }
        // SOL_NETLINK 270: NETLINK_CAP_ACK 10 (our messages do not come back whole), NETLINK_EXT_ACK 11 (reasons).
        Self.set(descriptor, 270, 10, 1)
        Self.set(descriptor, 270, 11, 1)
        // SO_SNDBUFFORCE 32, SO_RCVBUFFORCE 33
        Self.set(descriptor, SOL_SOCKET, 32, 64 << 20)
        Self.set(descriptor, SOL_SOCKET, 33, 16 << 20)
    }

    deinit { close(descriptor) }

    private static func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value: Int32 = value
        // What an old kernel does not know costs comfort only.
        _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    package mutating func nextSequence(_ count: Int) -> UInt32 {
        let first: UInt32 = sequence
        sequence &+= UInt32(count)
        if sequence > 1 << 30 { sequence = 1 }
        return first
    }

    package func send(_ bytes: [UInt8]) throws(Error) {
        // sockaddr_nl: family, padding, port 0 (the kernel), no groups
        var address: (UInt16, UInt16, UInt32, UInt32) = (16, 0, 0, 0)
        let sent: Int = bytes.withUnsafeBytes { raw in
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                    sendto(descriptor, raw.baseAddress, raw.count, 0, target, 12)
                }
            }
        }
        guard sent == bytes.count else { throw Error(operation: "send to netfilter", errorNumber: errno) }
    }

    /// What is there to read; empty when nothing is, unless it shall wait.
    package func receive(waiting: Bool) throws(Error) -> [UInt8] {
        let capacity: Int = 256 << 10
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            while true {
                let read: Int = recv(descriptor, buffer.baseAddress, capacity, waiting ? 0 : Int32(MSG_DONTWAIT))
                if read < 0, errno == EINTR { continue }
                if read < 0, errno != EAGAIN { failure = errno }
                count = max(0, read)
                return
            }
        }
        if failure != 0 { throw Error(operation: "read from netfilter", errorNumber: failure) }
        return bytes
    }
}
