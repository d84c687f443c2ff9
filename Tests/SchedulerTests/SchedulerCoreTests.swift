import API
import APIMachinery
import Scheduler
import Testing

@Suite struct SchedulerCoreTests {
    let second: Int64 = 1_000_000

    @Test func `pods spread over equal nodes`() {
        var core = SchedulerCore()
        for name in ["a", "b"] { core.receive(.nodeSeen(node(name)), now: 0) }
        for index in 0..<4 { core.receive(.podSeen(pod("p\(index)", cpu: "1")), now: 0) }
        let (bound, failed) = core.drain(now: 0)
        #expect(failed.isEmpty)
        #expect(bound.values.count { $0 == "a" } == 2)
        #expect(bound.values.count { $0 == "b" } == 2)
    }

    @Test func `an assumed pod takes its room before the server confirms it`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a", cpu: "1")), now: 0)
        core.receive(.podSeen(pod("first", cpu: "800m")), now: 0)
        core.receive(.podSeen(pod("second", cpu: "800m")), now: 0)
        let (bound, failed) = core.drain(now: 0)
        #expect(bound == ["first": "a"])
        #expect(
            failed["second"]
                == "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
        )
    }

    @Test func `without nodes the message says so`() {
        var core = SchedulerCore()
        core.receive(.podSeen(pod("p")), now: 0)
        #expect(core.drain(now: 0).failed == ["p": "no nodes available to schedule pods"])
    }

    @Test func `each node's reason is counted`() {
        var core = SchedulerCore()
        var tainted: Node = node("t")
        tainted.spec.taints = [
            Taint.with {
                $0.key = "dedicated"
                $0.value = "db"
                $0.effect = "NoSchedule"
            }
        ]
        var cordoned: Node = node("u")
        cordoned.spec.unschedulable = true
        for one in [tainted, cordoned, node("small", cpu: "1"), node("full", pods: "0")] {
            core.receive(.nodeSeen(one), now: 0)
        }
        core.receive(.podSeen(pod("p", cpu: "2")), now: 0)
        let message: String = core.drain(now: 0).failed["p"] ?? ""
        #expect(
            message
                == "0/4 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) had untolerated taint {dedicated: db}, "
                + "1 node(s) were unschedulable. preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, "
                + "3 Preemption is not helpful for scheduling.")
    }

    @Test func `higher priority goes first, then the older`() {
        var core = SchedulerCore()
        core.receive(.podSeen(pod("low", cpu: "1")), now: 0)
        core.receive(.podSeen(pod("high", cpu: "1", priority: 10)), now: 1)
        core.receive(.nodeSeen(node("a", cpu: "1")), now: 2)
        let (bound, failed) = core.drain(now: 2)
        #expect(bound == ["high": "a"])
        #expect(failed.keys.sorted() == ["low"])
    }

    @Test func `a pod that found no node wakes when one has room, after its back-off`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a", cpu: "1")), now: 0)
        var running: Pod = pod("running", cpu: "1")
        running.spec.nodeName = "a"
        core.receive(.podSeen(running), now: 0)
        core.receive(.podSeen(pod("waiting", cpu: "1")), now: 0)
        #expect(core.drain(now: 0).failed.count == 1)
        core.receive(.podGone(running), now: second / 2)
        #expect(core.drain(now: second / 2).bound.isEmpty)
        #expect(core.nextDeadline == second)
        #expect(core.drain(now: second).bound == ["waiting": "a"])
    }

    @Test func `a heartbeat wakes nobody`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a", cpu: "1")), now: 0)
        core.receive(.podSeen(pod("big", cpu: "2")), now: 0)
        _ = core.drain(now: 0)
        var beat: Node = node("a", cpu: "1")
        beat.status.conditions = [NodeCondition.with { $0.type = "Ready" }]
        core.receive(.nodeSeen(beat), now: 5 * second)
        #expect(core.counts.unschedulable == 1)
        core.receive(.nodeSeen(node("a", cpu: "2")), now: 6 * second)
        #expect(core.drain(now: 6 * second).bound == ["big": "a"])
    }

    @Test func `a refused binding gives the room back and tries again`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a", cpu: "1")), now: 0)
        core.receive(.podSeen(pod("p", cpu: "1")), now: 0)
        guard case .bind? = core.next(now: 0) else {
            Issue.record("no decision")
            return
        }
        core.receive(.bindingFailed(uid: "uid-p"), now: 0)
        #expect(core.next(now: 0) == nil)
        #expect(core.drain(now: 2 * second).bound == ["p": "a"])
    }

    @Test func `ended pods give their room back`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a", cpu: "1")), now: 0)
        var job: Pod = pod("job", cpu: "1")
        job.spec.nodeName = "a"
        core.receive(.podSeen(job), now: 0)
        job.status.phase = "Succeeded"
        core.receive(.podSeen(job), now: 0)
        core.receive(.podSeen(pod("p", cpu: "1")), now: 0)
        #expect(core.drain(now: 0).bound == ["p": "a"])
    }

    @Test func `gates and foreign schedulers are left alone`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a")), now: 0)
        var gated: Pod = pod("gated")
        gated.spec.schedulingGates = [PodSchedulingGate.with { $0.name = "wait" }]
        var foreign: Pod = pod("foreign")
        foreign.spec.schedulerName = "other"
        core.receive(.podSeen(gated), now: 0)
        core.receive(.podSeen(foreign), now: 0)
        #expect(core.drain(now: 0).bound.isEmpty)
        gated.spec.schedulingGates = []
        core.receive(.podSeen(gated), now: 1)
        #expect(core.drain(now: 1).bound == ["gated": "a"])
    }

    @Test func `init containers count by their largest, sidecars by their sum`() {
        var names = ResourceNames()
        var subject: Pod = pod("p", cpu: "1")
        subject.spec.initContainers = [
            Container.with {
                $0.name = "sidecar"
                $0.restartPolicy = "Always"
                $0.resources.requests["cpu"] = quantity("500m")
            },
            Container.with {
                $0.name = "setup"
                $0.resources.requests["cpu"] = quantity("2")
            },
        ]
        #expect(PodRequirements(subject, names: &names).requests.milliCPU == 2500)
    }

    @Test func `a resized pod takes the most of what it asks for and has, and nothing that it can never have`() {
        var names = ResourceNames()
        var subject: Pod = pod("p", cpu: "3")
        subject.spec.nodeName = "a"
        var status = ContainerStatus()
        status.name = subject.spec.containers[0].name
        status.allocatedResources = ["cpu": quantity("1")]
        status.resources = ResourceRequirements.with { $0.requests = ["cpu": quantity("2")] }
        subject.status.containerStatuses = [status]
        #expect(PodRequirements(subject, names: &names).requests.milliCPU == 3000)
        subject.status.conditions = [
            PodCondition.with {
                $0.type = "PodResizePending"
                $0.status = "True"
                $0.reason = "Infeasible"
            }
        ]
        #expect(PodRequirements(subject, names: &names).requests.milliCPU == 2000)
    }

    @Test func `room that a resized pod gives back is used`() {
        var core = SchedulerCore()
        core.receive(.nodeSeen(node("a")), now: 0)
        var large: Pod = pod("large", cpu: "3")
        large.spec.nodeName = "a"
        core.receive(.podSeen(large), now: 0)
        core.receive(.podSeen(pod("other", cpu: "2")), now: 0)
        guard case .unschedulable? = core.next(now: 1) else {
            Issue.record("there is no room yet")
            return
        }
        large.spec.containers[0].resources.requests["cpu"] = quantity("1")
        core.receive(.podSeen(large), now: 2)
        guard case .bind(_, node: "a", _, _, _, _)? = core.next(now: 1 << 40) else {
            Issue.record("nobody noticed the room")
            return
        }
    }

    @Test func `a host port is taken once per node`() {
        var core = SchedulerCore()
        for name in ["a", "b"] { core.receive(.nodeSeen(node(name)), now: 0) }
        for index in 0..<3 {
            var subject: Pod = pod("p\(index)")
            subject.spec.containers[0].ports = [
                ContainerPort.with {
                    $0.containerPort = 80
                    $0.hostPort = 8080
                    $0.protocol = "TCP"
                }
            ]
            core.receive(.podSeen(subject), now: 0)
        }
        let (bound, failed) = core.drain(now: 0)
        #expect(Set(bound.values) == ["a", "b"])
        #expect(failed.values.first?.contains("2 node(s) didn't have free ports for the requested pod ports") == true)
    }
}
