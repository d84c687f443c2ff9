import APIMachinery
import Codec
import Store

/// Objects in the forms that clients may ask for, as JSON or protobuf.
struct ObjectForms {
    let resource: any ServedResource
    let negotiation: Negotiation
    let now: Time
    /// Whether tables tell their columns.
    var hasColumns: Bool = true

    // MARK: - One object

    /// Without envelope for protobuf lists and watches it is `message`.
    func json(_ snapshot: Snapshot) throws(StatusError) -> [UInt8] {
        switch negotiation.form {
        case .plain: return snapshot.stamped()
        case .metadata: return try metadata(snapshot)
        case .table(let include):
            return try table(
                [snapshot], include: include,
                metadata: ListMeta.with {
                    $0.resourceVersion = String(snapshot.revision)
                })
        }
    }

    func protobuf(_ snapshot: Snapshot) throws(StatusError) -> [UInt8] {
        if negotiation.form == .metadata {
            return ProtobufEnvelope(gvk: partialKind, raw: try metadataMessage(snapshot)).encoded
        }
        return ProtobufEnvelope(gvk: resource.info.gvk, raw: try resource.protobuf(snapshot)).encoded
    }

    // MARK: - PartialObjectMetadata

    private var partialKind: GroupVersionKind {
        GroupVersionKind(group: "meta.k8s.io", version: negotiation.metaVersion, kind: "PartialObjectMetadata")
    }

    func metadata(_ snapshot: Snapshot) throws(StatusError) -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        try writeMetadata(snapshot, &writer)
        return writer.finish()
    }

    func writeMetadata(_ snapshot: Snapshot, _ writer: inout JSONWriter) throws(StatusError) {
        writer.beginObject()
        writer.key("kind")
        writer.string("PartialObjectMetadata")
        writer.key("apiVersion")
        writer.string("meta.k8s.io/" + negotiation.metaVersion)
        writer.key("metadata")
        try objectMeta(snapshot).write(json: &writer)
        writer.endObject()
    }

    private func objectMeta(_ snapshot: Snapshot) throws(StatusError) -> ObjectMeta {
        guard var metadata = PartialObject.metadata(of: snapshot) else {
            throw .internalError("failed to read the metadata of \(resource.info.gvr.resource) \(snapshot.name)")
        }
        if snapshot.revision > 0 { metadata.resourceVersion = String(snapshot.revision) }
        return metadata
    }

    func metadataMessage(_ snapshot: Snapshot) throws(StatusError) -> [UInt8] {
        var writer = ProtobufWriter(capacity: 512)
        writer.message(try objectMeta(snapshot), field: 1)
        return writer.finish()
    }

    // MARK: - Tables

    func table(_ snapshots: [Snapshot], include: Negotiation.IncludeObject, metadata: ListMeta)
        throws(StatusError) -> [UInt8]
    {
        var writer = JSONWriter(capacity: 512 + 512 * snapshots.count)
        writer.beginObject()
        writer.key("kind")
        writer.string("Table")
        writer.key("apiVersion")
        writer.string("meta.k8s.io/" + negotiation.metaVersion)
        writer.key("metadata")
        metadata.write(json: &writer)
        writer.key("columnDefinitions")
        if hasColumns {
            writer.beginArray()
            for column in resource.columns {
                writer.element()
                write(column, &writer)
            }
            writer.endArray()
        } else {
            writer.null()
        }
        writer.key("rows")
        writer.beginArray()
        for snapshot in snapshots {
            writer.element()
            try writeRow(snapshot, include, &writer)
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }

    private func write(_ column: TableColumn, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("name")
        writer.string(column.name)
        writer.key("type")
        writer.string(column.type)
        writer.key("format")
        writer.string(column.format)
        writer.key("description")
        writer.string(column.description)
        writer.key("priority")
        writer.int(column.priority)
        writer.endObject()
    }

    private func writeRow(_ snapshot: Snapshot, _ include: Negotiation.IncludeObject, _ writer: inout JSONWriter)
        throws(StatusError)
    {
        writer.beginObject()
        writer.key("cells")
        writer.beginArray()
        for cell in try resource.cells(snapshot, now: now) {
            writer.element()
            cell.write(json: &writer)
        }
        writer.endArray()
        switch include {
        case .none: break
        case .metadata:
            writer.key("object")
            try writeMetadata(snapshot, &writer)
        case .object:
            writer.key("object")
            writer.raw(snapshot.stamped())
        }
        writer.endObject()
    }
}
