import APIMachinery
import Codec

/// Writes documents as JSON: what versions 2 and 3 have in common.
struct OpenAPIWriter: ~Copyable {
    enum Version {
        case two, three
    }

    let version: Version
    var json: JSONWriter

    init(_ version: Version, capacity: Int) {
        self.version = version
        json = JSONWriter(capacity: capacity)
    }

    static func encode(_ document: OpenAPIDocument, as version: Version) -> [UInt8] {
        var writer = OpenAPIWriter(version, capacity: 64 << 10)
        switch version {
        case .two: writer.writeVersion2(document)
        case .three: writer.writeVersion3(document)
        }
        return writer.json.finish()
    }

    // MARK: - Parts of documents

    mutating func text(_ key: StaticString, _ value: String) {
        guard !value.isEmpty else { return }
        json.key(key)
        json.string(value)
    }

    mutating func texts(_ key: StaticString, _ values: [String]) {
        guard !values.isEmpty else { return }
        json.key(key)
        values.write(json: &json)
    }

    mutating func writeInfo(_ document: OpenAPIDocument) {
        json.key("info")
        json.beginObject()
        text("title", OpenAPIText.title)
        text("version", document.version)
        json.endObject()
    }

    mutating func writeBearerToken() {
        json.key("BearerToken")
        json.beginObject()
        text("description", OpenAPIText.bearerToken)
        text("in", "header")
        text("name", "authorization")
        text("type", "apiKey")
        json.endObject()
    }

    mutating func writePaths(_ paths: [OpenAPIPath]) {
        json.key("paths")
        json.beginObject()
        for path in paths {
            json.key(path.path)
            json.beginObject()
            for operation in path.operations {
                json.key(operation.method.rawValue)
                json.beginObject()
                write(operation)
                json.endObject()
            }
            write(path.parameters, body: nil)
            json.endObject()
        }
        json.endObject()
    }

    private mutating func write(_ operation: OpenAPIOperation) {
        if version == .two {
            texts("consumes", operation.body?.contentTypes ?? OpenAPIMediaTypes.any)
        }
        text("description", operation.description)
        text("operationId", operation.id)
        write(operation.parameters, body: version == .two ? operation.body : nil)
        if version == .two {
            texts("produces", operation.produces)
        } else if let body = operation.body {
            json.key("requestBody")
            json.beginObject()
            writeContent(.definition(body.schema), body.contentTypes)
            if body.isRequired {
                json.key("required")
                json.bool(true)
            }
            json.endObject()
        }
        json.key("responses")
        json.beginObject()
        for response in operation.responses { write(response, operation.produces) }
        json.key("401")
        json.beginObject()
        text("description", OpenAPIText.description(401))
        json.endObject()
        json.endObject()
        if version == .two { texts("schemes", ["https"]) }
        texts("tags", [operation.tag])
        text("x-kubernetes-action", operation.action)
        if let gvk = operation.gvk {
            json.key("x-kubernetes-group-version-kind")
            gvk.openAPIValue.write(json: &json)
        }
    }

    private mutating func write(_ response: OpenAPIOperation.Response, _ types: [String]) {
        json.key(String(response.code))
        json.beginObject()
        if version == .three, let payload = response.payload { writeContent(payload, types) }
        text("description", OpenAPIText.description(response.code))
        if version == .two, let payload = response.payload {
            json.key("schema")
            write(payload)
        }
        json.endObject()
    }

    private mutating func writeContent(_ payload: OpenAPIOperation.Payload, _ types: [String]) {
        json.key("content")
        json.beginObject()
        for type in types {
            json.key(type)
            json.beginObject()
            json.key("schema")
            write(payload)
            json.endObject()
        }
        json.endObject()
    }

    private mutating func write(_ payload: OpenAPIOperation.Payload) {
        json.beginObject()
        switch payload {
        case .definition(let name): writeReference(name)
        case .text: text("type", "string")
        }
        json.endObject()
    }

    mutating func writeReference(_ name: String) {
        text("$ref", OpenAPIText.reference(name, version))
    }

    // MARK: - Parameters

    private mutating func write(_ parameters: [OpenAPIParameter], body: OpenAPIOperation.Body?) {
        guard !parameters.isEmpty || body != nil else { return }
        json.key("parameters")
        json.beginArray()
        if let body {
            json.element()
            json.beginObject()
            text("in", "body")
            text("name", "body")
            if body.isRequired {
                json.key("required")
                json.bool(true)
            }
            json.key("schema")
            write(.definition(body.schema))
            json.endObject()
        }
        for parameter in parameters {
            json.element()
            if version == .two, !parameter.sharedName.isEmpty {
                json.beginObject()
                text("$ref", OpenAPIText.parameterReference(parameter))
                json.endObject()
            } else {
                write(parameter)
            }
        }
        json.endArray()
    }

    mutating func write(_ parameter: OpenAPIParameter) {
        json.beginObject()
        text("description", parameter.description)
        text("in", parameter.place.rawValue)
        text("name", parameter.name)
        if parameter.isRequired {
            json.key("required")
            json.bool(true)
        }
        if version == .three {
            json.key("schema")
            json.beginObject()
        }
        text("type", parameter.kind.rawValue)
        json.key("uniqueItems")
        json.bool(true)
        if version == .three { json.endObject() }
        json.endObject()
    }

    // MARK: - Schemas

    mutating func writeDefinitions(_ definitions: [(name: String, node: OpenAPINode)]) {
        json.beginObject()
        for definition in definitions {
            json.key(definition.name)
            write(definition.node)
        }
        json.endObject()
    }

    private mutating func write(_ node: OpenAPINode) {
        json.beginObject()
        if let child = node.additional.first {
            json.key("additionalProperties")
            write(child)
        }
        // In version 3 nothing may stand beside a reference, so it is wrapped where something does.
        let isWrapped: Bool =
            version == .three && !node.reference.isEmpty && (!node.description.isEmpty || node.defaultValue != nil)
        if isWrapped {
            json.key("allOf")
            json.beginArray()
            json.element()
            json.beginObject()
            writeReference(node.reference)
            json.endObject()
            json.endArray()
        } else if !node.reference.isEmpty {
            writeReference(node.reference)
        }
        if version == .three, let value = node.defaultValue {
            json.key("default")
            value.write(json: &json)
        }
        text("description", node.description)
        text("format", node.format)
        if let child = node.items.first {
            json.key("items")
            write(child)
        }
        writeAlternatives(node)
        if !node.properties.isEmpty {
            json.key("properties")
            json.beginObject()
            for property in node.properties {
                json.key(property.name)
                write(property.node)
            }
            json.endObject()
        }
        texts("required", node.required)
        text("type", node.type)
        for field in node.extensions {
            json.key(field.name)
            field.value.write(json: &json)
        }
        json.endObject()
    }

    private mutating func writeAlternatives(_ node: OpenAPINode) {
        guard !node.alternatives.isEmpty else { return }
        guard version == .three else {
            text("type", "string")
            return
        }
        json.key("oneOf")
        json.beginArray()
        for type in node.alternatives {
            json.element()
            json.beginObject()
            text("type", type)
            json.endObject()
        }
        json.endArray()
    }
}

/// Words and forms that all writers share.
enum OpenAPIText {
    static let title: String = "Kubernetes"
    static let bearerToken: String = "A bearer token: `Bearer` and the token of a service account."

    static func reference(_ name: String, _ version: OpenAPIWriter.Version) -> String {
        (version == .two ? "#/definitions/" : "#/components/schemas/") + name
    }

    static func parameterReference(_ parameter: OpenAPIParameter) -> String {
        "#/parameters/" + parameter.sharedName
    }

    static func description(_ code: Int) -> String {
        switch code {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        default: "Unauthorized"
        }
    }
}

// MARK: - Documents

extension OpenAPIWriter {
    fileprivate mutating func writeVersion3(_ document: OpenAPIDocument) {
        json.beginObject()
        json.key("components")
        json.beginObject()
        if !document.definitions.isEmpty {
            json.key("schemas")
            writeDefinitions(document.definitions)
        }
        json.key("securitySchemes")
        json.beginObject()
        writeBearerToken()
        json.endObject()
        json.endObject()
        writeInfo(document)
        text("openapi", "3.0.0")
        writePaths(document.paths)
        json.endObject()
    }

    fileprivate mutating func writeVersion2(_ document: OpenAPIDocument) {
        json.beginObject()
        json.key("definitions")
        writeDefinitions(document.definitions)
        writeInfo(document)
        json.key("parameters")
        json.beginObject()
        for parameter in OpenAPIParameter.shared {
            json.key(parameter.sharedName)
            write(parameter)
        }
        json.endObject()
        writePaths(document.paths)
        json.key("security")
        json.raw(Array(#"[{"BearerToken":[]}]"#.utf8))
        json.key("securityDefinitions")
        json.beginObject()
        writeBearerToken()
        json.endObject()
        text("swagger", "2.0")
        json.endObject()
    }
}
