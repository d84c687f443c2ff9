import APIMachinery
import Codec

/// Writes version 2 as protobuf: package `openapi.v2`, which is the only form that older clients ask for.
///
/// The writer goes backwards, so each message is written from its highest field to its lowest.
struct OpenAPIProtobuf: ~Copyable {
    private var writer: ProtobufWriter

    private init() {
        writer = ProtobufWriter(capacity: 1 << 20)
    }

    static func encode(_ document: OpenAPIDocument) -> [UInt8] {
        var protobuf = OpenAPIProtobuf()
        protobuf.write(document)
        return protobuf.writer.finish()
    }

    // MARK: - Parts

    private mutating func message(_ field: Int, _ body: (inout OpenAPIProtobuf) -> Void) {
        let mark: Int = writer.count
        body(&self)
        writer.header(field: field, since: mark)
    }

    private mutating func text(_ value: String, _ field: Int) {
        guard !value.isEmpty else { return }
        writer.string(value, field: field)
    }

    /// Many messages have a name in 1 and a value in 2.
    private mutating func named(_ name: String, _ field: Int, _ value: (inout OpenAPIProtobuf) -> Void) {
        message(field) {
            $0.message(2, value)
            $0.text(name, 1)
        }
    }

    /// `x-…`: YAML, of which JSON is a part.
    private mutating func extensions(_ values: [(name: String, value: JSONValue)], _ field: Int) {
        for item in values.reversed() {
            var json = JSONWriter()
            item.value.write(json: &json)
            let yaml: [UInt8] = json.finish()
            named(item.name, field) { $0.writer.bytes(yaml, field: 2) }
        }
    }

    // MARK: - Document

    private mutating func write(_ document: OpenAPIDocument) {
        message(13) {
            $0.named("BearerToken", 1) {
                $0.message(2) {
                    $0.text(OpenAPIText.bearerToken, 4)
                    $0.text("header", 3)
                    $0.text("authorization", 2)
                    $0.text("apiKey", 1)
                }
            }
        }
        message(12) { $0.named("BearerToken", 1) { _ in } }
        message(10) {
            for parameter in OpenAPIParameter.shared.reversed() {
                $0.named(parameter.sharedName, 1) { $0.write(parameter) }
            }
        }
        message(9) {
            for definition in document.definitions.reversed() {
                $0.named(definition.name, 1) { $0.write(definition.node) }
            }
        }
        message(8) {
            for path in document.paths.reversed() { $0.named(path.path, 2) { $0.write(path) } }
        }
        message(2) {
            $0.text(document.version, 2)
            $0.text(OpenAPIText.title, 1)
        }
        text("2.0", 1)
    }

    // MARK: - Paths

    private mutating func write(_ path: OpenAPIPath) {
        for parameter in path.parameters.reversed() { item(parameter, 9) }
        let operations: [OpenAPIOperation] = path.operations.sorted { Self.field($0.method) > Self.field($1.method) }
        for operation in operations { message(Self.field(operation.method)) { $0.write(operation) } }
    }

    private static func field(_ method: OpenAPIOperation.Method) -> Int {
        switch method {
        case .get: 2
        case .put: 3
        case .post: 4
        case .delete: 5
        case .options: 6
        case .head: 7
        case .patch: 8
        }
    }

    private mutating func write(_ operation: OpenAPIOperation) {
        var values: [(name: String, value: JSONValue)] = []
        if !operation.action.isEmpty { values.append(("x-kubernetes-action", .string(operation.action))) }
        if let gvk = operation.gvk { values.append(("x-kubernetes-group-version-kind", gvk.openAPIValue)) }
        extensions(values, 13)
        text("https", 10)
        message(9) {
            $0.named("401", 1) { $0.message(1) { $0.text(OpenAPIText.description(401), 1) } }
            for response in operation.responses.reversed() {
                $0.named(String(response.code), 1) { $0.message(1) { $0.write(response) } }
            }
        }
        for parameter in operation.parameters.reversed() { item(parameter, 8) }
        if let body = operation.body {
            message(8) { $0.message(1) { $0.message(1) { $0.write(body) } } }
        }
        writer.strings(operation.body?.contentTypes ?? OpenAPIMediaTypes.any, field: 7)
        writer.strings(operation.produces, field: 6)
        text(operation.id, 5)
        text(operation.description, 3)
        text(operation.tag, 1)
    }

    private mutating func write(_ response: OpenAPIOperation.Response) {
        if let payload = response.payload {
            message(2) {
                $0.message(1) {
                    switch payload {
                    case .definition(let name): $0.text(OpenAPIText.reference(name, .two), 1)
                    case .text: $0.type("string")
                    }
                }
            }
        }
        text(OpenAPIText.description(response.code), 1)
    }

    private mutating func write(_ body: OpenAPIOperation.Body) {
        message(5) { $0.text(OpenAPIText.reference(body.schema, .two), 1) }
        if body.isRequired { writer.bool(true, field: 4) }
        text("body", 3)
        text("body", 2)
    }

    // MARK: - Parameters

    private mutating func item(_ parameter: OpenAPIParameter, _ field: Int) {
        message(field) {
            if parameter.sharedName.isEmpty {
                $0.message(1) { $0.write(parameter) }
            } else {
                $0.message(2) { $0.text(OpenAPIText.parameterReference(parameter), 1) }
            }
        }
    }

    private mutating func write(_ parameter: OpenAPIParameter) {
        // Parameters of the query may be empty, which moves what follows by one.
        let isQuery: Bool = parameter.place == .query
        message(2) {
            $0.message(isQuery ? 3 : 4) {
                $0.writer.bool(true, field: isQuery ? 20 : 19)
                $0.text(parameter.kind.rawValue, isQuery ? 6 : 5)
                $0.text(parameter.name, 4)
                $0.text(parameter.description, 3)
                $0.text(parameter.place.rawValue, 2)
                if parameter.isRequired { $0.writer.bool(true, field: 1) }
            }
        }
    }

    // MARK: - Schemas

    private mutating func type(_ name: String) {
        guard !name.isEmpty else { return }
        message(22) { $0.text(name, 1) }
    }

    private mutating func write(_ node: OpenAPINode) {
        extensions(node.extensions, 31)
        if !node.properties.isEmpty {
            message(25) {
                for property in node.properties.reversed() {
                    $0.named(property.name, 1) { $0.write(property.node) }
                }
            }
        }
        if let child = node.items.first { message(23) { $0.message(1) { $0.write(child) } } }
        type(node.alternatives.isEmpty ? node.type : "string")
        if let child = node.additional.first { message(21) { $0.message(1) { $0.write(child) } } }
        writer.strings(node.required, field: 19)
        text(node.description, 4)
        text(node.format, 2)
        if !node.reference.isEmpty { text(OpenAPIText.reference(node.reference, .two), 1) }
    }
}
