import API
import APIMachinery
import Client
import Codec
import Synchronization

extension SimulatedCluster {
    func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        throw .methodNotSupported(request.resource, "watch")
    }

    func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        let rule = state.withLock { state in
            state.requests.append(request)
            return state.refuse
        }
        if let error = rule?(request) { throw error }
        let answer: Result<APIResponse, StatusError> = state.withLock { state in
            do throws(StatusError) {
                return .success(try Self.answer(request, &state))
            } catch {
                return .failure(error)
            }
        }
        return try answer.get()
    }

    private static func answer(_ request: APIRequest, _ state: inout State) throws(StatusError) -> APIResponse {
        switch request.verb {
        case .list, .deletecollection:
            let label = try? LabelQuery(parsing: request.query.first { $0.name == "labelSelector" }?.value ?? "")
            let found: [Entry] = (state.entries[request.resource] ?? [:]).values.filter { entry in
                guard request.namespace.isEmpty || entry.key.namespace == request.namespace else { return false }
                return (label ?? .everything).matches(metadata(entry).labels)
            }.sorted { $0.key < $1.key }
            if request.verb == .list {
                return response(
                    .list(items: found.map(snapshot), revision: state.revision, continueToken: "", remaining: nil))
            }
            for entry in found { _ = try delete(entry, DeleteOptions(), &state) }
            return response(.json(Array("{}".utf8)))
        case .create: return try create(request, &state)
        case .get: return response(.object(snapshot(try entry(request, state))))
        case .update:
            let old: Entry = try entry(request, state)
            return try replace(old, with: tree(request.body), request, &state)
        case .patch: return try patch(request, &state)
        case .delete:
            let old: Entry = try entry(request, state)
            let options: DeleteOptions =
                request.body.isEmpty
                ? DeleteOptions() : (try? JSONReader.decode(DeleteOptions.self, from: request.body)) ?? DeleteOptions()
            return try delete(old, options, &state)
        case .watch: throw .methodNotSupported(request.resource, "watch")
        }
    }

    private static func response(_ body: APIResponse.Body) -> APIResponse { APIResponse(code: 200, body: body) }

    private static func tree(_ bytes: [UInt8]) -> JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }

    static func metadata(_ entry: Entry) -> ObjectMeta {
        (try? snapshot(entry).metadataView().metadata) ?? ObjectMeta()
    }

    private static func entry(_ request: APIRequest, _ state: State) throws(StatusError) -> Entry {
        guard let entry = state.entries[request.resource]?[ObjectKey(request.namespace, request.name)] else {
            throw .notFound(request.resource, request.name)
        }
        return entry
    }

    private static func create(_ request: APIRequest, _ state: inout State) throws(StatusError) -> APIResponse {
        guard request.subresource.isEmpty else { return response(.json(Array("{}".utf8))) }
        var tree: JSONValue = tree(request.body)
        state.lastID += 1
        var name: String = tree["metadata"]?["name"]?.string ?? ""
        if name.isEmpty { name = (tree["metadata"]?["generateName"]?.string ?? "") + "n\(state.lastID)" }
        let key = ObjectKey(request.namespace, name)
        guard state.entries[request.resource]?[key] == nil else { throw .alreadyExists(request.resource, name) }
        tree["metadata"]?["name"] = .string(name)
        tree["metadata"]?["uid"] = .string("uid-\(state.lastID)")
        tree["metadata"]?["generation"] = .int(1)
        tree["metadata"]?["creationTimestamp"] = .string(state.now.description)
        store(tree, request.resource, key, &state)
        return response(.object(snapshot(try entry(at: key, request.resource, state))))
    }

    private static func entry(
        at key: ObjectKey, _ resource: GroupVersionResource, _ state: State
    ) throws(StatusError) -> Entry {
        guard let entry = state.entries[resource]?[key] else { throw .notFound(resource, key.name) }
        return entry
    }

    private static func replace(
        _ old: Entry, with new: JSONValue, _ request: APIRequest, _ state: inout State
    ) throws(StatusError) -> APIResponse {
        if let wanted = new["metadata"]?["resourceVersion"]?.string, !wanted.isEmpty, wanted != String(old.revision) {
            throw .conflict(request.resource, request.name, StatusError.modifiedMessage)
        }
        if let uid = new["metadata"]?["uid"]?.string, uid != old.tree["metadata"]?["uid"]?.string {
            throw .conflict(request.resource, request.name, "the UID in the precondition differs")
        }
        var tree: JSONValue = new
        switch request.subresource {
        case "status":
            tree = old.tree
            tree["status"] = new["status"]
        case "finalize":
            tree = old.tree
            tree["spec"] = new["spec"]
        default:
            tree["status"] = old.tree["status"]
            if tree["spec"] != old.tree["spec"] {
                tree["metadata"]?["generation"] = .int(Int64((old.tree["metadata"]?["generation"]?.int ?? 0) + 1))
            }
        }
        store(tree, request.resource, old.key, &state)
        let stored: Entry = try entry(at: old.key, request.resource, state)
        let meta: ObjectMeta = metadata(stored)
        let holders: [JSONValue] = stored.tree["spec"]?["finalizers"]?.array ?? []
        if meta.deletionTimestamp != nil && meta.finalizers.isEmpty && holders.isEmpty
            && (meta.deletionGracePeriodSeconds ?? 0) == 0
        {
            state.entries[request.resource]?[old.key] = nil
            state.revision += 1
        }
        return response(.object(snapshot(stored)))
    }

    private static func patch(_ request: APIRequest, _ state: inout State) throws(StatusError) -> APIResponse {
        let old: Entry = try entry(request, state)
        var stamped: JSONValue = old.tree
        stamped["metadata"]?["resourceVersion"] = .string(String(old.revision))
        let patched: JSONValue
        do throws(PatchError) {
            if request.contentType == PatchType.strategic.rawValue, let schema = schema(request.resource) {
                patched = try StrategicMergePatch.apply(tree(request.body), to: stamped, schema: schema)
            } else {
                patched = MergePatch.apply(tree(request.body), to: stamped)
            }
        } catch {
            throw error.statusError
        }
        return try replace(old, with: patched, request, &state)
    }

    private static func schema(_ resource: GroupVersionResource) -> Schema? {
        switch resource.resource {
        case "pods": Pod.schema
        case "replicasets": ReplicaSet.schema
        case "nodes": Node.schema
        default: ConfigMap.schema
        }
    }

    private static func delete(
        _ entry: Entry, _ options: DeleteOptions, _ state: inout State
    ) throws(StatusError) -> APIResponse {
        let meta: ObjectMeta = metadata(entry)
        if let uid = options.preconditions?.uid, uid != meta.uid {
            throw .conflict(entry.resource, meta.name, "the UID in the precondition differs")
        }
        if let revision = options.preconditions?.resourceVersion, revision != String(entry.revision) {
            throw .conflict(entry.resource, meta.name, "the ResourceVersion in the precondition differs")
        }
        var finalizers: [String] = meta.finalizers
        switch options.propagationPolicy {
        case "Foreground": finalizers = finalizers.filter { $0 != "orphan" } + ["foregroundDeletion"]
        case "Orphan": finalizers = finalizers.filter { $0 != "foregroundDeletion" } + ["orphan"]
        case "Background": finalizers = finalizers.filter { $0 != "foregroundDeletion" && $0 != "orphan" }
        default: break
        }
        let isGraceful: Bool =
            entry.resource.resource == "pods" && options.gracePeriodSeconds != 0
            && !(entry.tree["spec"]?["nodeName"]?.string ?? "").isEmpty
        let holders: [JSONValue] = entry.tree["spec"]?["finalizers"]?.array ?? []
        if finalizers.isEmpty && holders.isEmpty && !isGraceful {
            state.entries[entry.resource]?[entry.key] = nil
            state.revision += 1
            return response(.json(Array("{}".utf8)))
        }
        var tree: JSONValue = entry.tree
        if meta.deletionTimestamp == nil { tree["metadata"]?["deletionTimestamp"] = .string(state.now.description) }
        if isGraceful { tree["metadata"]?["deletionGracePeriodSeconds"] = .int(30) }
        if entry.resource.resource == "namespaces" { tree["status"] = ["phase": "Terminating"] }
        tree["metadata"]?["finalizers"] = finalizers.isEmpty ? nil : .array(finalizers.map { .string($0) })
        store(tree, entry.resource, entry.key, &state)
        return response(.object(snapshot(try Self.entry(at: entry.key, entry.resource, state))))
    }
}
