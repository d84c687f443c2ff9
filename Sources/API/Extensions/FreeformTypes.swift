package import Codec

// The parts of a JSON schema that are more than an object in JSON.

extension JSON {
    /// The value itself; `null` if there is none.
    package var value: JSONValue {
        get { (try? JSONReader.decode(JSONValue.self, from: raw)) ?? .null }
        set { raw = newValue.isNull ? [] : newValue.jsonBytes }
    }

    package init(_ value: JSONValue) {
        self.init()
        self.value = value
    }

    package init(json reader: inout JSONReader) throws(JSONError) {
        value = try reader.value()
    }

    package func write(json writer: inout JSONWriter) {
        if raw.isEmpty { writer.null() } else { writer.raw(raw) }
    }
}

extension JSONSchemaPropsOrBool {
    package init(json reader: inout JSONReader) throws(JSONError) {
        if reader.nextIsObject() {
            props = try reader.value()
            allows = true
        } else {
            allows = try reader.bool()
        }
    }

    package func write(json writer: inout JSONWriter) {
        if let props { props.write(json: &writer) } else { writer.bool(allows) }
    }
}

extension JSONSchemaPropsOrArray {
    package init(json reader: inout JSONReader) throws(JSONError) {
        if reader.nextIsArray() { jsonSchemas = try reader.value() } else { props = try reader.optional() }
    }

    package func write(json writer: inout JSONWriter) {
        if !jsonSchemas.isEmpty {
            jsonSchemas.write(json: &writer)
        } else if let props {
            props.write(json: &writer)
        } else {
            writer.null()
        }
    }
}

extension JSONSchemaPropsOrStringArray {
    package init(json reader: inout JSONReader) throws(JSONError) {
        if reader.nextIsArray() { property = try reader.value() } else { props = try reader.optional() }
    }

    package func write(json writer: inout JSONWriter) {
        if !property.isEmpty {
            property.write(json: &writer)
        } else if let props {
            props.write(json: &writer)
        } else {
            writer.null()
        }
    }
}
