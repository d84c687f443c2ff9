package import Codec

/// The fields that one manager has set, as JSON: read only by what works with field ownership, and so neither parsed
/// nor made a tree where an object is only passed on.
package struct FieldsV1: Sendable, Equatable {
    /// One JSON object, without white space.
    package let json: [UInt8]

    package init(_ json: [UInt8]) {
        self.json = json
    }
}

extension FieldsV1: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        json = Array(text.utf8)
    }
}

extension FieldsV1: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        json = Self.compact(try reader.rawValue())
    }

    package func write(json writer: inout JSONWriter) {
        writer.raw(json)
    }

    /// Without the white space between tokens; most is written without.
    private static func compact(_ json: [UInt8]) -> [UInt8] {
        if !json.contains(where: { $0 <= 0x20 }) { return json }
        var isInText: Bool = false
        var isEscaped: Bool = false
        var result: [UInt8] = []
        result.reserveCapacity(json.count)
        for byte in json {
            if isInText {
                result.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
            } else if byte > 0x20 {
                result.append(byte)
                isInText = byte == UInt8(ascii: "\"")
            }
        }
        return result
    }
}

extension FieldsV1: CustomStringConvertible {
    package var description: String { String(decoding: json, as: UTF8.self) }
}
