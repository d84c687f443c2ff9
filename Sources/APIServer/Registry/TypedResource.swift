import APIApply
import APIMachinery
import Codec
import Store

/// A resource with its strategy: the generic pipeline, specialised for one type.
final class TypedResource<Strategy: ResourceStrategy>: ServedResource {
    typealias Object = Strategy.Object

    let strategy: Strategy
    let info: ResourceInfo
    let cache: ResourceCache
    let fieldNames: [String]
    let isStorageVersion: Bool
    /// Nil: the store has plain values.
    let protection: (any ValueProtection)?
    /// What there is before an object is created.
    let emptyObject: ObjectBytes
    let mainReset: ResetFields
    let statusReset: ResetFields
    private let table: TableDefinition<Object>

    init(_ strategy: Strategy, protection: (any ValueProtection)? = nil) {
        self.strategy = strategy
        self.protection = protection
        self.info = strategy.info
        self.cache = ResourceCache(info: strategy.info)
        self.fieldNames = strategy.selectableFields
        self.isStorageVersion = strategy.isStorageVersion
        self.emptyObject = ObjectBytes(Object().jsonBytes)
        self.mainReset = strategy.resetFields(subresource: "")
        self.statusReset = strategy.resetFields(subresource: "status")
        self.table = strategy.table
    }

    var schema: Schema { Object.schema }
    var columns: [TableColumn] { table.columns }
    var hasScale: Bool { strategy.scale != nil }
    var returnsDeletedObject: Bool { strategy.returnsDeletedObject }

    // MARK: - Reading

    func snapshot(of kept: KeyValue) throws(StoreError) -> Snapshot {
        let stored: KeyValue = try opened(kept)
        let (namespace, name): (String, String) = names(of: stored.key)
        let snapshot: Snapshot = SnapshotCoding.snapshot(
            stored.value, namespace: namespace, name: name, revision: stored.modRevision)
        guard isStorageVersion, !SnapshotCoding.isCurrent(stored.value) else { return snapshot }
        // Of another epoch: defaults may have come since. What cannot be decoded is shown as it is.
        guard var object: Object = try? strategy.load(snapshot) else { return snapshot }
        strategy.setDefaults(&object)
        return SnapshotCoding.snapshot(
            strategy.store(object), namespace: namespace, name: name, revision: stored.modRevision)
    }

    private func names(of key: [UInt8]) -> (namespace: String, name: String) {
        let rest: ArraySlice<UInt8> = key[info.storagePrefix.utf8.count...]
        guard info.namespaced, let slash = rest.firstIndex(of: 0x2F) else {
            return ("", String(decoding: rest, as: UTF8.self))
        }
        return (String(decoding: rest[..<slash], as: UTF8.self), String(decoding: rest[(slash + 1)...], as: UTF8.self))
    }

    func selection(of snapshot: Snapshot) -> Selection {
        if fieldNames.isEmpty, let metadata = PartialObject.metadata(of: snapshot) {
            return Selection(labels: metadata.labels, fields: [])
        }
        guard let object: Object = try? strategy.load(snapshot) else { return Selection(labels: [:], fields: []) }
        return Selection(labels: object.metadata.labels, fields: strategy.selectableValues(object))
    }

    func presented(_ snapshot: Snapshot) throws(StatusError) -> Snapshot {
        if isStorageVersion { return snapshot }
        return Snapshot(try strategy.load(snapshot), revision: snapshot.revision)
    }

    func protobuf(_ snapshot: Snapshot) throws(StatusError) -> [UInt8] {
        ProtobufWriter.encode(try strategy.load(snapshot), capacity: 1024)
    }

    func json(fromProtobuf body: [UInt8]) -> [UInt8]? {
        let decoded: BodyDecoder.Decoded<Object>? = try? BodyDecoder.decode(
            Object.self, as: info.gvk, body: body, contentType: "application/vnd.kubernetes.protobuf",
            validation: .ignore)
        return decoded?.object.jsonBytes
    }

    func cells(_ snapshot: Snapshot, now: Time) throws(StatusError) -> [JSONValue] {
        table.cells(try strategy.load(snapshot), now)
    }

    /// Its snapshot from the cache, or, if `fresh`, from the store.
    func current(_ key: [UInt8], fresh: Bool, _ services: ServerServices) async throws(StatusError) -> Snapshot? {
        if !fresh, let cached = cache.get(key) { return cached.snapshot }
        do throws(StoreError) {
            guard let stored = try await services.store.get(key, at: nil) else { return nil }
            return try snapshot(of: stored)
        } catch {
            throw error.statusError
        }
    }

    /// Commits; nil with what is there instead if somebody else was faster.
    func commit(_ transaction: Transaction, _ services: ServerServices) async throws(StatusError) -> Committed {
        do throws(StoreError) {
            switch try await services.store.transact(try sealed(transaction)) {
            case .committed(let revision): return .done(revision)
            case .conflict(let current, _):
                guard let first = current.first, let stored = first else { return .conflict(nil) }
                return .conflict(try snapshot(of: stored))
            }
        } catch {
            throw error.statusError
        }
    }

    /// The lease that lets objects of this kind expire; 0 if they do not.
    func lease(_ services: ServerServices) async throws(StatusError) -> LeaseID {
        guard let seconds = strategy.timeToLive else { return 0 }
        return try await services.leases.lease(seconds: seconds)
    }

    enum Committed {
        case done(Revision)
        /// What the key holds now.
        case conflict(Snapshot?)
    }

    // MARK: - Common to the writes

    /// The names of the object in the URL must be the body's, where it has any.
    func checkNames(_ object: inout Object, _ context: RequestContext) throws(StatusError) {
        if info.namespaced {
            if object.metadata.namespace.isEmpty {
                object.metadata.namespace = context.namespace
            } else if object.metadata.namespace != context.namespace {
                throw .badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request")
            }
        } else if !object.metadata.namespace.isEmpty {
            throw .badRequest("namespace is not allowed on this type")
        }
        guard !context.name.isEmpty else { return }
        if object.metadata.name.isEmpty {
            object.metadata.name = context.name
        } else if object.metadata.name != context.name {
            throw .badRequest(
                "the name of the object (\(object.metadata.name)) does not match the name on the URL (\(context.name))")
        }
    }

    func nameMessages(_ name: String) -> [String] {
        switch strategy.nameRule {
        case .dns1123Subdomain: NameRules.dns1123Subdomain(name)
        case .dns1123Label: NameRules.dns1123Label(name)
        case .dns1035Label: NameRules.dns1035Label(name)
        case .pathSegment: NameRules.pathSegment(name)
        case .custom: []
        }
    }

    func attributes(
        _ operation: AdmissionAttributes.Operation, _ call: WriteCall, name: String, object: Object?, old: Object?,
        deletion: DeletionRequest? = nil
    ) -> AdmissionAttributes {
        AdmissionAttributes(
            operation, context: call.context, info: info, namespace: info.namespaced ? call.context.namespace : "",
            name: name, object: object, oldObject: old, deletion: deletion, caches: call.services.caches)
    }

    /// The mutating phase, with the object put back.
    func admit(_ object: inout Object, _ attributes: AdmissionAttributes, _ services: ServerServices)
        async throws(StatusError)
    {
        if services.admission.isEmpty { return }
        try await services.admit(attributes)
        guard let changed = attributes.object as? Object else {
            throw .internalError("admission replaced the object by one of another kind")
        }
        object = changed
    }

    func snapshot(_ value: [UInt8], of object: Object, revision: Revision) -> Snapshot {
        let stored: Snapshot = SnapshotCoding.snapshot(
            value, namespace: object.metadata.namespace, name: object.metadata.name, revision: revision)
        return isStorageVersion ? stored : Snapshot(object, revision: revision)
    }
}
