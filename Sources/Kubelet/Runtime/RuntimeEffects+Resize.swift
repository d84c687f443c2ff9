import API
import CRI
import Client

/// Changing what a pod may use while it runs.
extension RuntimeEffects {
    func admitResize(_ pod: Pod) -> PodEvent {
        switch room.admit(pod) {
        case .granted:
            var amounts: ContainerAmounts = [:]
            for container in pod.spec.initContainers + pod.spec.containers {
                amounts[container.name] = container.resources
            }
            return .resizeGranted(amounts)
        case .deferred(let message): return .resizeRefused(reason: "Deferred", message: message, isForGood: false)
        case .infeasible(let message): return .resizeRefused(reason: "Infeasible", message: message, isForGood: true)
        }
    }

    /// No cgroup may have more than the one above it: so first the pod's has the most of both, then its containers get
    /// what is theirs, then the pod's too.
    func resize(_ pod: Pod, ceiling: PodCgroupLimits, containers: [(name: String, id: String)]) async -> PodEvent {
        var done: [String] = []
        do throws(PodCgroupError) {
            try await cgroups.create(pod, limits: ceiling)
            for (name, id) in containers {
                if let problem = await update(name, id, of: pod) { return .resized(done, failure: problem) }
                done.append(name)
            }
            try await cgroups.create(pod, limits: ResourceTranslation.pod(pod))
            return .resized(done, failure: nil)
        } catch {
            return .resized(done, failure: error.message)
        }
    }

    /// nil: done. One that has ended meanwhile has nothing to change.
    private func update(_ name: String, _ id: String, of pod: Pod) async -> String? {
        guard let container = PodMachine.spec(of: name, in: pod) else { return nil }
        var request = UpdateContainerResourcesRequest()
        request.containerId = id
        request.linux = ResourceTranslation.container(container, of: pod, configuration: configuration)
        do throws(CRIError) {
            _ = try await runtime.updateContainerResources(request)
            return nil
        } catch {
            if error.code == .notFound { return nil }
            if let instance = try? await observer.status(id).instance, !instance.isRunning { return nil }
            log.warning("failed to resize container", [("pod", pod.metadata.name), ("error", "\(error)")])
            return "failed to resize container \(name): \(error.message)"
        }
    }
}
