/// A type with a JSON form that reads and writes itself, without reflection.
@usableFromInline
package protocol JSONCodable {
    /// Reads the next value. `null` is read as the empty value, as in Go.
    init(json reader: inout JSONReader) throws(JSONError)
    /// Writes exactly one value.
    func write(json writer: inout JSONWriter)
}

extension JSONCodable {
    /// Reads one document; see `JSONReader.decode`.
    package init(jsonBytes bytes: [UInt8]) throws(JSONError) {
        self = try JSONReader.decode(Self.self, from: bytes)
    }

    /// The value as one compact document.
    package var jsonBytes: [UInt8] {
        var writer = JSONWriter()
        write(json: &writer)
        return writer.finish()
    }
}

extension String: JSONCodable {
    @inlinable
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = try reader.string()
    }

    @inlinable
    package func write(json writer: inout JSONWriter) {
        writer.string(self)
    }
}

extension Bool: JSONCodable {
    @inlinable
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = try reader.bool()
    }

    @inlinable
    package func write(json writer: inout JSONWriter) {
        writer.bool(self)
    }
}

extension Int: JSONCodable {
    @inlinable
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = try reader.int64()
    }

    @inlinable
    package func write(json writer: inout JSONWriter) {
        writer.int(self)
    }
}

extension Double: JSONCodable {
    @inlinable
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = try reader.double()
    }

    @inlinable
    package func write(json writer: inout JSONWriter) {
        writer.double(self)
    }
}

extension Array: JSONCodable where Element: JSONCodable {
    @inlinable
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = []
        guard try reader.beginArray() else { return }
        while try reader.nextElement() {
            append(try Element(json: &reader))
        }
    }

    @inlinable
    package func write(json writer: inout JSONWriter) {
        writer.beginArray()
        for element in self {
            writer.element()
            element.write(json: &writer)
        }
        writer.endArray()
    }
}
