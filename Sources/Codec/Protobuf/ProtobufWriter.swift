/// Writes protobuf from the end to the beginning, so that a message's length is known when its header is written
/// and nothing is measured twice.
///
///     capacity ................................................ 0
///     [ free            | tag | length | … already written … ]
///                       ^ start
///
/// Fields are therefore written from the last to the first, and the elements of a list in reverse.
@usableFromInline
package struct ProtobufWriter: ~Copyable {
    /// Owned: allocated here or in `reserve`, freed by `deinit`. Only `start...` is initialized and ever read.
    private var memory: UnsafeMutableRawBufferPointer
    /// The first byte that was written.
    private var start: Int

    @usableFromInline
    package init(capacity: Int = 256) {
        let size: Int = max(capacity, 16)
        memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        start = size
    }

    deinit {
        memory.deallocate()
    }

    /// The bytes of one message.
    @inlinable
    package static func encode<T: ProtobufCodable>(_ message: T, capacity: Int = 256) -> [UInt8] {
        var writer = ProtobufWriter(capacity: capacity)
        message.write(protobuf: &writer)
        return writer.finish()
    }

    /// How many bytes have been written.
    @usableFromInline
    package var count: Int { memory.count - start }

    @usableFromInline
    package consuming func finish() -> [UInt8] {
        Array(UnsafeRawBufferPointer(rebasing: memory[start...]))
    }

    /// Makes room for more bytes in front of `start`; with it, writes behind the new start are in bounds.
    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if start < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let written: Int = count
        let size: Int = max(memory.count * 2, written + more)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        UnsafeMutableRawBufferPointer(rebasing: larger[(size - written)...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start...]))
        memory.deallocate()
        memory = larger
        start = size - written
    }

    // MARK: - Parts

    private mutating func rawVarint(_ value: UInt64) {
        if value < 0x80 {
            reserve(1)
            start -= 1
            memory[start] = UInt8(truncatingIfNeeded: value)
            return
        }
        let length: Int = (70 - value.leadingZeroBitCount) / 7
        reserve(length)
        start -= length
        var rest: UInt64 = value
        var index: Int = start
        while rest >= 0x80 {
            memory[index] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            index += 1
        }
        memory[index] = UInt8(truncatingIfNeeded: rest)
    }

    private mutating func tag(_ field: Int, _ wireType: UInt64) {
        rawVarint(UInt64(field) << 3 | wireType)
    }

    private mutating func rawBytes(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        reserve(bytes.count)
        start -= bytes.count
        UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + bytes.count)])
            .copyMemory(from: UnsafeRawBufferPointer(bytes))
    }

    // MARK: - Fields

    /// uint64, and the bits of every other varint.
    package mutating func varint(_ value: UInt64, field: Int) {
        rawVarint(value)
        tag(field, 0)
    }

    /// int32, int64, uint32 and enums alike; negative numbers take ten bytes.
    package mutating func int(_ value: Int, field: Int) {
        varint(UInt64(bitPattern: Int64(value)), field: field)
    }

    package mutating func bool(_ value: Bool, field: Int) {
        varint(value ? 1 : 0, field: field)
    }

    package mutating func double(_ value: Double, field: Int) {
        reserve(8)
        start -= 8
        let bits: UInt64 = value.bitPattern
        for index in 0..<8 {
            memory[start + index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))
        }
        tag(field, 1)
    }

    @usableFromInline
    package mutating func string(_ value: String, field: Int) {
        var text: String = value
        let mark: Int = count
        text.withUTF8 { rawBytes($0) }
        header(field: field, since: mark)
    }

    package mutating func bytes(_ value: [UInt8], field: Int) {
        let mark: Int = count
        value.withUnsafeBufferPointer { rawBytes($0) }
        header(field: field, since: mark)
    }

    @inlinable
    package mutating func message<T: ProtobufCodable>(_ value: T, field: Int) {
        let mark: Int = count
        value.write(protobuf: &self)
        header(field: field, since: mark)
    }

    /// The tag and length of what was written since `count` was `mark`.
    @usableFromInline
    package mutating func header(field: Int, since mark: Int) {
        rawVarint(UInt64(count - mark))
        tag(field, 2)
    }

    // MARK: - Lists

    package mutating func strings(_ list: [String], field: Int) {
        for index in stride(from: list.count - 1, through: 0, by: -1) { string(list[index], field: field) }
    }

    /// One field per element: how proto2 writes lists of numbers.
    package mutating func ints(_ list: [Int], field: Int) {
        for index in stride(from: list.count - 1, through: 0, by: -1) { int(list[index], field: field) }
    }

    /// One field for all elements: how proto3 writes lists of numbers.
    package mutating func packed(_ list: [Int], field: Int) {
        guard !list.isEmpty else { return }
        let mark: Int = count
        for index in stride(from: list.count - 1, through: 0, by: -1) {
            rawVarint(UInt64(bitPattern: Int64(list[index])))
        }
        header(field: field, since: mark)
    }

    @inlinable
    package mutating func messages<T: ProtobufCodable>(_ list: [T], field: Int) {
        for index in stride(from: list.count - 1, through: 0, by: -1) { message(list[index], field: field) }
    }
}
