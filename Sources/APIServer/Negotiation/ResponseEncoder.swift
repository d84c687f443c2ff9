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
        case .json(let json): return try encode(json: json)
        case .object(let snapshot):
            guard let resource else { return try encode(json: snapshot.stamped()) }
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
            // What has no protobuf form here goes out as JSON; clients look at the content type.
            if let status = try? JSONReader.decode(Status.self, from: json),
                let kind = try? PartialObject.type(of: json), kind.kind == "Status"
            {
                return (negotiation.contentType, .whole(ProtobufEnvelope.encode(status)))
            }
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
        writer.string("meta.k8s.io/v1")
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
            ? GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: "PartialObjectMetadataList")
            : GroupVersionKind(group: info.gvk.group, version: info.gvk.version, kind: info.listKind)
        return ProtobufEnvelope(gvk: kind, raw: writer.finish()).encoded
    }
}

/// A JSON list as stored bytes, in parts of about 64 KB, so that no list needs its whole size at once.
package struct ListParts: Sendable {
    package static let partSize: Int = 64 << 10
    private let items: [Snapshot]
    /// `{"kind":"Pod","apiVersion":"v1",`, which items of lists leave out.
    private let typePrefix: [UInt8]
    private var pending: [UInt8]
    private var next: Int = 0
    private var isDone: Bool = false

    init(_ items: [Snapshot], _ metadata: ListMeta, _ info: ResourceInfo) {
        self.items = items
        typePrefix = Array("{\"kind\":\"\(info.gvk.kind)\",\"apiVersion\":\"\(info.gvk.apiVersion)\",".utf8)
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.key("kind")
        writer.string(info.listKind)
        writer.key("apiVersion")
        writer.string(info.gvk.apiVersion)
        writer.key("metadata")
        metadata.write(json: &writer)
        writer.key("items")
        writer.beginArray()
        pending = writer.finish()
    }

    /// Roughly how many bytes all of it is.
    package var estimatedSize: Int {
        var size: Int = 256
        for item in items { size += item.bytes.count + 32 }
        return size
    }

    /// The next part; nil behind the last.
    package mutating func nextPart() -> [UInt8]? {
        guard !isDone else { return nil }
        var part: [UInt8] = []
        part.reserveCapacity(min(estimatedRest, Self.partSize + 8192))
        part.append(contentsOf: pending)
        pending = []
        while next < items.count, part.count < Self.partSize {
            if next > 0 { part.append(UInt8(ascii: ",")) }
            append(items[next], to: &part)
            next += 1
        }
        if next == items.count {
            part.append(contentsOf: [UInt8(ascii: "]"), UInt8(ascii: "}"), 0x0A])
            isDone = true
        }
        return part
    }

    private var estimatedRest: Int {
        var size: Int = pending.count + 64
        for item in items[next...] {
            size += item.bytes.count + 48
            if size > Self.partSize { break }
        }
        return size
    }

    private func append(_ item: Snapshot, to part: inout [UInt8]) {
        let begin: Int = item.start + typePrefix.count
        guard item.slot < item.bytes.count, item.slot > begin, hasPrefix(item) else {
            item.append(to: &part)
            return
        }
        part.append(UInt8(ascii: "{"))
        part.append(contentsOf: item.bytes[begin..<item.slot])
        part.append(contentsOf: Self.revisionKey)
        part.append(contentsOf: String(item.revision).utf8)
        part.append(UInt8(ascii: "\""))
        part.append(contentsOf: item.bytes[item.slot...])
    }

    private static let revisionKey: [UInt8] = Array(",\"resourceVersion\":\"".utf8)

    private func hasPrefix(_ item: Snapshot) -> Bool {
        item.bytes[item.start...].starts(with: typePrefix)
    }

    /// All parts at once, without the line end.
    func whole() -> [UInt8] {
        var parts: ListParts = self
        var all: [UInt8] = []
        all.reserveCapacity(estimatedSize)
        while let part = parts.nextPart() { all.append(contentsOf: part) }
        all.removeLast()
        return all
    }
}
