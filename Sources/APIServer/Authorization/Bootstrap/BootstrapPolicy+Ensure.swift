import APICore
package import APIMachinery
import APIRBAC
import Codec

extension BootstrapPolicy {
    /// Writes at a time: enough to fill the store's group commits.
    private static let parallelWrites: Int = 32
    /// How often it starts over after somebody else wrote at the same time (another server that is starting).
    private static let attempts: Int = 5

    private static let namespaces: [String] = ["kube-system", "kube-public"]

    /// One write that brings the policy closer.
    private struct Step: Sendable {
        var requests: [APIRequest]
    }

    /// Brings what the server has up to the policy, through a transport of `system:masters`. Writes what differs only.
    ///
    /// - Returns: the number of objects written.
    @discardableResult
    package func ensure(over transport: any Transport) async throws(StatusError) -> Int {
        var written: Int = try await Self.perform(try await namespaceSteps(transport), transport).written
        for attempt in 1...Self.attempts {
            let outcome: (written: Int, raced: StatusError?) = try await Self.perform(
                try await steps(transport), transport)
            written += outcome.written
            guard let raced = outcome.raced else { return written }
            if attempt == Self.attempts { throw raced }
        }
        return written
    }

    private func namespaceSteps(_ transport: any Transport) async throws(StatusError) -> [Step] {
        var steps: [Step] = []
        for name in Self.namespaces {
            do throws(StatusError) {
                _ = try await transport.perform(
                    APIRequest(.get, Self.resource(Namespace.gvk, "namespaces"), name: name))
            } catch {
                guard error.isNotFound else { throw error }
                let object = Namespace.with { $0.metadata.name = name }
                steps.append(Step(requests: [Self.create(object, "namespaces")]))
            }
        }
        return steps
    }

    private func steps(_ transport: any Transport) async throws(StatusError) -> [Step] {
        var steps: [Step] = []
        steps += try await differences(clusterRoles, "clusterroles", transport) { Self.reconciled($0, $1) }
        steps += try await differences(roles, "roles", transport) { Self.reconciled($0, $1) }
        steps += try await differences(clusterRoleBindings, "clusterrolebindings", transport) {
            Self.reconciled($0, $1)
        } replaces: {
            $0.roleRef != $1.roleRef
        }
        steps += try await differences(roleBindings, "rolebindings", transport) {
            Self.reconciled($0, $1)
        } replaces: {
            $0.roleRef != $1.roleRef
        }
        return steps
    }

    /// - Parameter replaces: whether an object cannot become the other one by an update.
    private func differences<Object: APIObject>(
        _ wanted: [Object], _ resource: String, _ transport: any Transport,
        reconcile: (Object, Object?) -> Object?, replaces: (Object, Object) -> Bool = { _, _ in false }
    ) async throws(StatusError) -> [Step] {
        let existing: [String: Object] = try await Self.list(Object.self, resource, transport)
        var steps: [Step] = []
        for object in wanted {
            let old: Object? = existing[Self.key(object.metadata)]
            guard let changed = reconcile(object, old) else { continue }
            guard let old else {
                steps.append(Step(requests: [Self.create(changed, resource)]))
                continue
            }
            let at = Self.resource(Object.gvk, resource)
            let (namespace, name): (String, String) = (old.metadata.namespace, old.metadata.name)
            if replaces(old, changed) {
                var fresh: Object = changed
                fresh.metadata.resourceVersion = ""
                fresh.metadata.uid = ""
                steps.append(
                    Step(requests: [
                        APIRequest(.delete, at, namespace: namespace, name: name), Self.create(fresh, resource),
                    ]))
            } else {
                steps.append(
                    Step(requests: [
                        APIRequest(.update, at, namespace: namespace, name: name, body: changed.jsonBytes)
                    ]))
            }
        }
        return steps
    }

    private static func key(_ metadata: ObjectMeta) -> String { metadata.namespace + "/" + metadata.name }

    private static func resource(_ gvk: GroupVersionKind, _ resource: String) -> GroupVersionResource {
        GroupVersionResource(group: gvk.group, version: gvk.version, resource: resource)
    }

    private static func create<Object: APIObject>(_ object: Object, _ resource: String) -> APIRequest {
        APIRequest(
            .create, self.resource(Object.gvk, resource), namespace: object.metadata.namespace, body: object.jsonBytes)
    }

    private static func list<Object: APIObject>(
        _ type: Object.Type, _ resource: String, _ transport: any Transport
    ) async throws(StatusError) -> [String: Object] {
        let response: APIResponse = try await transport.perform(
            APIRequest(.list, self.resource(Object.gvk, resource)))
        guard case .list(let items, _, _, _) = response.body else {
            throw .internalError("a list of \(resource) was answered with something else")
        }
        var found: [String: Object] = [:]
        for item in items {
            do throws(JSONError) {
                let object: Object = try item.decode(type)
                found[key(object.metadata)] = object
            } catch {
                throw .internalError("failed to decode \(resource) \(item.name): \(error.message)")
            }
        }
        return found
    }

    /// Takes all steps, several at a time. A step that lost a race is no failure: the caller looks again.
    private static func perform(_ steps: [Step], _ transport: any Transport)
        async throws(StatusError) -> (written: Int, raced: StatusError?)
    {
        let results: [StatusError?] = await withTaskGroup(of: StatusError?.self) { group in
            var results: [StatusError?] = []
            for (index, step) in steps.enumerated() {
                if index >= parallelWrites, let result = await group.next() { results.append(result) }
                group.addTask { await take(step, transport) }
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

    private static func take(_ step: Step, _ transport: any Transport) async -> StatusError? {
        do throws(StatusError) {
            for request in step.requests { _ = try await transport.perform(request) }
            return nil
        } catch {
            return error
        }
    }
}
