package import APIMachinery
import Codec
import Store

/// Turns answers into bytes.
package struct ResponseEncoder {
    private let negotiation: Negotiation
    private let now: Time

    package init(_ negotiation: Negotiation, now: Time) {
        self.negotiation = negotiation
        self.now = now
    }

    /// A body that is there at once, or in parts.
    package enum Body {
        case whole([UInt8])
        case parts(ListParts)
    }

    /// - Parameter resource: nil where the answer is no object of a stored resource.
    package func encode(_ body: APIResponse.Body, of resource: (any ServedResource)?) throws(StatusError)
        -> (contentType: String, body: Body)
    {
        switch body {
        case .json(let json):
            if case .table(let include) = negotiation.form {
                let tables = VirtualTables(include, metaVersion: negotiation.metaVersion, now: now)
                if let table = tables.table(of: json) { return try encode(json: table) }
            }
            return try encode(json: json)
        case .object(let snapshot):
            guard let resource else { return try encode(json: snapshot.stamped()) }
            try negotiation.check(isList: false, info: resource.info)
            let forms = ObjectForms(resource: resource, negotiation: negotiation, now: now)
            if negotiation.format == .protobuf {
                return (negotiation.contentType, .whole(try forms.protobuf(snapshot)))
            }
            return try encode(json: try forms.json(snapshot))
        case .list(let items, let revision, let token, let remaining):
            guard let resource else { throw .internalError("a list needs a resource") }
            let metadata = ListMeta.with { metadata in
                metadata.resourceVersion = String(revision)
                metadata.continue = token
                metadata.remainingItemCount = remaining
            }
            return try encode(items, metadata, resource)
        }
    }

    /// A finished document, such as a Status.
    package func encode(json: [UInt8]) throws(StatusError) -> (contentType: String, body: Body) {
        switch negotiation.format {
        case .json:
            return ("application/json", .whole((negotiation.pretty ? JSONText.indented(json) : json) + [0x0A]))
        case .yaml: return ("application/yaml", .whole(try yaml(json)))
        case .protobuf:
            if let message = try ProtobufForms.encode(json: json) {
                return (negotiation.contentType, .whole(message))
            }
            // What has no protobuf form, such as tables, goes out as JSON; clients look at the content type.
            return ("application/json", .whole(json + [0x0A]))
        }
    }

    private func yaml(_ json: [UInt8]) throws(StatusError) -> [UInt8] {
        do throws(JSONError) {
            return YAML.encode(try JSONValue(parsing: json))
        } catch {
            throw .internalError("failed to convert to YAML: \(error.message)")
        }
    }

    private func encode(_ items: [Snapshot], _ metadata: ListMeta, _ resource: any ServedResource)
        throws(StatusError) -> (contentType: String, body: Body)
    {
        try negotiation.check(isList: true, info: resource.info)
        let forms = ObjectForms(resource: resource, negotiation: negotiation, now: now)
        if case .table(let include) = negotiation.form {
            return try encode(json: try forms.table(items, include: include, metadata: metadata))
        }
        if negotiation.format == .protobuf {
            return (negotiation.contentType, .whole(try protobuf(items, metadata, forms)))
        }
        if negotiation.form == .metadata {
            return try encode(json: try partialList(items, metadata, forms))
        }
        let parts = ListParts(items, metadata, resource.info)
        if negotiation.format == .json, !negotiation.pretty { return (negotiation.contentType, .parts(parts)) }
        return try encode(json: parts.whole())
    }

    private func partialList(_ items: [Snapshot], _ metadata: ListMeta, _ forms: ObjectForms)
        throws(StatusError) -> [UInt8]
    {
        var writer = JSONWriter(capacity: 512 * (items.count + 1))
        writer.beginObject()
        writer.key("kind")
        writer.string("PartialObjectMetadataList")
        writer.key("apiVersion")
        writer.string("meta.k8s.io/" + negotiation.metaVersion)
        writer.key("metadata")
        metadata.write(json: &writer)
        writer.key("items")
        writer.beginArray()
        for item in items {
            writer.element()
            try forms.writeMetadata(item, &writer)
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }

    /// Every list is `metadata = 1`, `repeated items = 2`. The writer goes from the last field to the first.
    private func protobuf(_ items: [Snapshot], _ metadata: ListMeta, _ forms: ObjectForms)
        throws(StatusError) -> [UInt8]
    {
        var writer = ProtobufWriter(capacity: 512 * (items.count + 1))
        let isPartial: Bool = negotiation.form == .metadata
        for item in items.reversed() {
            let message: [UInt8] = isPartial ? try forms.metadataMessage(item) : try forms.resource.protobuf(item)
            writer.bytes(message, field: 2)
        }
        writer.message(metadata, field: 1)
        let info: ResourceInfo = forms.resource.info
        let kind: GroupVersionKind =
            isPartial
            ? GroupVersionKind(
                group: "meta.k8s.io", version: negotiation.metaVersion, kind: "PartialObjectMetadataList")
            : GroupVersionKind(group: info.gvk.group, version: info.gvk.version, kind: info.listKind)
        return ProtobufEnvelope(gvk: kind, raw: writer.finish()).encoded
    }
}
