/// A message that reads and writes itself in protobuf's wire format.
///
/// `init(protobuf:)` reads fields until `nextField()` gives 0, the end of the message; fields that it does not know it
/// skips. `write(protobuf:)` writes the fields from the last to the first (see `ProtobufWriter`).
@usableFromInline
package protocol ProtobufCodable {
    init(protobuf reader: inout ProtobufReader) throws(ProtobufError)
    func write(protobuf writer: inout ProtobufWriter)
}

/// Why bytes are not a protobuf message.
@usableFromInline
package struct ProtobufError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The bytes end within a value.
        case truncated
        /// A varint of more than ten bytes, or more than 64 bits.
        case varintOverflow
        /// A length that goes beyond its message.
        case lengthOutOfBounds
        /// Field number 0, or one above 2^29 - 1.
        case invalidFieldNumber
        /// A group (wire types 3 and 4) or an unassigned wire type (6 and 7).
        case unsupportedWireType(UInt8)
        /// A known field with another wire type than its own.
        case unexpectedWireType(UInt8, field: Int)
        /// More than `ProtobufReader.maximumDepth` messages in each other.
        case tooDeep
        /// The bytes of an embedded value are not what they should be, such as JSON or a quantity.
        case invalidValue(String)
    }

    package var kind: Kind
    /// Where in the bytes.
    package var offset: Int

    package init(_ kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    @usableFromInline
    package var description: String {
        let what: String
        switch kind {
        case .truncated: what = "unexpected end of the message"
        case .varintOverflow: what = "integer overflow"
        case .lengthOutOfBounds: what = "length out of bounds"
        case .invalidFieldNumber: what = "invalid field number"
        case .unsupportedWireType(let type): what = "unsupported wire type \(type)"
        case .unexpectedWireType(let type, let field): what = "unexpected wire type \(type) for field \(field)"
        case .tooDeep: what = "messages nested too deeply"
        case .invalidValue(let reason): what = reason
        }
        return "invalid protobuf at offset \(offset): \(what)"
    }
}
