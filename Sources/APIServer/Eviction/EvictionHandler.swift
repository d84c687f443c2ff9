import APICore
package import APIMachinery
import APIPolicy

/// `pods/eviction`: deletes a pod if its disruption budget allows it.
package struct EvictionHandler: SubresourceHandler {
    /// How often a pod that changes under our hands is tried again.
    private static let attempts: Int = 20

    package init() {}

    package var resource: GroupVersionResource { GroupVersionResource(group: "", version: "v1", resource: "pods") }
    package var subresource: String { "eviction" }

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        guard call.request.verb == .create else {
            throw .methodNotSupported(call.info.gvr, call.request.verb.rawValue)
        }
        let (eviction, warnings): (Eviction, [String]) = try call.decodeBody(Eviction.self)
        let name: String = call.request.name
        guard eviction.metadata.name.isEmpty || eviction.metadata.name == name else {
            throw .badRequest("name in URL does not match name in Eviction object")
        }
        guard let pods = call.server.registry.resource(call.info.gvr) else { throw APIServerCore.noSuchPath }
        let options: DeleteOptions = try Self.options(eviction, call.request)
        var write = WriteCall(context: call.context, services: call.server.services)
        write.context.dryRun = options.isDryRun
        let run = EvictionRun(name: name, options: options, pods: pods, server: call.server, call: write)
        try await run.evict(attempts: Self.attempts)
        var response: APIResponse = call.success()
        response.warnings = warnings
        return response
    }

    /// The deletion's options, with the request's dry run in them.
    static func options(_ eviction: Eviction, _ request: APIRequest) throws(StatusError) -> DeleteOptions {
        var options: DeleteOptions = eviction.deleteOptions ?? DeleteOptions()
        let asked: [String] = request.query.filter { $0.name == "dryRun" && !$0.value.isEmpty }.map { $0.value }
        if options.dryRun.isEmpty {
            options.dryRun = asked
        } else if !asked.isEmpty, asked != options.dryRun {
            throw .badRequest(
                "Non-matching dry-run options in request and content: \(Self.list(asked)) and "
                    + Self.list(options.dryRun))
        }
        try options.check()
        return options
    }

    private static func list(_ texts: [String]) -> String { "[" + texts.joined(separator: " ") + "]" }
}

/// One eviction.
private struct EvictionRun {
    let name: String
    let options: DeleteOptions
    let pods: any ServedResource
    let server: APIServerCore
    let call: WriteCall

    private var wantedVersion: String? { options.preconditions?.resourceVersion }

    func evict(attempts: Int) async throws(StatusError) {
        try await server.services.waitUntilFresh()
        var left: Int = attempts
        while true {
            let pod: Pod = try currentPod()
            guard DisruptionBudgets.needsNone(pod) else {
                try await evictUnderBudget(pod)
                return
            }
            // A pending pod must still be pending when it goes.
            let version: String? = pod.isFinished ? nil : pod.metadata.resourceVersion
            do throws(StatusError) {
                try await markAndDelete(version: wantedVersion ?? version)
                return
            } catch {
                left -= 1
                guard error.isConflict, wantedVersion == nil, left > 0 else { throw error }
            }
            try await server.services.waitUntilFresh()
        }
    }

    private func currentPod() throws(StatusError) -> Pod {
        let namespace: String = call.context.namespace
        guard let pod = server.services.caches.get(Pod.self, namespace: namespace, name: name) else {
            throw .notFound(pods.info.gvr, name)
        }
        return pod
    }

    private func evictUnderBudget(_ pod: Pod) async throws(StatusError) {
        let budgets: [PodDisruptionBudget] = DisruptionBudgets.covering(
            pod, among: server.services.caches.list(PodDisruptionBudget.self, namespace: call.context.namespace))
        guard budgets.count <= 1 else { throw DisruptionBudgets.severalBudgets }
        guard let budget = budgets.first else {
            try await markAndDelete(version: wantedVersion)
            return
        }
        guard DisruptionBudgets.letsGoUnhealthy(pod, budget) else {
            try await take(from: budget)
            try await markAndDelete(version: wantedVersion)
            return
        }
        do throws(StatusError) {
            // It must not have become healthy in the meantime.
            try await markAndDelete(version: wantedVersion ?? pod.metadata.resourceVersion)
        } catch {
            if error.isConflict, wantedVersion == nil {
                throw DisruptionBudgets.stillProcessed(budget.metadata.name)
            }
            throw error
        }
    }

    /// Compare and set: whoever comes second sees what the first has left.
    private func take(from budget: PodDisruptionBudget) async throws(StatusError) {
        guard let budgets = server.registry.resource(DisruptionBudgets.resource) else { return }
        var write: WriteCall = call
        write.context.resource = DisruptionBudgets.resource
        write.context.name = budget.metadata.name
        write.context.subresource = "status"
        let pod: String = name
        let now: Time = call.context.now
        _ = try await budgets.modify(PodDisruptionBudget.self, write) {
            (budget: inout PodDisruptionBudget) throws(StatusError) -> Void in
            try DisruptionBudgets.take(from: &budget, for: pod, now: now)
        }
    }

    /// Tells in the pod's status why it goes, and deletes it. `version`: only if it still has that one.
    private func markAndDelete(version: String?) async throws(StatusError) {
        var request = DeletionRequest(
            gracePeriodSeconds: options.gracePeriodSeconds.map { $0 < 0 ? 1 : $0 }, propagation: options.propagation,
            uid: options.preconditions?.uid, resourceVersion: version, dryRun: options.isDryRun)
        if let orphans = options.orphanDependents { request.propagation = orphans ? .orphan : .background }
        var write: WriteCall = call
        write.context.name = name
        if !options.isDryRun {
            let info: ResourceInfo = pods.info
            let uid: String? = request.uid
            let now: Time = call.context.now
            let marked: WriteResult = try await pods.modify(Pod.self, write) {
                (pod: inout Pod) throws(StatusError) -> Void in
                let wanted = Preconditions.with {
                    $0.uid = uid
                    $0.resourceVersion = version
                }
                if let why = wanted.violation(by: pod.metadata) { throw .conflict(info.gvr, pod.metadata.name, why) }
                pod.markEvicted(now: now)
            }
            // The mark itself has changed the pod.
            if version != nil { request.resourceVersion = String(marked.snapshot.revision) }
        }
        write.context.subresource = ""
        _ = try await pods.delete(write, request)
    }
}
