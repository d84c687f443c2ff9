package import API
package import APIMachinery
package import CRI
package import Client
package import Flow
import Synchronization

/// Asks containers how they are, and tells their pods' machines.
///
/// Each container's probes are one task: first the start-up probe, then the others side by side, until stopped.
package final class Prober: Sendable {
    package typealias Deliver = @Sendable (PodEvent, PodIdentity) -> Void

    private struct Key: Hashable, Sendable {
        var pod: String
        var container: String
    }

    /// One container's probes.
    private final class Target: Sendable {
        let pod: Pod
        let container: APICore.Container
        let id: String
        /// The pod's own address.
        let address: String
        let isStarted: Bool
        /// When the container started, by the monotonic clock.
        let started: Duration
        let stop = Signal()

        init(
            pod: Pod, container: APICore.Container, id: String, address: String, isStarted: Bool, started: Duration
        ) {
            self.pod = pod
            self.container = container
            self.id = id
            self.address = address
            self.isStarted = isStarted
            self.started = started
        }
    }

    /// Upstream: of a command's output and of a response.
    static let outputBytes: Int = 10 << 10

    private let targets = Mutex<[Key: Target]>([:])
    private let runtime: any RuntimeService
    private let network: any NetworkProber
    private let nodeAddresses: [String]
    private let clock: any MonotonicClock
    private let wallClock: any WallClock
    private let log: Log
    private let recorder: FlowRecorder?
    /// In 0 ..< 1.
    private let random: @Sendable () -> Double
    private let born: Duration
    private let work: AsyncStream<Target>
    private let feed: AsyncStream<Target>.Continuation

    package init(
        runtime: any RuntimeService, network: any NetworkProber, nodeAddresses: [String], clock: any MonotonicClock,
        wallClock: any WallClock, log: Log, recorder: FlowRecorder?,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.runtime = runtime
        self.network = network
        self.nodeAddresses = nodeAddresses
        self.clock = clock
        self.wallClock = wallClock
        self.log = log
        self.recorder = recorder
        self.random = random
        born = clock.now
        // Bounded by the number of containers.
        (work, feed) = AsyncStream.makeStream(of: Target.self, bufferingPolicy: .unbounded)
    }

    /// A container runs: its probes begin. Replaces those of an earlier run.
    package func start(_ pod: Pod, container name: String, id: String) {
        guard let container = PodMachine.spec(of: name, in: pod) else { return }
        let statuses: [APICore.ContainerStatus] = pod.status.containerStatuses + pod.status.initContainerStatuses
        let known: APICore.ContainerStatus? = statuses.first { $0.name == name && $0.containerID.hasSuffix(id) }
        let age: Int = known?.state.running?.startedAt.map { max(0, wallClock.now.secondsSince($0)) } ?? 0
        let address: String = pod.spec.hostNetwork ? nodeAddresses.first ?? "" : pod.status.podIP
        let target = Target(
            pod: pod, container: container, id: id, address: address, isStarted: known?.started ?? false,
            started: clock.now - .seconds(age))
        let before: Target? = targets.withLock { targets in
            targets.updateValue(target, forKey: Key(pod: pod.metadata.uid, container: name))
        }
        before?.stop.raise()
        feed.yield(target)
    }

    package func stop(_ pod: PodIdentity, container: String) {
        let target: Target? = targets.withLock { $0.removeValue(forKey: Key(pod: pod.uid, container: container)) }
        target?.stop.raise()
    }

    /// How many containers are probed.
    package var count: Int { targets.withLock { $0.count } }

    /// Probes until cancelled. - Parameter deliver: `PodWorkers.deliver`, and the events of probes.
    package func run(deliver: @escaping Deliver, reports: any PodReports) async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for await target in work {
                    group.addTask { await self.probe(target, deliver, reports) }
                }
                group.cancelAll()
            }
        } onCancel: {
            feed.finish()
        }
    }

    /// Ends when the target is stopped.
    private func probe(_ target: Target, _ deliver: @escaping Deliver, _ reports: any PodReports) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await target.stop.wait() }
            group.addTask {
                await self.probeAll(target, deliver, reports)
                // Nothing more to ask; only the stop ends it.
                await Gate().wait()
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func probeAll(_ target: Target, _ deliver: @escaping Deliver, _ reports: any PodReports) async {
        if let startup = target.container.startupProbe, !target.isStarted {
            await loop(.startup, startup, target, deliver, reports)
        }
        await withTaskGroup(of: Void.self) { group in
            if let probe = target.container.readinessProbe {
                group.addTask { await self.loop(.readiness, probe, target, deliver, reports) }
            }
            if let probe = target.container.livenessProbe {
                group.addTask { await self.loop(.liveness, probe, target, deliver, reports) }
            }
        }
    }

    /// Returns when there is nothing more to ask: after a start, or never.
    private func loop(
        _ kind: ProbeKind, _ probe: Probe, _ target: Target, _ deliver: @escaping Deliver, _ reports: any PodReports
    ) async {
        let isYoung: Bool = clock.now - born < .seconds(max(1, probe.periodSeconds))
        let isAdopted: Bool = clock.now - target.started > .seconds(2)
        var machine = ProbeMachine(
            kind, probe, started: target.started, now: clock.now, jitter: isYoung && isAdopted ? random() : 0)
        let pod = PodIdentity(target.pod)
        while let next = machine.next {
            await clock.sleep(until: next)
            guard !Task.isCancelled else { return }
            let began: Int64 = FlowRecorder.systemTime()
            let answer: ProbeMachine.Answer = await ask(probe, target, machine.timeout)
            guard !Task.isCancelled else { return }
            if case .failure(let message) = answer {
                reports.event(
                    .warning, reason: "Unhealthy", message: "\(kind.rawValue) probe failed: \(message)",
                    container: target.container.name, about: target.pod)
            }
            guard let outcome = machine.receive(answer, now: clock.now) else { continue }
            record(kind, outcome, pod, since: began)
            deliver(.probed(container: target.container.name, kind: kind, outcome: outcome), pod)
            // Failed for good: the container is killed, and the others have nothing to ask either.
            if kind == .startup, outcome != .success { await Gate().wait() }
        }
    }

    private func record(_ kind: ProbeKind, _ outcome: ProbeOutcome, _ pod: PodIdentity, since: Int64) {
        let verb: String = outcome == .success ? "succeeded" : "failed"
        recorder?.record(
            component: "kubelet", what: "\(kind.rawValue.lowercased()) probe \(verb)",
            object: ObjectPath("pods", namespace: pod.namespace, name: pod.name), since: since)
    }

    private func ask(_ probe: Probe, _ target: Target, _ timeout: Duration) async -> ProbeMachine.Answer {
        if let exec = probe.exec { return await run(exec.command, target, timeout) }
        let result: NetworkProbeResult
        if let get = probe.httpGet {
            guard
                let request = ProbeTarget.http(
                    get, container: target.container, address: target.address, timeout: timeout)
            else { return .failure("couldn't find port: \(get.port)") }
            result = await network.http(request)
        } else if let socket = probe.tcpSocket {
            guard let port = ProbeTarget.port(socket.port, of: target.container) else {
                return .failure("couldn't find port: \(socket.port)")
            }
            let host: String = socket.host.isEmpty ? target.address : socket.host
            result = await network.tcp(host: host, port: port, timeout: timeout)
        } else if let call = probe.grpc {
            result = await network.grpc(
                host: target.address, port: call.port, service: call.service ?? "", timeout: timeout)
        } else {
            return .failure("missing probe handler")
        }
        switch result {
        case .success: return .success
        case .failure(let message): return .failure(message)
        }
    }

    private func run(_ command: [String], _ target: Target, _ timeout: Duration) async -> ProbeMachine.Answer {
        var request = ExecSyncRequest()
        request.containerId = target.id
        request.cmd = command
        request.timeout = Int(timeout.components.seconds)
        do throws(CRIError) {
            let response: ExecSyncResponse = try await runtime.execSync(request)
            if response.exitCode == 0 { return .success }
            let output: [UInt8] = Array((response.stdout + response.stderr).prefix(Self.outputBytes))
            return .failure(String(decoding: output, as: UTF8.self))
        } catch {
            if error.code == .deadlineExceeded {
                let text: String = DownwardValues.quoted(command.joined(separator: " "))
                return .failure("command timed out: \(text) timed out after \(GoDuration.text(timeout))")
            }
            return .failure("\(error)")
        }
    }
}
