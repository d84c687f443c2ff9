package import APIApply
package import APIMachinery
package import Codec
package import Store

/// What a write needs besides the object.
package struct WriteCall: Sendable {
    package var context: RequestContext
    package var services: ServerServices
    package var options: WriteOptions
    package var body: [UInt8]
    package var contentType: String
    /// Asked before an update or apply creates; a create was authorized before.
    package var authorizeCreate: (@Sendable () throws(StatusError) -> Void)?

    package init(
        context: RequestContext, services: ServerServices, options: WriteOptions = WriteOptions(), body: [UInt8] = [],
        contentType: String = "application/json"
    ) {
        self.context = context
        self.services = services
        self.options = options
        self.body = body
        self.contentType = contentType
    }
}

/// What a write made.
package struct WriteResult: Sendable {
    package var snapshot: Snapshot
    package var created: Bool
    package var warnings: [String]
}

/// What a deletion made.
package struct DeleteResult: Sendable {
    /// The object as it is now, or as it was last.
    package var snapshot: Snapshot
    package var uid: String
    /// Gone; false if it is only marked.
    package var deleted: Bool
    package var warnings: [String]
}

/// One resource as the pipeline holds it: `TypedResource` without its type. Called per request, not per object.
package protocol ServedResource: AnyObject, Sendable {
    var info: ResourceInfo { get }
    var cache: ResourceCache { get }
    var fieldNames: [String] { get }
    /// Whether stored bytes are what clients get.
    var isStorageVersion: Bool { get }
    var schema: Schema { get }
    var columns: [TableColumn] { get }
    var hasScale: Bool { get }
    var returnsDeletedObject: Bool { get }

    /// The snapshot of a stored value, brought to the current epoch.
    func snapshot(of stored: KeyValue) throws(StoreError) -> Snapshot
    /// What selectors look at.
    func selection(of snapshot: Snapshot) -> Selection
    /// The stored form of an object that is given as JSON; nil if it is none of this kind.
    func stored(_ value: JSONValue) -> Snapshot?
    /// A stored object as JSON in this version, without managed fields.
    func tree(_ snapshot: Snapshot) -> TypedValue?
    /// What clients get for a stored snapshot: itself, for the storage version.
    func presented(_ snapshot: Snapshot) throws(StatusError) -> Snapshot
    /// The protobuf message, without envelope.
    func protobuf(_ snapshot: Snapshot) throws(StatusError) -> [UInt8]
    func cells(_ snapshot: Snapshot, now: Time) throws(StatusError) -> [JSONValue]
    /// A request's object in protobuf as JSON; nil if it is none of this kind.
    func json(fromProtobuf body: [UInt8]) -> [UInt8]?

    func create(_ call: WriteCall) async throws(StatusError) -> WriteResult
    func update(_ call: WriteCall) async throws(StatusError) -> WriteResult
    func patch(_ call: WriteCall) async throws(StatusError) -> WriteResult
    func delete(_ call: WriteCall, _ request: DeletionRequest) async throws(StatusError) -> DeleteResult
    /// `scale`: the Scale as JSON.
    func getScale(_ call: WriteCall) async throws(StatusError) -> [UInt8]
    func updateScale(_ call: WriteCall, isPatch: Bool) async throws(StatusError) -> [UInt8]
    /// Changes an object from inside the server (binding, token, eviction), through validation and commit.
    func modify<Object: APIObject>(
        _ type: Object.Type, _ call: WriteCall,
        _ body: @escaping @Sendable (inout Object) throws(StatusError) -> Void
    ) async throws(StatusError) -> WriteResult
}

extension ServedResource {
    package func filter(namespace: String, labels: LabelQuery, fields: FieldQuery) throws(StatusError) -> ObjectFilter {
        let names: [String] = fieldNames
        if let unknown = fields.firstUnknownField({ ObjectFilter.isMetadata($0) || names.contains($0) }) {
            throw .badRequest("field label not supported: \(unknown)")
        }
        return ObjectFilter(
            info: info, namespace: namespace, labels: labels, fields: fields, fieldNames: names,
            find: { self.selection(of: $0) })
    }

    /// A bookmark of this kind.
    package func bookmark(_ revision: Revision, endsInitialEvents: Bool) -> Snapshot {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("kind")
        writer.string(info.gvk.kind)
        writer.key("apiVersion")
        writer.string(info.gvk.apiVersion)
        writer.key("metadata")
        writer.beginObject()
        writer.key("resourceVersion")
        writer.string(String(revision))
        writer.key("creationTimestamp")
        writer.null()
        if endsInitialEvents {
            writer.key("annotations")
            writer.beginObject()
            writer.key("k8s.io/initial-events-end")
            writer.string("true")
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        let bytes: [UInt8] = writer.finish()
        return Snapshot(namespace: "", name: "", revision: revision, bytes: bytes, slot: bytes.count)
    }
}
