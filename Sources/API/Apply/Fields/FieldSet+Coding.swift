package import Codec

// FieldsV1, the form in which sets are stored:
//
//     {"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:ports":{"k:{\"port\":80}":{".":{},"f:port":{}}}}}
//
// A name says what kind of step it is and where it leads; `.` says that the step's field itself is in the set. A field
// with nothing below it is an empty object.

extension FieldSet: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        self.init()
        _ = try Self.read(&reader, into: &self)
    }

    /// Whether the set has the field itself: it is `.`, or there is nothing at all.
    private static func read(_ reader: inout JSONReader, into set: inout FieldSet) throws(JSONError) -> Bool {
        guard try reader.beginObject() else { return true }
        var isMember: Bool = false
        var hasAny: Bool = false
        while let key = try reader.nextKey() {
            hasAny = true
            if key == "." {
                isMember = true
                try reader.skip()
                continue
            }
            guard let element = try element(key, &reader) else {
                // A kind of step that only later versions know: upstream skips it, too.
                try reader.skip()
                continue
            }
            var children = FieldSet()
            let isIn: Bool = try read(&reader, into: &children)
            if let last = set.entries.last, last.element.order(element) < 0 {
                if isIn || !children.isEmpty {
                    set.entries.append(Entry(element: element, isMember: isIn, children: children))
                }
            } else {
                set.add(element, isMember: isIn, children: children)
            }
        }
        return isMember || !hasAny
    }

    /// What a name says; nil if it is of a kind unknown.
    private static func element(_ name: String, _ reader: inout JSONReader) throws(JSONError) -> PathElement? {
        let bytes: String.UTF8View = name.utf8
        guard bytes.count >= 2, bytes[bytes.index(after: bytes.startIndex)] == UInt8(ascii: ":") else {
            throw reader.invalid("\"\(name)\" is no name of a field", at: reader.offset)
        }
        let rest: Substring = name.dropFirst(2)
        switch bytes.first {
        case UInt8(ascii: "f"): return .field(String(rest))
        case UInt8(ascii: "v"): return .value(try value(rest, &reader))
        case UInt8(ascii: "k"):
            guard case .object(let object) = try value(rest, &reader) else {
                throw reader.invalid("\"\(name)\" is no key of an element", at: reader.offset)
            }
            return .key(object.sorted.map { PathElement.KeyPart($0.key, $0.value) })
        case UInt8(ascii: "i"):
            guard let index = Int(rest) else {
                throw reader.invalid("\"\(name)\" is no place in a list", at: reader.offset)
            }
            return .index(index)
        default: return nil
        }
    }

    private static func value(_ text: Substring, _ reader: inout JSONReader) throws(JSONError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: Array(text.utf8))
        } catch {
            throw reader.invalid("\"\(text)\" names no element: \(error.message)", at: reader.offset)
        }
    }

    package func write(json writer: inout JSONWriter) {
        writer.beginObject()
        writeEntries(&writer)
        writer.endObject()
    }

    private func writeEntries(_ writer: inout JSONWriter) {
        for entry in entries {
            writer.key(entry.element.fieldsName)
            writer.beginObject()
            if !entry.children.isEmpty {
                if entry.isMember {
                    writer.key(".")
                    writer.beginObject()
                    writer.endObject()
                }
                entry.children.writeEntries(&writer)
            }
            writer.endObject()
        }
    }
}

extension PathElement {
    /// Its name in FieldsV1.
    package var fieldsName: String {
        switch self {
        case .field(let name): return "f:" + name
        case .value(let value): return "v:" + value.description
        case .index(let index): return "i:\(index)"
        case .key(let parts):
            var writer = JSONWriter(capacity: 64)
            writer.beginObject()
            for part in parts {
                writer.key(part.name)
                part.value.write(json: &writer)
            }
            writer.endObject()
            return "k:" + String(decoding: writer.finish(), as: UTF8.self)
        }
    }
}
