/// Bits from the lowest up, eight to a byte.
struct BitWriter: ~Copyable {
    private var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var count: Int = 0
    private var pending: UInt64 = 0
    private var pendingCount: Int = 0

    init() {
        capacity = 16 << 10
        bytes = .allocate(capacity: capacity)
    }

    deinit {
        bytes.deallocate()
    }

    /// Makes room for so many more bytes, and a whole word.
    mutating func reserve(_ more: Int) {
        guard count + more + 16 > capacity else { return }
        let larger: Int = max(2 * capacity, count + more + 16)
        let grown: UnsafeMutablePointer<UInt8> = .allocate(capacity: larger)
        grown.initialize(from: bytes, count: count)
        bytes.deallocate()
        bytes = grown
        capacity = larger
    }

    /// At most 16 bits; what is above them must be 0.
    @inline(__always)
    mutating func put(_ value: UInt64, _ length: Int) {
        pending |= value << UInt64(truncatingIfNeeded: pendingCount)
        pendingCount &+= length
        guard pendingCount >= 48 else { return }
        if count &+ 16 > capacity { reserve(64) }
        UnsafeMutableRawPointer(bytes + count).storeBytes(of: pending.littleEndian, as: UInt64.self)
        count &+= 6
        pending >>= 48
        pendingCount &-= 48
    }

    /// Fills the last byte up with zeros.
    mutating func align() {
        reserve(8)
        while pendingCount > 0 {
            bytes[count] = UInt8(truncatingIfNeeded: pending)
            count += 1
            pending >>= 8
            pendingCount -= 8
        }
        pendingCount = 0
    }

    /// Whole bytes, where the last one is full.
    mutating func put(bytes more: [UInt8]) {
        reserve(more.count)
        for byte in more {
            bytes[count] = byte
            count += 1
        }
    }

    /// Hands over the whole bytes.
    mutating func take(to out: inout [UInt8]) {
        out.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        count = 0
    }
}
