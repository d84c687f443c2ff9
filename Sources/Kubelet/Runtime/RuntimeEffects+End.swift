import API
import CRI
import Client
import Flow

/// Hooks, and the way down.
extension RuntimeEffects {
    func runPostStart(_ pod: Pod, _ name: String, id: String) async -> PodEvent {
        guard let container = PodMachine.spec(of: name, in: pod), let handler = container.lifecycle?.postStart else {
            return .postStartDone(container: name, failure: nil)
        }
        let failure: String? = await run(handler, container, of: pod, id: id, limit: nil)
        if let failure {
            log.info("postStart hook failed", [("pod", pod.metadata.name), ("container", name), ("error", failure)])
        }
        return .postStartDone(container: name, failure: failure == nil ? nil : "PostStartHook failed")
    }

    /// - Parameter limit: how long it may take; nil is without end.
    /// - Returns: what went wrong; nil if nothing did.
    private func run(
        _ handler: LifecycleHandler, _ container: APICore.Container, of pod: Pod, id: String, limit: Duration?
    ) async -> String? {
        if let exec = handler.exec {
            var request = ExecSyncRequest()
            request.containerId = id
            request.cmd = exec.command
            request.timeout = limit.map { max(1, Int($0.components.seconds)) } ?? 0
            do throws(CRIError) {
                let response: ExecSyncResponse = try await runtime.execSync(request)
                return response.exitCode == 0 ? nil : "command exited with \(response.exitCode)"
            } catch {
                return "\(error)"
            }
        }
        if let sleep = handler.sleep {
            let wanted: Duration = .seconds(sleep.seconds)
            await clock.sleep(for: limit.map { min($0, wanted) } ?? wanted)
            return nil
        }
        if let get = handler.httpGet {
            let known: [String]? = recall(pod.metadata.uid).addresses
            let own: String? = pod.spec.hostNetwork ? configuration.nodeAddresses.first : known?.first
            guard
                let request = ProbeTarget.http(
                    get, container: container, address: own ?? pod.status.podIP, timeout: limit ?? .seconds(30))
            else { return "no address or port to ask" }
            if case .failure(let message) = await network.http(request) { return message }
            return nil
        }
        return "no hook that can be run"
    }

    func kill(_ pod: Pod, _ name: String, id: String, graceSeconds: Int) async -> [PodEvent] {
        let identity = PodIdentity(pod)
        let began: Int64 = FlowRecorder.systemTime()
        let container: APICore.Container? = PodMachine.spec(of: name, in: pod)
        let before: Duration = clock.now
        if graceSeconds > 0, let container, let hook = container.lifecycle?.preStop {
            await preStop(hook, container, of: pod, id: id, limit: .seconds(graceSeconds))
        }
        let spent: Int = Int((clock.now - before).components.seconds)
        var request = StopContainerRequest()
        request.containerId = id
        // Everybody gets a moment after SIGTERM; upstream's two seconds if a hook took the time, else its one.
        request.timeout = max(spent > 0 ? 2 : 1, graceSeconds - spent)
        do throws(CRIError) {
            _ = try await runtime.stopContainer(request)
            step("stopped container \(name)", identity, since: began)
        } catch {
            if error.code != .notFound {
                reports.event(
                    .warning, reason: "FailedKillPod",
                    message: "error killing pod: failed to \"KillContainer\" for \"\(name)\" with "
                        + "KillContainerError: \"\(error)\"", container: name, about: pod)
                // The machine tries again at once.
                await clock.sleep(for: .seconds(2))
            }
        }
        return await observed(identity) + [.killed(container: name)]
    }

    /// Runs the hook, at most for the grace period; a failure is told and changes nothing.
    private func preStop(
        _ hook: LifecycleHandler, _ container: APICore.Container, of pod: Pod, id: String, limit: Duration
    ) async {
        let failure: String? = await withTaskGroup(of: String?.self) { group in
            group.addTask { await self.run(hook, container, of: pod, id: id, limit: limit) }
            group.addTask {
                await self.clock.sleep(for: limit)
                return "the grace period is over"
            }
            let first: String?? = await group.next()
            group.cancelAll()
            return first ?? nil
        }
        guard let failure else { return }
        log.info("preStop hook failed", [("pod", pod.metadata.name), ("error", failure)])
        reports.event(
            .warning, reason: "FailedPreStopHook", message: "PreStopHook failed", container: container.name, about: pod)
    }

    func removeInstances(_ ids: [String]) async {
        for id in ids {
            var request = RemoveContainerRequest()
            request.containerId = id
            do throws(CRIError) {
                _ = try await runtime.removeContainer(request)
            } catch {
                if error.code != .notFound {
                    log.warning("failed to remove container", [("id", id), ("error", "\(error)")])
                }
            }
        }
    }

    /// Nothing of the pod runs any more: takes everything of it off the node.
    func cleanUp(_ pod: Pod) async -> PodEvent {
        let identity = PodIdentity(pod)
        let began: Int64 = FlowRecorder.systemTime()
        if let problem = await takeAway(identity) { return .cleanFailed(message: "error killing pod: \(problem)") }
        step("cleaned up", identity, since: began)
        return .cleaned
    }

    /// Removes everything that there is of a pod on the node, also if its machine is long gone.
    /// - Returns: what is in the way; nil when nothing is left.
    package func takeAway(_ pod: PodIdentity) async -> String? {
        do throws(CRIError) {
            try await removeFromRuntime(pod)
        } catch {
            return "\(error)"
        }
        let directory: String = configuration.directory(pod)
        if let problem = await files({ () throws(NodeFiles.Failure) in
            try SubPath.unmount(below: directory + "/volume-subpaths")
        }) {
            return problem
        }
        do throws(PodVolumeError) {
            try await volumes.unmount(pod)
        } catch {
            return error.message
        }
        let logs: String = configuration.logDirectory(pod)
        if let problem = await files({ () throws(NodeFiles.Failure) in
            try NodeFiles.removeTree(directory)
            try NodeFiles.removeTree(logs)
        }) {
            return problem
        }
        do throws(PodCgroupError) {
            try await cgroups.remove(uid: pod.uid)
        } catch {
            return error.message
        }
        forget(pod.uid)
        return nil
    }

    private func files(_ work: @escaping @Sendable () throws(NodeFiles.Failure) -> Void) async -> String? {
        await BlockingWork.run {
            do throws(NodeFiles.Failure) {
                try work()
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    private func removeFromRuntime(_ pod: PodIdentity) async throws(CRIError) {
        var containers = ListContainersRequest()
        var containerFilter = ContainerFilter()
        containerFilter.labelSelector = [RuntimeLabels.podUID: pod.uid]
        containers.filter = containerFilter
        for container in try await runtime.listContainers(containers).containers {
            var request = RemoveContainerRequest()
            request.containerId = container.id
            _ = try await runtime.removeContainer(request)
        }
        var sandboxes = ListPodSandboxRequest()
        var sandboxFilter = PodSandboxFilter()
        sandboxFilter.labelSelector = [RuntimeLabels.podUID: pod.uid]
        sandboxes.filter = sandboxFilter
        for sandbox in try await runtime.listPodSandbox(sandboxes).items {
            var stop = StopPodSandboxRequest()
            stop.podSandboxId = sandbox.id
            _ = try await runtime.stopPodSandbox(stop)
            var remove = RemovePodSandboxRequest()
            remove.podSandboxId = sandbox.id
            _ = try await runtime.removePodSandbox(remove)
        }
    }
}
