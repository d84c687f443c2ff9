import API
import APIMachinery
import CRI
import Kubelet
import Synchronization
import Testing

struct ResizeTests {
    private static func amounts(cpu: String, memory: String) throws -> ResourceRequirements {
        var amounts = ResourceRequirements()
        amounts.limits = ["cpu": try Quantity(cpu), "memory": try Quantity(memory)]
        amounts.requests = amounts.limits
        return amounts
    }

    private static func pod(_ names: String..., cpu: String = "500m", memory: String = "64Mi") throws -> Pod {
        let given: ResourceRequirements = try amounts(cpu: cpu, memory: memory)
        return makePod(names[0]) { pod in
            pod.metadata.generation = 1
            pod.spec.containers = names.map(makeContainer)
            for index in pod.spec.containers.indices { pod.spec.containers[index].resources = given }
        }
    }

    private static func resized(
        _ pod: Pod, cpu: String = "500m", memory: String = "64Mi", only index: Int? = nil
    ) throws -> Pod {
        var pod: Pod = pod
        pod.metadata.generation += 1
        for place in pod.spec.containers.indices where index == nil || index == place {
            pod.spec.containers[place].resources = try amounts(cpu: cpu, memory: memory)
        }
        return pod
    }

    @Test func `a resize is asked for, granted, carried out and told, without a restart`() throws {
        var bench = Bench(try Self.pod("web"))
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.isManual = ["admit", "resize"]
        let wanted: Pod = try Self.resized(bench.machine.pod, cpu: "1", memory: "32Mi")
        bench.send(.seen(wanted))
        #expect(bench.take() == ["admit"])
        #expect(bench.lastStatus?.containerStatuses[0].resources?.limits["cpu"] == Quantity(milli: 500))
        #expect(bench.lastStatus?.observedGeneration == 2)

        let granted: ResourceRequirements = wanted.spec.containers[0].resources
        bench.send(.resizeGranted(["web": granted]))
        #expect(bench.take() == ["resize web"])
        #expect(bench.condition("PodResizeInProgress") == "True")
        #expect(bench.lastStatus?.containerStatuses[0].allocatedResources["cpu"] == Quantity(1))
        #expect(bench.lastStatus?.containerStatuses[0].resources?.limits["cpu"] == Quantity(milli: 500))
        let resize = try #require(bench.resizes.first)
        // CPU is raised, memory lowered: the pod has the most of both meanwhile.
        #expect(resize.ceiling.cpuQuotaMicroseconds == 100_000)
        #expect(resize.ceiling.memoryBytes == 64 << 20)
        #expect(resize.pod.spec.containers[0].resources == granted)

        bench.send(.resized(["web"], failure: nil))
        #expect(bench.take() == ["! ResizeCompleted"])
        #expect(bench.condition("PodResizeInProgress") == nil)
        #expect(bench.lastStatus?.containerStatuses[0].resources == granted)
        #expect(bench.lastStatus?.containerStatuses[0].restartCount == 0)
    }

    @Test func `what does not fit waits, is told so, and containers go on with what they had`() throws {
        var bench = Bench(try Self.pod("web"))
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.isManual = ["admit"]
        bench.send(.seen(try Self.resized(bench.machine.pod, cpu: "1")))
        bench.send(.resizeRefused(reason: "Deferred", message: "Node didn't have enough", isForGood: false))
        let condition: PodCondition? = bench.lastStatus?.conditions.first { $0.type == "PodResizePending" }
        #expect(condition?.status == "True")
        #expect(condition?.reason == "Deferred")
        #expect(condition?.message == "Node didn't have enough")
        #expect(condition?.observedGeneration == 2)
        #expect(bench.take() == ["admit"])
        bench.exit("web", 1)
        #expect(bench.take() == ["image web", "launch web 1"])
        #expect(bench.launched.last?.spec.containers[0].resources.limits["cpu"] == Quantity(milli: 500))
        bench.advance(10)
        #expect(bench.take() == ["admit"])
        bench.send(.resizeRefused(reason: "Infeasible", message: "too large", isForGood: true))
        bench.advance(100)
        #expect(bench.take() == [])
        // Asking for what it has takes the question back.
        bench.send(.seen(try Self.resized(bench.machine.pod)))
        #expect(bench.take() == [])
        #expect(bench.condition("PodResizePending") == nil)
    }

    @Test func `a container whose policy says so is restarted, after the pod's cgroup fits`() throws {
        var pod: Pod = try Self.pod("web", "side")
        pod.spec.containers[0].resizePolicy = [
            ContainerResizePolicy.with { policy in
                policy.resourceName = "memory"
                policy.restartPolicy = "RestartContainer"
            }
        ]
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.send(.seen(try Self.resized(bench.machine.pod, memory: "128Mi", only: 0)))
        #expect(
            bench.take() == [
                "admit", "! Killing web", "kill web 30", "resize ", "! ResizeCompleted", "image web", "launch web 1",
            ])
        #expect(bench.launched.last?.spec.containers[0].resources.limits["memory"]?.value == 128 << 20)
        #expect(bench.lastStatus?.containerStatuses[0].restartCount == 1)
        #expect(bench.lastStatus?.containerStatuses[1].restartCount == 0)
        // Another resource than that of the policy changes in place.
        bench.send(.seen(try Self.resized(bench.machine.pod, cpu: "1", memory: "128Mi", only: 0)))
        #expect(bench.take() == ["admit", "resize web", "! ResizeCompleted"])
    }

    @Test func `a resize that fails is told and tried again`() throws {
        var bench = Bench(try Self.pod("web"))
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.isManual = ["resize"]
        bench.send(.seen(try Self.resized(bench.machine.pod, memory: "32Mi")))
        bench.send(.resized([], failure: "device or resource busy"))
        let condition: PodCondition? = bench.lastStatus?.conditions.first { $0.type == "PodResizeInProgress" }
        #expect(condition?.reason == "Error")
        #expect(condition?.message == "device or resource busy")
        #expect(bench.take() == ["admit", "resize web"])
        bench.advance(10)
        #expect(bench.take() == ["resize web"])
        bench.send(.resized(["web"], failure: nil))
        #expect(bench.condition("PodResizeInProgress") == nil)
    }

    @Test func `nothing starts while cgroups change, and a crashing container gets what was granted`() throws {
        var bench = Bench(try Self.pod("web", "side"))
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.isManual = ["resize"]
        bench.send(.seen(try Self.resized(bench.machine.pod, cpu: "1")))
        bench.exit("side", 1)
        #expect(bench.take() == ["admit", "resize web,side"])
        bench.send(.resized(["web", "side"], failure: nil))
        #expect(bench.take() == ["! ResizeCompleted", "image side", "launch side 1"])
        #expect(bench.launched.last?.spec.containers[1].resources.limits["cpu"] == Quantity(1))
    }

    @Test func `a restarted kubelet goes on with what was granted and asks again for the rest`() throws {
        let before: Pod = try Self.pod("web")
        var pod: Pod = try Self.resized(before, cpu: "1")
        pod.status.containerStatuses = [
            APICore.ContainerStatus.with { status in
                status.name = "web"
                status.containerID = "containerd://web-0"
                status.resources = before.spec.containers[0].resources
                status.allocatedResources = before.spec.containers[0].resources.requests
            }
        ]
        var bench = Bench(pod)
        bench.isManual = ["admit"]
        let sandbox = RuntimeView.Sandbox(id: "s0", attempt: 0, isReady: true, addresses: ["10.0.0.1"])
        bench.send(.observed(RuntimeView(sandboxes: [sandbox], containers: ["web": [bench.instance("web", 0)]])))
        #expect(bench.take() == ["prepare", "admit"])
        #expect(bench.lastStatus?.containerStatuses[0].resources?.limits["cpu"] == Quantity(milli: 500))
        bench.send(.resizeGranted(["web": pod.spec.containers[0].resources]))
        #expect(bench.take() == ["resize web", "! ResizeCompleted"])
    }

    @Test func `the pod's cgroup is raised before containers' and lowered after them`() async throws {
        let shop = try Workshop()
        let pod: Pod = try Self.pod("web", cpu: "1", memory: "32Mi")
        let ceiling = PodCgroupLimits(cpuShares: 1024, cpuQuotaMicroseconds: 100_000, memoryBytes: 64 << 20)
        let events: [PodEvent] = await shop.effects.perform(
            .resize(pod, ceiling: ceiling, containers: [("web", "web-0")]), for: PodIdentity(pod))
        guard case .resized(["web"], nil)? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(shop.cgroups.limits.withLock { $0.map(\.memoryBytes) } == [64 << 20, 32 << 20])
        #expect(shop.runtime.calls == ["updateContainerResources web-0 \(32 << 20)"])
    }

    @Test func `a container that cannot be resized leaves the pod's cgroup large enough`() async throws {
        let shop = try Workshop()
        let pod: Pod = try Self.pod("web", memory: "32Mi")
        shop.runtime.fail("updateContainerResources", CRIError(.unknown, "busy"))
        let ceiling = PodCgroupLimits(cpuShares: 512, memoryBytes: 64 << 20)
        let events: [PodEvent] = await shop.effects.perform(
            .resize(pod, ceiling: ceiling, containers: [("web", "gone")]), for: PodIdentity(pod))
        guard case .resized([], let failure?)? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(failure == "failed to resize container web: busy")
        #expect(shop.cgroups.limits.withLock { $0.count } == 1)
    }

    @Test func `room is given once`() throws {
        let room = ResizeRoom(allocatable: {
            ["cpu": Quantity(2), "memory": Quantity(1 << 30, format: .binarySI)]
        })
        let one: Pod = try Self.pod("web", cpu: "1")
        var other: Pod = one
        other.metadata.uid = "u2"
        let pods: [Pod] = [one, other]
        room.connect { pods }
        #expect(room.admit(try Self.resized(one, cpu: "1")) == .granted)
        #expect(
            room.admit(try Self.resized(one, cpu: "1500m"))
                == .deferred(
                    message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"))
        #expect(room.admit(try Self.resized(one, cpu: "500m")) == .granted)
        // The room that the first gave up, before its pod says so.
        #expect(room.admit(try Self.resized(other, cpu: "1500m")) == .granted)
        #expect(
            room.admit(try Self.resized(other, cpu: "3"))
                == .infeasible(
                    message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000"))
    }

    @Test func `no limit is above every limit`() {
        let one = PodCgroupLimits(cpuShares: 10, cpuQuotaMicroseconds: 5, memoryBytes: 7)
        let other = PodCgroupLimits(cpuShares: 20, cpuQuotaMicroseconds: 4)
        #expect(one.raised(to: other) == PodCgroupLimits(cpuShares: 20, cpuQuotaMicroseconds: 5))
    }
}
