/// Writes protobuf from the end to the beginning, so that a message's length is known when its header is written
/// and nothing is measured twice.
///
///     capacity ................................................ 0
///     [ free            | tag | length | … already written … ]
///                       ^ start
///
/// Fields are therefore written from the last to the first, and the elements of a list in reverse.
package struct ProtobufWriter: ~Copyable {
    private var buffer: [UInt8]
    /// The first byte that was written.
    private var start: Int

    package init(capacity: Int = 256) {
        let size: Int = max(capacity, 16)
        buffer = [UInt8](repeating: 0, count: size)
        start = size
    }

    /// The bytes of one message.
    @inlinable
    package static func encode<T: ProtobufCodable>(_ message: T, capacity: Int = 256) -> [UInt8] {
        var writer = ProtobufWriter(capacity: capacity)
        message.write(protobuf: &writer)
        return writer.finish()
    }

    /// How many bytes have been written.
    package var count: Int { buffer.count - start }

    package consuming func finish() -> [UInt8] {
        Array(buffer[start...])
    }

    private mutating func reserve(_ more: Int) {
        guard start < more else { return }
        let written: Int = count
        let size: Int = max(buffer.count * 2, written + more)
        var larger = [UInt8](repeating: 0, count: size)
        larger.replaceSubrange((size - written)..<size, with: buffer[start...])
        buffer = larger
        start = size - written
    }

    // MARK: - Parts

    private mutating func rawVarint(_ value: UInt64) {
        var length: Int = 1
        var rest: UInt64 = value >> 7
        while rest != 0 {
            length += 1
            rest >>= 7
        }
        reserve(length)
        start -= length
        rest = value
        var index: Int = start
        while rest >= 0x80 {
            buffer[index] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            index += 1
        }
        buffer[index] = UInt8(truncatingIfNeeded: rest)
    }

    private mutating func tag(_ field: Int, _ wireType: UInt64) {
        rawVarint(UInt64(field) << 3 | wireType)
    }

    private mutating func rawBytes(_ bytes: UnsafeBufferPointer<UInt8>) {
        reserve(bytes.count)
        start -= bytes.count
        var index: Int = start
        for byte in bytes {
            buffer[index] = byte
            index += 1
        }
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
            buffer[start + index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))
        }
        tag(field, 1)
    }

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
    package mutating func header(field: Int, since mark: Int) {
        rawVarint(UInt64(count - mark))
        tag(field, 2)
    }

    // MARK: - Lists

    package mutating func strings(_ list: [String], field: Int) {
        for element in list.reversed() { string(element, field: field) }
    }

    /// One field per element: how proto2 writes lists of numbers.
    package mutating func ints(_ list: [Int], field: Int) {
        for element in list.reversed() { int(element, field: field) }
    }

    /// One field for all elements: how proto3 writes lists of numbers.
    package mutating func packed(_ list: [Int], field: Int) {
        guard !list.isEmpty else { return }
        let mark: Int = count
        for element in list.reversed() { rawVarint(UInt64(bitPattern: Int64(element))) }
        header(field: field, since: mark)
    }

    @inlinable
    package mutating func messages<T: ProtobufCodable>(_ list: [T], field: Int) {
        for element in list.reversed() { message(element, field: field) }
    }
}
