import APIMachinery
import Codec

/// One line of the log: audit.k8s.io/v1 Event.
struct AuditEvent {
    var level: AuditLevel
    var stage: AuditStage
    var context: RequestContext
    var uri: String
    var time: MicroTime
    var impersonated: UserInfo?
    var outcome: AuditEntry.Outcome?
    var requestObject: [UInt8]?
    var responseObject: [UInt8]?
    var annotations: [String: String] = [:]

    func line() -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        Self.text("kind", "Event", &writer)
        Self.text("apiVersion", "audit.k8s.io/v1", &writer)
        Self.text("level", level.rawValue, &writer)
        Self.text("auditID", context.id, &writer)
        Self.text("stage", stage.rawValue, &writer)
        Self.text("requestURI", uri, &writer)
        Self.text("verb", context.verb, &writer)
        writer.key("user")
        Self.write(context.user, &writer)
        if let impersonated {
            writer.key("impersonatedUser")
            Self.write(impersonated, &writer)
        }
        if !context.sourceIP.isEmpty {
            writer.key("sourceIPs")
            [context.sourceIP].write(json: &writer)
        }
        Self.optional("userAgent", context.userAgent, &writer)
        if context.isResourceRequest { writeReference(&writer) }
        if let outcome { Self.write(outcome, &writer) }
        if let requestObject {
            writer.key("requestObject")
            writer.raw(requestObject)
        }
        if let responseObject {
            writer.key("responseObject")
            writer.raw(responseObject)
        }
        writer.key("requestReceivedTimestamp")
        context.receivedAt.write(json: &writer)
        writer.key("stageTimestamp")
        time.write(json: &writer)
        if !annotations.isEmpty {
            writer.key("annotations")
            StringMap<String>(annotations).write(json: &writer)
        }
        writer.endObject()
        return writer.finish()
    }

    private func writeReference(_ writer: inout JSONWriter) {
        writer.key("objectRef")
        writer.beginObject()
        Self.text("resource", context.resource.resource, &writer)
        Self.optional("namespace", context.namespace, &writer)
        Self.optional("name", context.name.isEmpty ? outcome?.name ?? "" : context.name, &writer)
        Self.optional("apiGroup", context.resource.group, &writer)
        Self.text("apiVersion", context.resource.version, &writer)
        Self.optional("subresource", context.subresource, &writer)
        writer.endObject()
    }

    private static func write(_ outcome: AuditEntry.Outcome, _ writer: inout JSONWriter) {
        writer.key("responseStatus")
        var status: Status = outcome.status ?? Status()
        status.code = outcome.code
        status.write(bareJSON: &writer)
    }

    private static func write(_ user: UserInfo, _ writer: inout JSONWriter) {
        writer.beginObject()
        text("username", user.name, &writer)
        optional("uid", user.uid, &writer)
        if !user.groups.isEmpty {
            writer.key("groups")
            user.groups.write(json: &writer)
        }
        if !user.extra.isEmpty {
            writer.key("extra")
            user.extra.write(json: &writer)
        }
        writer.endObject()
    }

    private static func text(_ key: StaticString, _ value: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.string(value)
    }

    private static func optional(_ key: StaticString, _ value: String, _ writer: inout JSONWriter) {
        if !value.isEmpty { text(key, value, &writer) }
    }
}

/// Bodies as they are kept.
enum AuditJSON {
    /// What is longer is left out: a line is written as a whole.
    private static let longest: Int = 1 << 20

    /// JSON on one line; nil if there is none, or no JSON can be made of it.
    static func object(
        _ body: [UInt8], _ contentType: String, _ omitsManagedFields: Bool, _ resource: (any ServedResource)? = nil
    ) -> [UInt8]? {
        guard !body.isEmpty, body.count <= longest else { return nil }
        let parsed: JSONValue?
        switch MediaType.bare(contentType) {
        case "application/yaml", "application/x-yaml", "text/yaml", "application/apply-patch+yaml":
            parsed = (try? YAML.decode(body))?.first
        case "application/vnd.kubernetes.protobuf":
            parsed = resource?.json(fromProtobuf: body).flatMap { try? JSONValue(parsing: $0) }
        default: parsed = try? JSONValue(parsing: body)
        }
        guard let value = parsed else { return nil }
        return (omitsManagedFields ? withoutManagedFields(value) : value).jsonBytes
    }

    private static func withoutManagedFields(_ value: JSONValue) -> JSONValue {
        guard var object = value.object else { return value }
        if var metadata = object["metadata"]?.object {
            _ = metadata.removeValue(forKey: "managedFields")
            object["metadata"] = .object(metadata)
        }
        if let items = object["items"]?.array { object["items"] = .array(items.map { withoutManagedFields($0) }) }
        return .object(object)
    }
}
