import Glibc

/// IP addresses between text and bytes (4 or 16, network order).
enum IPText {
    static func bytes(_ text: String) -> [UInt8]? {
        var four: in_addr = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six: in6_addr = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }

    static func text(_ bytes: [UInt8]) -> String {
        let family: Int32 = bytes.count == 4 ? AF_INET : AF_INET6
        guard bytes.count == 4 || bytes.count == 16 else { return "" }
        var buffer: [UInt8] = [UInt8](repeating: 0, count: 64)
        let done: Bool = buffer.withUnsafeMutableBytes { out in
            bytes.withUnsafeBytes { source in
                guard let to = out.baseAddress?.assumingMemoryBound(to: CChar.self), let from = source.baseAddress
                else { return false }
                return inet_ntop(family, from, to, 64) != nil
            }
        }
        return done ? String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self) : ""
    }
}
