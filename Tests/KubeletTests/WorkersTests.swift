import API
import APIMachinery
import Client
import Flow
import Kubelet
import Synchronization
import Testing

/// Reports that a test can wait for.
final class AwaitedReports: PodReports {
    private let state = Mutex<(seen: [String], waiter: (String, CheckedContinuation<Void, Never>)?)>(([], nil))

    private func note(_ what: String) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.seen.append(what)
            guard let (wanted, waiter) = state.waiter, wanted == what else { return nil }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    func wait(for what: String) async {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let isThere: Bool = state.withLock { state in
                if state.seen.contains(what) { return true }
                state.waiter = (what, waiter)
                return false
            }
            if isThere { waiter.resume() }
        }
    }

    var seen: [String] { state.withLock { $0.seen } }

    func report(_ status: PodStatus, of pod: Pod) {
        note("\(status.phase) \(status.conditions.first { $0.type == "Ready" }?.status ?? "")")
    }
    func event(_ type: EventType, reason: String, message: String, container: String?, about pod: Pod) {}
    func startProbes(_ pod: Pod, container: String, id: String) {}
    func stopProbes(_ pod: PodIdentity, container: String) {}
    func finished(_ pod: Pod) { note("finished") }
}

@Suite(.timeLimit(.minutes(5)))
struct WorkersTests {
    @Test func `a pod is carried from first sight to its end, and its reports come in order`() async throws {
        let shop = try Workshop()
        let effects: RuntimeEffects = shop.effects
        let reports = AwaitedReports()
        let workers = PodWorkers(effects: effects, reports: reports, clock: SystemWallClock())
        var pod: Pod = makePod("web")
        let identity = PodIdentity(pod)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run() }
            workers.see(pod, node: .init(addresses: ["192.0.2.1"]), causes: [])
            workers.deliver(.observed(RuntimeView()), to: identity)
            await reports.wait(for: "Running True")
            #expect(workers.machine(of: "u1")?.containers.first?.isRunning == true)
            pod.metadata.deletionTimestamp = SystemWallClock().now
            pod.metadata.deletionGracePeriodSeconds = 1
            workers.see(pod, node: .init(addresses: ["192.0.2.1"]), causes: [])
            await reports.wait(for: "finished")
            group.cancelAll()
        }
        #expect(reports.seen.first == "Pending False")
        #expect(reports.seen.suffix(2) == ["Failed False", "finished"])
        #expect(workers.known.isEmpty)
        #expect(effects.rememberedPods == 0)
        // What comes late for a pod that is gone does no harm.
        workers.deliver(.timer, to: identity)
    }

    @Test func `a pod that a finalizer holds after its end is left alone until it is gone`() async throws {
        let shop = try Workshop()
        let reports = AwaitedReports()
        let workers = PodWorkers(effects: shop.effects, reports: reports, clock: SystemWallClock())
        var pod: Pod = makePod("web")
        let identity = PodIdentity(pod)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run() }
            workers.see(pod, node: .init(addresses: ["192.0.2.1"]), causes: [])
            workers.deliver(.observed(RuntimeView()), to: identity)
            await reports.wait(for: "Running True")
            pod.metadata.deletionTimestamp = SystemWallClock().now
            pod.metadata.deletionGracePeriodSeconds = 1
            workers.see(pod, node: .init(addresses: ["192.0.2.1"]), causes: [])
            await reports.wait(for: "finished")
            group.cancelAll()
        }
        while !workers.hasEnded("u1") { await Task.yield() }
        // A change of its labels, say: what was told of it last still holds.
        workers.see(pod, node: .init(addresses: ["192.0.2.1"]), causes: [])
        #expect(workers.machine(of: "u1") == nil)
        workers.deliver(.removed, to: identity)
        #expect(!workers.hasEnded("u1"))
    }
}
