import Glibc

/// Byte strings compared as memory is: the order of keys.
enum Bytes {
    static func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let common = min(left.count, right.count)
        let order: Int32 = left.withUnsafeBytes { leftBytes in
            right.withUnsafeBytes { rightBytes in
                guard common > 0, let a = leftBytes.baseAddress, let b = rightBytes.baseAddress else { return 0 }
                return memcmp(a, b, common)
            }
        }
        return order == 0 ? left.count < right.count : order < 0
    }

    static func hasPrefix(_ bytes: [UInt8], _ prefix: [UInt8]) -> Bool {
        guard bytes.count >= prefix.count else { return false }
        guard !prefix.isEmpty else { return true }
        return bytes.withUnsafeBytes { bytes in
            prefix.withUnsafeBytes { prefix in
                guard let a = bytes.baseAddress, let b = prefix.baseAddress else { return true }
                return memcmp(a, b, prefix.count) == 0
            }
        }
    }

    /// The least byte string above all that begin with `prefix`; nil if there is none (empty, or all 0xFF).
    static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 != 0xFF }) else { return nil }
        var end = Array(prefix[...last])
        end[last] += 1
        return end
    }

    /// The first key of `prefix` behind `after`.
    static func start(ofPrefix prefix: [UInt8], after: [UInt8]?) -> [UInt8] {
        guard let after, !isLess(after, prefix) else { return prefix }
        // The immediate successor of a byte string is itself and a zero.
        return after + [0]
    }
}
