package import Codec

extension Quantity: JSONCodable {
    /// A string or a number, with white space around it, as upstream allows.
    package init(json reader: inout JSONReader) throws(JSONError) {
        if try reader.takeNull() {
            self.init()
            return
        }
        let offset: Int = reader.offset
        let text: String =
            reader.nextIsString() ? try reader.string() : String(decoding: try reader.rawValue(), as: UTF8.self)
        do throws(ParseError) {
            try self.init(text.trimmingSpaces)
        } catch {
            throw reader.invalid(error.description, at: offset)
        }
    }

    package func write(json writer: inout JSONWriter) {
        writer.string(description)
    }
}

/// `{1: the canonical form}`.
extension Quantity: ProtobufCodable {
    package init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        var text: String = ""
        reading: while true {
            switch try reader.nextField() {
            case 0: break reading
            case 1: text = try reader.string()
            default: try reader.skip()
            }
        }
        if text.isEmpty {
            self.init()
            return
        }
        do throws(ParseError) {
            try self.init(text)
        } catch {
            throw reader.failure(.invalidValue(error.description))
        }
    }

    package func write(protobuf writer: inout ProtobufWriter) {
        writer.string(description, field: 1)
    }
}

extension String {
    /// Without ASCII white space at both ends.
    var trimmingSpaces: String {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
        guard let first = utf8.first, let last = utf8.last, isSpace(first) || isSpace(last) else { return self }
        let start: String.Index = utf8.firstIndex { !isSpace($0) } ?? utf8.endIndex
        let rest: Substring = self[start...]
        let end: String.Index? = rest.utf8.lastIndex { !isSpace($0) }
        return end.map { String(rest[...$0]) } ?? ""
    }
}
