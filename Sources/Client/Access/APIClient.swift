package import APIMachinery
import Codec

/// Calls to an API server, typed or by resource, over any transport. Cheap to copy; no state of its own.
///
/// Failures are `StatusError`. What cannot be decoded is an internal error that says so.
package struct APIClient: Sendable {
    package let transport: any Transport
    /// Added to every write that names no other field manager.
    package var fieldManager: String

    package init(_ transport: any Transport, fieldManager: String = "") {
        self.transport = transport
        self.fieldManager = fieldManager
    }

    // MARK: - By resource

    package func get(_ target: ObjectTarget) async throws(StatusError) -> Snapshot {
        try await object(request(.get, target))
    }

    package func list(
        _ resource: GroupVersionResource, _ selection: Selection = Selection(), _ options: ReadOptions = ReadOptions()
    ) async throws(StatusError) -> ObjectPage {
        let response: APIResponse = try await transport.perform(
            APIRequest(
                .list, resource, namespace: selection.namespace, query: selection.query + options.query))
        guard case .list(let items, let revision, let continueToken, let remaining) = response.body else {
            throw .unexpected("a list of \(resource.groupResource)", response)
        }
        return ObjectPage(snapshots: items, revision: revision, continueToken: continueToken, remaining: remaining)
    }

    /// Every item, in pages of `pageSize`. When the list becomes too old on the way, it is read again in one piece.
    package func listAll(
        _ resource: GroupVersionResource, _ selection: Selection = Selection(), pageSize: Int = 500
    ) async throws(StatusError) -> ObjectPage {
        var all: ObjectPage = try await list(resource, selection, ReadOptions(limit: pageSize))
        while !all.continueToken.isEmpty {
            do throws(StatusError) {
                let options = ReadOptions(limit: pageSize, continueToken: all.continueToken)
                let page: ObjectPage = try await list(resource, selection, options)
                all.snapshots += page.snapshots
                all.continueToken = page.continueToken
            } catch  where error.isExpired {
                return try await list(resource, selection)
            }
        }
        all.remaining = nil
        return all
    }

    /// Events from `revision` on, which is not included.
    package func watch(
        _ resource: GroupVersionResource, _ selection: Selection = Selection(), from revision: Int64,
        timeout: Duration? = nil
    ) async throws(StatusError) -> any WatchStream {
        var query: [(name: String, value: String)] = selection.query
        query.append(("resourceVersion", String(revision)))
        query.append(("allowWatchBookmarks", "true"))
        if let timeout { query.append(("timeoutSeconds", String(timeout.components.seconds))) }
        return try await transport.watch(APIRequest(.watch, resource, namespace: selection.namespace, query: query))
    }

    /// Posts an object; the answer may be another kind for some subresources and reviews.
    package func create(
        _ object: any APIObject, in target: ObjectTarget, _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> APIResponse {
        var target: ObjectTarget = target
        // A create names its object in the body only, except below a subresource.
        if target.subresource.isEmpty { target.key.name = "" }
        return try await transport.perform(request(.create, target, query(options), body: object.jsonBytes))
    }

    package func update(
        _ object: any APIObject, at target: ObjectTarget, _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> Snapshot {
        try await self.object(request(.update, target, query(options), body: object.jsonBytes))
    }

    package func patch(
        _ target: ObjectTarget, _ type: PatchType, _ body: [UInt8], _ options: WriteOptions = WriteOptions()
    ) async throws(StatusError) -> Snapshot {
        try await object(
            request(.patch, target, query(options), body: body, contentType: type.rawValue))
    }

    /// The object where the server answers with it, because it waits for finalizers or a grace period; else nil.
    @discardableResult
    package func delete(
        _ target: ObjectTarget, _ options: DeleteOptions = DeleteOptions()
    ) async throws(StatusError) -> Snapshot? {
        let response: APIResponse = try await transport.perform(request(.delete, target, body: options.jsonBytes))
        if case .object(let snapshot) = response.body { return snapshot }
        return nil
    }

    package func deleteCollection(
        _ resource: GroupVersionResource, _ selection: Selection, _ options: DeleteOptions = DeleteOptions()
    ) async throws(StatusError) {
        _ = try await transport.perform(
            APIRequest(
                .deletecollection, resource, namespace: selection.namespace, query: selection.query,
                body: options.jsonBytes))
    }

    // MARK: - Parts

    func object(_ request: APIRequest) async throws(StatusError) -> Snapshot {
        try snapshot(try await transport.perform(request), of: request)
    }

    private func snapshot(_ response: APIResponse, of request: APIRequest) throws(StatusError) -> Snapshot {
        switch response.body {
        case .object(let snapshot): return snapshot
        // A kind of its own, such as a Scale: its resourceVersion, if any, is in the bytes.
        case .json(let bytes):
            return Snapshot(
                namespace: request.namespace, name: request.name, revision: 0, bytes: bytes, slot: bytes.count)
        case .list: throw .unexpected("an object of \(request.resource.groupResource)", response)
        }
    }

    private func request(
        _ verb: APIRequest.Verb, _ target: ObjectTarget, _ query: [(name: String, value: String)] = [],
        body: [UInt8] = [], contentType: String = "application/json"
    ) -> APIRequest {
        APIRequest(
            verb, target.resource, namespace: target.key.namespace, name: target.key.name,
            subresource: target.subresource, query: query, body: body, contentType: contentType)
    }

    private func query(_ options: WriteOptions) -> [(name: String, value: String)] {
        var options: WriteOptions = options
        if options.fieldManager.isEmpty { options.fieldManager = fieldManager }
        return options.query
    }
}

extension StatusError {
    static func unexpected(_ wanted: String, _ response: APIResponse) -> StatusError {
        .internalError("expected \(wanted), the server answered with something else (code \(response.code))")
    }

    static func undecodable(_ type: String, _ error: JSONError) -> StatusError {
        .internalError("failed to decode the server's answer as \(type): \(error.message)")
    }
}
