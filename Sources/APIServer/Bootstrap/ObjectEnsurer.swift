import APIMachinery
import Codec

/// Brings objects that every cluster has up to what they should be, over a transport of `system:masters`.
///
/// Somebody else may do the same at the same time (another server that is starting): a write that loses is no failure,
/// the ensurer looks again.
struct ObjectEnsurer: Sendable {
    /// Writes at a time: enough to fill the store's group commits.
    private static let parallelWrites: Int = 32
    /// How often it starts over after a lost race.
    private static let attempts: Int = 5

    /// Requests that are made one after the other and bring one object closer.
    struct Step: Sendable {
        var requests: [APIRequest]
    }

    private let transport: any Transport

    init(_ transport: any Transport) {
        self.transport = transport
    }

    /// Takes the steps that `plan` finds, until there are none or nobody disturbs.
    ///
    /// - Returns: the number of objects written.
    func ensure(_ plan: () async throws(StatusError) -> [Step]) async throws(StatusError) -> Int {
        var written: Int = 0
        for attempt in 1...Self.attempts {
            let outcome: (written: Int, raced: StatusError?) = try await perform(try await plan())
            written += outcome.written
            guard let raced = outcome.raced else { return written }
            if attempt == Self.attempts { throw raced }
        }
        return written
    }

    // MARK: - Steps

    /// - Parameters:
    ///   - reconcile: the object to write instead of the one that is there; nil if nothing has to change.
    ///   - replaces: whether an object cannot become the other one by an update.
    func differences<Object: APIObject>(
        _ wanted: [Object], _ resource: String, reconcile: (Object, Object?) -> Object?,
        replaces: (Object, Object) -> Bool = { _, _ in false }
    ) async throws(StatusError) -> [Step] {
        let existing: [String: Object] = try await list(Object.self, resource)
        var steps: [Step] = []
        for object in wanted {
            let old: Object? = existing[Self.key(object.metadata)]
            guard let changed = reconcile(object, old) else { continue }
            guard let old else {
                steps.append(Step(requests: [Self.create(changed, resource)]))
                continue
            }
            if replaces(old, changed) {
                var fresh: Object = changed
                fresh.metadata.resourceVersion = ""
                fresh.metadata.uid = ""
                steps.append(Step(requests: [Self.delete(old, resource), Self.create(fresh, resource)]))
            } else {
                let update = APIRequest(
                    .update, Self.resource(Object.gvk, resource), namespace: old.metadata.namespace,
                    name: old.metadata.name, body: changed.jsonBytes)
                steps.append(Step(requests: [update]))
            }
        }
        return steps
    }

    /// What creates an object unless it is there.
    func missing<Object: APIObject>(_ object: Object, _ resource: String) async throws(StatusError) -> [Step] {
        do throws(StatusError) {
            _ = try await transport.perform(
                APIRequest(
                    .get, Self.resource(Object.gvk, resource), namespace: object.metadata.namespace,
                    name: object.metadata.name))
            return []
        } catch {
            guard error.isNotFound else { throw error }
            return [Step(requests: [Self.create(object, resource)])]
        }
    }

    /// Deletes the objects that are there for no reason any more.
    func removals<Object: APIObject>(
        _ type: Object.Type, _ resource: String, where isUnwanted: (Object) -> Bool
    ) async throws(StatusError) -> [Step] {
        let existing: [String: Object] = try await list(type, resource)
        return existing.values.filter(isUnwanted).map { Step(requests: [Self.delete($0, resource)]) }
    }

    private static func key(_ metadata: ObjectMeta) -> String { metadata.namespace + "/" + metadata.name }

    private static func resource(_ gvk: GroupVersionKind, _ resource: String) -> GroupVersionResource {
        GroupVersionResource(group: gvk.group, version: gvk.version, resource: resource)
    }

    private static func create<Object: APIObject>(_ object: Object, _ resource: String) -> APIRequest {
        APIRequest(
            .create, self.resource(Object.gvk, resource), namespace: object.metadata.namespace, body: object.jsonBytes)
    }

    private static func delete<Object: APIObject>(_ object: Object, _ resource: String) -> APIRequest {
        APIRequest(
            .delete, self.resource(Object.gvk, resource), namespace: object.metadata.namespace,
            name: object.metadata.name)
    }

    private func list<Object: APIObject>(_ type: Object.Type, _ resource: String)
        async throws(StatusError) -> [String: Object]
    {
        let response: APIResponse = try await transport.perform(
            APIRequest(.list, Self.resource(Object.gvk, resource)))
        guard case .list(let items, _, _, _) = response.body else {
            throw .internalError("a list of \(resource) was answered with something else")
        }
        var found: [String: Object] = [:]
        for item in items {
            do throws(JSONError) {
                let object: Object = try item.decode(type)
                found[Self.key(object.metadata)] = object
            } catch {
                throw .internalError("failed to decode \(resource) \(item.name): \(error.message)")
            }
        }
        return found
    }

    // MARK: - Writing

    private func perform(_ steps: [Step]) async throws(StatusError) -> (written: Int, raced: StatusError?) {
        let results: [StatusError?] = await withTaskGroup(of: StatusError?.self) { group in
            var results: [StatusError?] = []
            for (index, step) in steps.enumerated() {
                if index >= Self.parallelWrites, let result = await group.next() { results.append(result) }
                group.addTask { await self.take(step) }
            }
            for await result in group { results.append(result) }
            return results
        }
        var raced: StatusError?
        for case let error? in results {
            guard error.isConflict || error.isAlreadyExists || error.isNotFound else { throw error }
            raced = error
        }
        return (results.filter { $0 == nil }.count, raced)
    }

    private func take(_ step: Step) async -> StatusError? {
        do throws(StatusError) {
            for request in step.requests { _ = try await transport.perform(request) }
            return nil
        } catch {
            return error
        }
    }
}
