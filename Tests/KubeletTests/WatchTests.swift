import API
import APIMachinery
import CRI
import Client
import Kubelet
import Synchronization
import Testing

/// Collects what machines would hear, and lets a test wait for it.
final class Ear: Sendable {
    private let state = Mutex<(heard: [String], waiter: (Int, CheckedContinuation<Void, Never>)?)>(([], nil))

    func hear(_ event: PodEvent, _ pod: PodIdentity) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.heard.append("\(pod.name) \(line(event))")
            guard let (count, waiter) = state.waiter, state.heard.count >= count else { return nil }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    func wait(_ count: Int) async -> [String] {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let isThere: Bool = state.withLock { state in
                if state.heard.count >= count { return true }
                state.waiter = (count, waiter)
                return false
            }
            if isThere { waiter.resume() }
        }
        return state.withLock { $0.heard }
    }
}

/// Processes that end when the test says so.
final class ScriptedExits: ProcessExits {
    let watches = Mutex<[String: @Sendable () -> Void]>([:])

    func watch(processID: Int32, containerID: String, notify: @escaping @Sendable () -> Void) {
        watches.withLock { $0[containerID] = notify }
    }

    func end(_ container: String) { watches.withLock { $0.removeValue(forKey: container) }?() }
}

@Suite(.timeLimit(.minutes(5)))
struct WatchTests {
    @Test func `new pods hear at once that there is nothing, exits are heard, a relist tells only differences`() async {
        let runtime = ScriptedRuntime()
        let clock = ManualMonotonicClock()
        let exits = ScriptedExits()
        let ear = Ear()
        let watch = RuntimeWatch(
            observer: RuntimeObserver(runtime: runtime), exits: exits, clock: clock, log: .silent)
        let pod = PodIdentity(makePod("web"))
        // Known before the first list: it waits for it.
        watch.begin(pod)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await watch.run { ear.hear($0, $1) } }
            #expect(await ear.wait(1) == ["web-0 observed "])
            await clock.waitForSleepers(1)
            watch.begin(PodIdentity(namespace: "default", name: "other", uid: "u2"))
            #expect(await ear.wait(2).last == "other observed ")

            runtime.put(pod, "web", attempt: 0)
            watch.watch("web-0", processID: 42, of: pod)
            runtime.exit("web-0", code: 1)
            exits.end("web-0")
            #expect(await ear.wait(3).last == "web-0 observed web:false")
            clock.advance(by: .seconds(10))
            await clock.waitForSleepers(1)
            // Nothing new since: nothing said. A container that nobody watched is found by the next relist.
            runtime.put(pod, "late", attempt: 0)
            clock.advance(by: .seconds(10))
            #expect(await ear.wait(4).last == "web-0 observed late:true,web:false")
            group.cancelAll()
        }
    }

    @Test func `readiness begins after the start-up probe, and stops when told`() async {
        let runtime = ScriptedRuntime()
        let clock = ManualMonotonicClock()
        let ear = Ear()
        let reports = RecordedReports()
        let prober = Prober(
            runtime: runtime, network: SilentNetwork(), nodeAddresses: [], clock: clock, wallClock: SystemWallClock(),
            log: .silent, recorder: nil, random: { 0 })
        let probe = Probe.with { probe in
            probe.exec = ExecAction.with { $0.command = ["check"] }
            probe.periodSeconds = 5
            probe.timeoutSeconds = 1
            probe.failureThreshold = 2
        }
        let pod: Pod = makePod("web") { pod in
            pod.spec.containers[0].startupProbe = probe
            pod.spec.containers[0].readinessProbe = probe
        }
        runtime.state.withLock { state in
            state.execAnswer.exitCode = 1
            state.execAnswer.stdout = Array("not yet".utf8)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await prober.run(deliver: { ear.hear($0, $1) }, reports: reports) }
            prober.start(pod, container: "web", id: "web-0")
            await clock.waitForSleepers(1)
            #expect(reports.events.withLock { $0 } == ["Unhealthy: Startup probe failed: not yet"])
            runtime.state.withLock { $0.execAnswer.exitCode = 0 }
            clock.advance(by: .seconds(5))
            let heard: [String] = await ear.wait(2)
            #expect(heard.map { $0.contains("startup") } == [true, false])
            #expect(heard[1].contains("readiness"))
            #expect(runtime.state.withLock { $0.execs.map(\.timeout) } == [1, 1, 1])
            prober.stop(PodIdentity(pod), container: "web")
            #expect(prober.count == 0)
            group.cancelAll()
        }
    }
}

extension ScriptedRuntime {
    /// A container that runs, as if made by an earlier life of the kubelet.
    func put(_ pod: PodIdentity, _ name: String, attempt: Int) {
        state.withLock { state in
            state.clock += 1_000_000_000
            var container = CRI.Container()
            container.id = "\(name)-\(attempt)"
            container.labels = [
                "io.kubernetes.pod.uid": pod.uid, "io.kubernetes.pod.name": pod.name,
                "io.kubernetes.pod.namespace": pod.namespace, "io.kubernetes.container.name": name,
            ]
            container.state = .containerRunning
            container.createdAt = state.clock
            state.containers.append(container)
            var status = CRI.ContainerStatus()
            status.id = container.id
            status.labels = container.labels
            status.state = .containerRunning
            status.startedAt = state.clock
            state.statuses[container.id] = status
        }
    }
}
