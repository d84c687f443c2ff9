import API
import APIMachinery
import Client
import Kubelet
import Testing

struct NodeTests {
    private static let now = Time(seconds: 1000)

    private static func builder(podCIDRs: [String] = []) -> NodeStatusBuilder {
        NodeStatusBuilder(
            .init(
                name: "a", addresses: ["192.0.2.1"], port: 10250, kubeletVersion: "v1", labels: [:],
                podCIDRs: podCIDRs))
    }

    private static func status(boot: String = "b1", memoryFree: Int = 1 << 30, problem: String? = nil) -> NodeStatus {
        var machine = MachineFacts()
        machine.memoryBytes = 1 << 31
        machine.memoryFreeBytes = memoryFree
        machine.bootID = boot
        let runtime = RuntimeFacts(version: "containerd://1", problem: problem, images: [])
        return builder().status(NodeStatus(), machine, runtime, now: now)
    }

    private static func reasons(_ before: NodeStatus, _ after: NodeStatus, isFirst: Bool) -> [String] {
        NodeEvents(node: "a").changes(from: before, to: after, isFirst: isFirst).map(\.reason)
    }

    private static let pressures: [String] = [
        "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID",
    ]

    @Test func `a new node tells of its room and that it is ready`() {
        let all: [EventNote] = NodeEvents(node: "a").changes(from: NodeStatus(), to: Self.status(), isFirst: true)
        #expect(all.map(\.reason) == Self.pressures + ["NodeReady"])
        #expect(all.first?.message == "Node a status is now: NodeHasSufficientMemory")
        #expect(all.first?.regarding.uid == "a")
        #expect(all.allSatisfy { $0.kind == .normal })
    }

    @Test func `a restarted kubelet tells of pressure again, of readiness only when it changed`() {
        #expect(Self.reasons(Self.status(), Self.status(), isFirst: true) == Self.pressures)
        #expect(Self.reasons(Self.status(), Self.status(), isFirst: false) == [])
        var silent: NodeStatus = Self.status()
        for index in silent.conditions.indices { silent.conditions[index].status = "Unknown" }
        #expect(Self.reasons(silent, Self.status(), isFirst: true) == Self.pressures + ["NodeReady"])
    }

    @Test func `trouble and its end are told`() {
        let short: NodeStatus = Self.status(memoryFree: 1 << 20, problem: "no runtime")
        #expect(
            Self.reasons(Self.status(), short, isFirst: false) == ["NodeHasInsufficientMemory", "NodeNotReady"])
        #expect(Self.reasons(short, Self.status(), isFirst: false) == ["NodeHasSufficientMemory", "NodeReady"])
    }

    @Test func `a reboot is told by the new boot's name`() {
        let all: [EventNote] = NodeEvents(node: "a")
            .changes(from: Self.status(), to: Self.status(boot: "b2"), isFirst: true)
        #expect(all.first?.reason == "Rebooted")
        #expect(all.first?.kind == .warning)
        #expect(all.first?.message == "Node a has been rebooted, boot id: b2")
    }

    @Test func `a node says which addresses its pods have, where it knows`() {
        let runtime = RuntimeFacts(version: "containerd://1", problem: nil, images: [])
        let node: Node = Self.builder(podCIDRs: ["10.244.0.0/24", "fd00::/64"])
            .node(MachineFacts(), runtime, now: Self.now)
        #expect(node.spec.podCIDR == "10.244.0.0/24")
        #expect(node.spec.podCIDRs == ["10.244.0.0/24", "fd00::/64"])
        #expect(Self.builder().node(MachineFacts(), runtime, now: Self.now).spec.podCIDR.isEmpty)
    }
}
