/// A cursor over one protobuf message and the messages in it.
///
///     tag = field << 3 | wire type       0 varint   1 eight bytes   2 length and bytes   5 four bytes
///
/// After `nextField()` the value must be taken by exactly one call, or skipped.
@usableFromInline
package struct ProtobufReader: ~Copyable {
    /// How many messages may be nested.
    package static let maximumDepth = 100

    private let buffer: [UInt8]
    /// The next byte to read.
    private var position: Int
    /// The end of the message that is being read.
    private var end: Int
    private var depth: Int
    /// The wire type of the field that `nextField` found.
    package private(set) var wireType: UInt8 = 0
    /// The field that `nextField` found.
    private var field: Int = 0

    @usableFromInline
    package init(_ bytes: [UInt8]) {
        buffer = bytes
        position = 0
        end = bytes.count
        depth = 0
    }

    package init(_ slice: ArraySlice<UInt8>) {
        self.init(Array(slice))
    }

    /// Reads one message that takes all the bytes.
    @inlinable
    package static func decode<T: ProtobufCodable>(
        _ type: T.Type, from bytes: [UInt8]
    ) throws(ProtobufError) -> T {
        var reader = ProtobufReader(bytes)
        return try T(protobuf: &reader)
    }

    package func failure(_ kind: ProtobufError.Kind) -> ProtobufError {
        ProtobufError(kind, offset: position)
    }

    /// The number of the next field of the current message; 0 at its end.
    @usableFromInline
    package mutating func nextField() throws(ProtobufError) -> Int {
        guard position < end else { return 0 }
        let tag: UInt64 = try rawVarint()
        wireType = UInt8(truncatingIfNeeded: tag & 7)
        let number: UInt64 = tag >> 3
        guard number > 0, number < 1 << 29 else { throw failure(.invalidFieldNumber) }
        field = Int(number)
        return field
    }

    // MARK: - Scalars

    private mutating func rawVarint() throws(ProtobufError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte: UInt8 = buffer[position]
            position += 1
            if shift == 63, byte > 1 { throw failure(.varintOverflow) }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
            if shift > 63 { throw failure(.varintOverflow) }
        }
        throw failure(.truncated)
    }

    private func expect(_ type: UInt8) throws(ProtobufError) {
        guard wireType == type else { throw failure(.unexpectedWireType(wireType, field: field)) }
    }

    /// uint64, and the bits of every other varint.
    package mutating func varint() throws(ProtobufError) -> UInt64 {
        try expect(0)
        return try rawVarint()
    }

    package mutating func int64() throws(ProtobufError) -> Int {
        Int(Int64(bitPattern: try varint()))
    }

    /// int32 and enums: the lower 32 bits, with their sign.
    package mutating func int32() throws(ProtobufError) -> Int {
        Int(Int32(truncatingIfNeeded: try varint()))
    }

    /// uint32: the lower 32 bits.
    package mutating func uint32() throws(ProtobufError) -> Int {
        Int(UInt32(truncatingIfNeeded: try varint()))
    }

    package mutating func bool() throws(ProtobufError) -> Bool {
        try varint() != 0
    }

    package mutating func double() throws(ProtobufError) -> Double {
        try expect(1)
        return Double(bitPattern: try rawFixed64())
    }

    private mutating func rawFixed64() throws(ProtobufError) -> UInt64 {
        guard end - position >= 8 else { throw failure(.truncated) }
        var result: UInt64 = 0
        for index in 0..<8 {
            result |= UInt64(buffer[position + index]) << UInt64(8 * index)
        }
        position += 8
        return result
    }

    private mutating func length() throws(ProtobufError) -> Int {
        try expect(2)
        return try rawLength()
    }

    private mutating func rawLength() throws(ProtobufError) -> Int {
        let length: UInt64 = try rawVarint()
        guard length <= UInt64(end - position) else { throw failure(.lengthOutOfBounds) }
        return Int(length)
    }

    /// Text; bytes that are not UTF-8 become replacement characters, as in Go's JSON.
    @usableFromInline
    package mutating func string() throws(ProtobufError) -> String {
        let count: Int = try length()
        let start: Int = position
        position += count
        return String(decoding: buffer[start..<position], as: UTF8.self)
    }

    package mutating func bytes() throws(ProtobufError) -> [UInt8] {
        let count: Int = try length()
        let start: Int = position
        position += count
        return Array(buffer[start..<position])
    }

    // MARK: - Repeated scalars

    /// One element, or all elements of the packed form.
    package mutating func int64(appendingTo list: inout [Int]) throws(ProtobufError) {
        guard wireType == 2 else {
            list.append(try int64())
            return
        }
        let outer: Int = try enterMessage()
        while position < end { list.append(Int(Int64(bitPattern: try rawVarint()))) }
        leaveMessage(outer)
    }

    /// One element, or all elements of the packed form.
    package mutating func int32(appendingTo list: inout [Int]) throws(ProtobufError) {
        guard wireType == 2 else {
            list.append(try int32())
            return
        }
        let outer: Int = try enterMessage()
        while position < end { list.append(Int(Int32(truncatingIfNeeded: try rawVarint()))) }
        leaveMessage(outer)
    }

    // MARK: - Messages

    /// Begins the message that is the current field's value; give what it returns to `leaveMessage`.
    @usableFromInline
    package mutating func enterMessage() throws(ProtobufError) -> Int {
        let count: Int = try length()
        guard depth < Self.maximumDepth else { throw failure(.tooDeep) }
        depth += 1
        let outer: Int = end
        end = position + count
        return outer
    }

    /// Ends the message, and goes on behind it.
    @usableFromInline
    package mutating func leaveMessage(_ outer: Int) {
        position = end
        end = outer
        depth -= 1
    }

    @inlinable
    package mutating func message<T: ProtobufCodable>() throws(ProtobufError) -> T {
        let outer: Int = try enterMessage()
        let result: T = try T(protobuf: &self)
        leaveMessage(outer)
        return result
    }

    /// Passes over the value of the current field.
    @usableFromInline
    package mutating func skip() throws(ProtobufError) {
        switch wireType {
        case 0:
            _ = try rawVarint()
        case 1:
            _ = try rawFixed64()
        case 2:
            position += try rawLength()
        case 5:
            guard end - position >= 4 else { throw failure(.truncated) }
            position += 4
        default:
            throw failure(.unsupportedWireType(wireType))
        }
    }
}
