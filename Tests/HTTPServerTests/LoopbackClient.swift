import Glibc

/// A blocking TCP client on the loopback; every wait is at most five seconds.
final class LoopbackClient {
    private let descriptor: Int32
    private var rest: [UInt8] = []
    private var isOpen: Bool = true

    init(port: Int, receiveBuffer: Int32 = 0) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if receiveBuffer > 0 {
            var size: Int32 = receiveBuffer
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var limit: timeval = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address: sockaddr_in = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { hangUp() }

    func hangUp() {
        if isOpen { close(descriptor) }
        isOpen = false
    }

    func send(_ text: String) {
        let bytes: [UInt8] = Array(text.utf8)
        var sent: Int = 0
        while sent < bytes.count {
            let count: Int = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    func shutdownWrite() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// nil: nothing came in five seconds; empty: the end.
    func chunk() -> [UInt8]? {
        if !rest.isEmpty {
            defer { rest = [] }
            return rest
        }
        var buffer: [UInt8] = [UInt8](repeating: 0, count: 65536)
        let count: Int = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { return errno == ECONNRESET ? [] : nil }
        return Array(buffer[..<count])
    }

    /// Everything up to and with `mark`, or all there is until the end or the time limit.
    func read(through mark: String) -> String {
        var all: [UInt8] = []
        let mark: [UInt8] = Array(mark.utf8)
        var searched: Int = 0
        while true {
            if let range = Self.find(mark, in: all, from: searched) {
                rest = Array(all[range.upperBound...])
                return String(decoding: all[..<range.upperBound], as: UTF8.self)
            }
            searched = max(0, all.count - mark.count)
            guard let next = chunk(), !next.isEmpty else { return String(decoding: all, as: UTF8.self) + "<end>" }
            all += next
        }
    }

    /// Everything until the server closes; nil when it does not.
    func readToEnd() -> String? {
        var all: [UInt8] = []
        while true {
            guard let next = chunk() else { return nil }
            if next.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += next
        }
    }

    private static func find(_ mark: [UInt8], in bytes: [UInt8], from first: Int) -> Range<Int>? {
        guard bytes.count >= first + mark.count else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            for start in first...(bytes.count - mark.count) where bytes[start] == mark[0] {
                if bytes[start..<(start + mark.count)].elementsEqual(mark) { return start..<(start + mark.count) }
            }
            return nil
        }
    }
}
