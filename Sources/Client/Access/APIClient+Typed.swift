package import APIAuthentication
package import APICore
package import APIMachinery
import APIPolicy
import Codec

/// The same calls with types.
extension APIClient {
    package func get<Object: APIObject>(
        _ type: Object.Type, _ key: ObjectKey, subresource: String = ""
    ) async throws(StatusError) -> Object {
        try decode(try await get(ObjectTarget(Object.resource, key, subresource: subresource)))
    }

    package func get<Object: APIObject>(
        _ type: Object.Type, _ namespace: String, _ name: String
    ) async throws(StatusError) -> Object {
        try await get(type, ObjectKey(namespace, name))
    }

    /// All objects of a selection.
    package func list<Object: APIObject>(
        _ type: Object.Type, _ selection: Selection = Selection()
    ) async throws(StatusError) -> [Object] {
        let page: ObjectPage = try await listAll(Object.resource, selection)
        var objects: [Object] = []
        objects.reserveCapacity(page.snapshots.count)
        for snapshot in page.snapshots { objects.append(try decode(snapshot)) }
        return objects
    }

    /// The created object, with what the server filled in.
    @discardableResult
    package func create<Object: APIObject>(
        _ object: Object, _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> Object {
        let response: APIResponse = try await create(object, in: ObjectTarget(object), options)
        switch response.body {
        case .object(let snapshot): return try decode(snapshot)
        case .json(let bytes): return try decode(bytes)  // reviews
        case .list: throw .unexpected("an object", response)
        }
    }

    /// A resourceVersion in the object is the precondition.
    @discardableResult
    package func update<Object: APIObject>(
        _ object: Object, subresource: String = "", _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> Object {
        try decode(try await update(object, at: ObjectTarget(object, subresource: subresource), options))
    }

    @discardableResult
    package func updateStatus<Object: APIObject>(
        _ object: Object, _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> Object {
        try await update(object, subresource: "status", options)
    }

    @discardableResult
    package func patch<Object: APIObject>(
        _ type: Object.Type, _ key: ObjectKey, _ patch: PatchType, _ body: [UInt8], subresource: String = "",
        _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> Object {
        let target = ObjectTarget(Object.resource, key, subresource: subresource)
        return try decode(try await self.patch(target, patch, body, options))
    }

    package func delete<Object: APIObject>(
        _ type: Object.Type, _ key: ObjectKey, _ options: DeleteOptions = DeleteOptions()
    ) async throws(StatusError) {
        try await delete(ObjectTarget(Object.resource, key), options)
    }

    package func watch<Object: APIObject>(
        _ type: Object.Type, _ selection: Selection = Selection(), from revision: Int64
    ) async throws(StatusError) -> any WatchStream {
        try await watch(Object.resource, selection, from: revision)
    }

    // MARK: - Subresources with kinds of their own

    package func bind(_ pod: Pod, to node: String) async throws(StatusError) {
        _ = try await create(Binding.of(pod, to: node), in: ObjectTarget(pod, subresource: "binding"))
    }

    /// Deletes a pod if its disruption budgets allow it; else error 429.
    package func evict(_ key: ObjectKey, _ options: DeleteOptions? = nil) async throws(StatusError) {
        let eviction = Eviction.with {
            $0.metadata.namespace = key.namespace
            $0.metadata.name = key.name
            $0.deleteOptions = options
        }
        _ = try await create(eviction, in: ObjectTarget(Pod.resource, key, subresource: "eviction"))
    }

    package func token(
        for serviceAccount: ObjectKey, _ request: TokenRequest
    ) async throws(StatusError) -> TokenRequest {
        let target = ObjectTarget(ServiceAccount.resource, serviceAccount, subresource: "token")
        let response: APIResponse = try await create(request, in: target)
        switch response.body {
        case .object(let snapshot): return try decode(snapshot)
        case .json(let bytes): return try decode(bytes)
        case .list: throw .unexpected("a TokenRequest", response)
        }
    }

    // MARK: - Decoding

    private func decode<Object: APIObject>(_ snapshot: Snapshot) throws(StatusError) -> Object {
        do throws(JSONError) {
            return try snapshot.decode(Object.self)
        } catch {
            throw .undecodable(Object.gvk.kind, error)
        }
    }

    private func decode<Object: APIObject>(_ bytes: [UInt8]) throws(StatusError) -> Object {
        do throws(JSONError) {
            return try JSONReader.decode(Object.self, from: bytes)
        } catch {
            throw .undecodable(Object.gvk.kind, error)
        }
    }
}
