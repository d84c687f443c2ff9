import API
import APIMachinery
import Scheduler
import Testing

/// Claims and volumes: which pods they keep waiting, in which words, and what wakes those pods.
@Suite struct VolumeTests {
    private let second: Int64 = 1_000_000
    private static let hopeless: String =
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."

    private static func claim(_ name: String, _ fill: (inout PersistentVolumeClaim) -> Void = { _ in })
        -> PersistentVolumeClaim
    {
        var claim = PersistentVolumeClaim()
        claim.metadata.name = name
        claim.metadata.namespace = "default"
        claim.spec.accessModes = ["ReadWriteOnce"]
        fill(&claim)
        return claim
    }

    private static func bound(_ name: String, to volume: String) -> PersistentVolumeClaim {
        claim(name) {
            $0.spec.volumeName = volume
            $0.metadata.annotations["pv.kubernetes.io/bind-completed"] = "yes"
            $0.status.phase = "Bound"
        }
    }

    private static func volume(_ name: String, onlyOn node: String? = nil) -> PersistentVolume {
        var volume = PersistentVolume()
        volume.metadata.name = name
        guard let node else { return volume }
        var requirement = NodeSelectorRequirement()
        requirement.key = "kubernetes.io/hostname"
        requirement.operator = "In"
        requirement.values = [node]
        var selector = NodeSelector()
        selector.nodeSelectorTerms = [NodeSelectorTerm.with { $0.matchExpressions = [requirement] }]
        volume.spec.nodeAffinity = VolumeNodeAffinity.with { $0.required = selector }
        return volume
    }

    private static func pod(_ name: String, claim: String) -> Pod {
        var subject: Pod = SchedulerTests.pod(name)
        var volume = Volume()
        volume.name = "data"
        volume.persistentVolumeClaim = PersistentVolumeClaimVolumeSource.with { $0.claimName = claim }
        subject.spec.volumes = [volume]
        return subject
    }

    private static func ephemeralPod(_ name: String) -> Pod {
        var subject: Pod = SchedulerTests.pod(name)
        var volume = Volume()
        volume.name = "scratch"
        volume.ephemeral = EphemeralVolumeSource()
        subject.spec.volumes = [volume]
        return subject
    }

    private static func host(_ name: String) -> Node {
        var host: Node = node(name)
        host.metadata.labels["kubernetes.io/hostname"] = name
        return host
    }

    /// A core with one node, `a`, that has seen these objects.
    private static func core(_ events: [SchedulerCore.VolumeEvent] = [], nodes: [String] = ["a"]) -> SchedulerCore {
        var core = SchedulerCore()
        for name in nodes { core.receive(.nodeSeen(host(name)), now: 0) }
        for event in events { core.receive(.volumes(event), now: 0) }
        return core
    }

    private static func failure(of pod: Pod, _ core: SchedulerCore) -> String? {
        var core: SchedulerCore = core
        core.receive(.podSeen(pod), now: 0)
        return core.drain(now: 0).failed[pod.metadata.name]
    }

    @Test func `a claim that does not exist keeps its pod from every node`() {
        #expect(
            Self.failure(of: Self.pod("p", claim: "none"), Self.core())
                == "0/1 nodes are available: persistentvolumeclaim \"none\" not found. \(Self.hopeless)")
    }

    @Test func `every node has the refusal as its verdict`() {
        var core: SchedulerCore = Self.core(nodes: ["a", "b"])
        core.receive(.podSeen(Self.pod("p", claim: "none")), now: 0)
        guard case .unschedulable(_, let error)? = core.next(now: 0) else {
            Issue.record("it was scheduled")
            return
        }
        #expect(error.verdicts.map(\.node).sorted() == ["a", "b"])
        #expect(error.verdicts.allSatisfy { $0.reasons.map(\.reason) == ["persistentvolumeclaim \"none\" not found"] })
    }

    @Test func `without nodes it is nodes that lack`() {
        #expect(
            Self.failure(of: Self.pod("p", claim: "none"), Self.core(nodes: []))
                == "no nodes available to schedule pods")
    }

    @Test func `the pod is tried again when its claim appears, and when that is bound`() {
        var core: SchedulerCore = Self.core([.volumeSeen(Self.volume("v"))])
        core.receive(.podSeen(Self.pod("p", claim: "late")), now: 0)
        #expect(core.drain(now: 0).failed.count == 1)
        #expect(core.counts.unschedulable == 1)
        core.receive(.volumes(.claimSeen(Self.claim("late"))), now: 10 * second)
        #expect(
            core.drain(now: 10 * second).failed["p"]
                == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. \(Self.hopeless)")
        core.receive(.volumes(.claimSeen(Self.bound("late", to: "v"))), now: 20 * second)
        #expect(core.drain(now: 20 * second).bound == ["p": "a"])
    }

    @Test func `a claim that changes nothing of interest wakes nobody`() {
        var core: SchedulerCore = Self.core([.claimSeen(Self.claim("c"))])
        core.receive(.podSeen(Self.pod("p", claim: "c")), now: 0)
        #expect(core.drain(now: 0).failed.count == 1)
        core.receive(.volumes(.claimSeen(Self.claim("c") { $0.metadata.labels["a"] = "b" })), now: 5 * second)
        #expect(core.counts.unschedulable == 1)
    }

    @Test func `a claim that is going away or has lost its volume is no use`() {
        let going: PersistentVolumeClaim = Self.claim("going") { $0.metadata.deletionTimestamp = Time(seconds: 1) }
        #expect(
            Self.failure(of: Self.pod("p", claim: "going"), Self.core([.claimSeen(going)]))
                == "0/1 nodes are available: persistentvolumeclaim \"going\" is being deleted. \(Self.hopeless)")
        var lost: PersistentVolumeClaim = Self.bound("lost", to: "v")
        lost.status.phase = "Lost"
        #expect(
            Self.failure(of: Self.pod("p", claim: "lost"), Self.core([.claimSeen(lost)]))
                == "0/1 nodes are available: persistentvolumeclaim \"lost\" bound to non-existent persistentvolume \"v\". "
                + Self.hopeless)
    }

    @Test func `an ephemeral volume's claim must be there and be the pod's own`() {
        let subject: Pod = Self.ephemeralPod("p")
        #expect(
            Self.failure(of: subject, Self.core())
                == "0/1 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "
                + "\"p-scratch\". \(Self.hopeless)")
        var claim: PersistentVolumeClaim = Self.bound("p-scratch", to: "v")
        let volume: SchedulerCore.VolumeEvent = .volumeSeen(Self.volume("v"))
        #expect(
            Self.failure(of: subject, Self.core([.claimSeen(claim), volume]))
                == "0/1 nodes are available: PVC default/p-scratch was not created for pod default/p (pod is not owner). "
                + Self.hopeless)
        claim.metadata.ownerReferences = [
            OwnerReference.with {
                $0.uid = "uid-p"
                $0.controller = true
            }
        ]
        #expect(Self.failure(of: subject, Self.core([.claimSeen(claim), volume])) == nil)
    }

    @Test func `a bound claim leads to the nodes of its volume`() {
        let events: [SchedulerCore.VolumeEvent] = [
            .claimSeen(Self.bound("c", to: "v")), .volumeSeen(Self.volume("v", onlyOn: "b")),
        ]
        var core: SchedulerCore = Self.core(events, nodes: ["a", "b"])
        core.receive(.podSeen(Self.pod("p", claim: "c")), now: 0)
        #expect(core.drain(now: 0).bound == ["p": "b"])
        #expect(
            Self.failure(of: Self.pod("p", claim: "c"), Self.core(events))
                == "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity. \(Self.hopeless)")
    }

    @Test func `a claim bound to a volume that is not there fits no node`() {
        #expect(
            Self.failure(of: Self.pod("p", claim: "c"), Self.core([.claimSeen(Self.bound("c", to: "gone"))]))
                == "0/1 nodes are available: 1 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s). "
                + Self.hopeless)
    }

    @Test func `a claim that waits for its first pod is refused by the nodes, since nothing binds it`() {
        let storage = StorageClass.with {
            $0.metadata.name = "local"
            $0.volumeBindingMode = "WaitForFirstConsumer"
        }
        let claim: PersistentVolumeClaim = Self.claim("c") { $0.spec.storageClassName = "local" }
        #expect(
            Self.failure(of: Self.pod("p", claim: "c"), Self.core([.classSeen(storage), .claimSeen(claim)]))
                == "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. \(Self.hopeless)"
        )
        var named: PersistentVolumeClaim = claim
        named.spec.volumeName = "v"
        #expect(
            Self.failure(of: Self.pod("p", claim: "c"), Self.core([.classSeen(storage), .claimSeen(named)]))
                == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. \(Self.hopeless)")
    }

    @Test func `one pod at a time has a ReadWriteOncePod claim, and its end wakes the next`() {
        var claim: PersistentVolumeClaim = Self.bound("c", to: "v")
        claim.spec.accessModes = ["ReadWriteOncePod"]
        var core: SchedulerCore = Self.core(
            [.claimSeen(claim), .volumeSeen(Self.volume("v"))], nodes: ["a", "b"])
        var first: Pod = Self.pod("first", claim: "c")
        core.receive(.podSeen(first), now: 0)
        core.receive(.podSeen(Self.pod("second", claim: "c")), now: 1)
        let (bound, failed) = core.drain(now: 1)
        #expect(bound.keys.sorted() == ["first"])
        #expect(
            failed["second"]
                == "0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and "
                + "ReadWriteOncePod access mode. preemption: 0/2 nodes are available: "
                + "2 No preemption victims found for incoming pod.")
        first.spec.nodeName = bound["first"] ?? ""
        first.status.phase = "Succeeded"
        core.receive(.podSeen(first), now: 5 * second)
        #expect(core.drain(now: 5 * second).bound.keys.sorted() == ["second"])
    }
}
