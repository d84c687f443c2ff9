import API
import APIMachinery
import Kubelet
import Testing

/// A machine, its clock, and a pretended node that carries out what it is told at once.
struct Bench {
    var machine: PodMachine
    var now = Time(seconds: 1_000_000)
    var log: [String] = []
    var sandboxes: Int = 0
    var wakes: [Time] = []
    /// What launched containers were noted to wait after a failure, seconds.
    var backoffs: [Int] = []
    var resizes: [(pod: Pod, ceiling: PodCgroupLimits)] = []
    var launched: [Pod] = []
    var lastStatus: PodStatus?
    /// Actions that are left to the test.
    var isManual: Set<String> = []

    init(_ pod: Pod) {
        machine = PodMachine(pod, node: PodMachine.NodeFacts(addresses: ["192.0.2.1"]))
    }

    mutating func send(_ event: PodEvent) {
        var events: [PodEvent] = [event]
        while !events.isEmpty {
            let actions: [PodAction] = machine.receive(events.removeFirst(), now: now)
            for action in actions { events += carryOut(action) }
        }
    }

    mutating func advance(_ seconds: Int) {
        now = now.adding(seconds: seconds)
        send(.timer)
    }

    private mutating func carryOut(_ action: PodAction) -> [PodEvent] {
        switch action {
        case .prepare: return done("prepare", [.prepared])
        case .createSandbox(_, let attempt):
            sandboxes += 1
            return done("sandbox \(attempt)", [.sandboxReady(id: "s\(attempt)", addresses: ["10.0.0.\(attempt + 1)"])])
        case .ensureImage(_, let name): return done("image \(name)", [.imageReady(container: name, reference: "sha")])
        case .launch(let pod, let name, let attempt, _, _, let backoff):
            launched.append(pod)
            backoffs.append(backoff)
            let instance: ContainerInstance = self.instance(name, attempt)
            return done("launch \(name) \(attempt)", [.started(container: name, instance: instance)])
        case .runPostStart(_, let name, _):
            return done("postStart \(name)", [.postStartDone(container: name, failure: nil)])
        case .kill(_, let name, let id, let grace, _):
            let attempt: Int = machine.containers.first { $0.name == name }?.instance?.attempt ?? 0
            let view = RuntimeView(containers: [name: [exited(name, attempt, 137, id: id)]])
            return done("kill \(name) \(grace)", [observedNow(view), .killed(container: name)])
        case .startProbes(_, let name, _): return done("probe \(name)", [])
        case .stopProbes(let name): return done("unprobe \(name)", [])
        case .stopSandbox(let id): return done("stop \(id)", [.sandboxStopped])
        case .cleanUp: return done("clean", [.cleaned])
        case .removeInstances: return []
        case .admitResize(let pod):
            let amounts: [(String, ResourceRequirements)] = pod.spec.containers.map { ($0.name, $0.resources) }
            let granted: ContainerAmounts = Dictionary(amounts, uniquingKeysWith: { first, _ in first })
            return done("admit", [.resizeGranted(granted)])
        case .resize(let pod, let ceiling, let containers):
            resizes.append((pod, ceiling))
            let names: [String] = containers.map(\.name)
            return done("resize \(names.joined(separator: ","))", [.resized(names, failure: nil)])
        case .report(let status):
            lastStatus = status
            return []
        case .event(_, let reason, _, let container):
            log.append("! \(reason)\(container.map { " " + $0 } ?? "")")
            return []
        case .wake(let time):
            wakes.append(time)
            return []
        case .finished: return done("finished", [])
        }
    }

    private mutating func done(_ what: String, _ events: [PodEvent]) -> [PodEvent] {
        log.append(what)
        return isManual.contains(String(what.prefix { $0 != " " })) ? [] : events
    }

    func instance(_ name: String, _ attempt: Int) -> ContainerInstance {
        ContainerInstance(
            id: "\(name)-\(attempt)", attempt: attempt, state: .running(since: now), imageID: "sha", image: "")
    }

    func exited(_ name: String, _ attempt: Int, _ code: Int, id: String? = nil) -> ContainerInstance {
        let exit = ContainerExit(code: code, reason: code == 0 ? "Completed" : "Error", finishedAt: now)
        return ContainerInstance(
            id: id ?? "\(name)-\(attempt)", attempt: attempt, state: .exited(exit), imageID: "sha", image: "")
    }

    /// Only what is named changed: an old view, so that nothing counts as lost.
    func observedNow(_ view: RuntimeView) -> PodEvent {
        var view: RuntimeView = view
        view.order = ObservationOrder(0)
        if view.sandboxes.isEmpty, case .ready(let sandbox) = machine.sandbox { view.sandboxes = [sandbox] }
        return .observed(view)
    }

    mutating func exit(_ name: String, _ code: Int) {
        let attempt: Int = machine.containers.first { $0.name == name }?.instance?.attempt ?? 0
        send(observedNow(RuntimeView(containers: [name: [exited(name, attempt, code)]])))
    }

    /// What happened since the last look.
    mutating func take() -> [String] {
        defer { log = [] }
        return log
    }

    func state(_ name: String) -> ContainerState? {
        let all: [ContainerStatus] =
            (lastStatus?.initContainerStatuses ?? []) + (lastStatus?.containerStatuses ?? [])
            + (lastStatus?.ephemeralContainerStatuses ?? [])
        return all.first { $0.name == name }?.state
    }

    func condition(_ type: String) -> String? { lastStatus?.conditions.first { $0.type == type }?.status }
}

func makePod(_ containers: String..., fill: (inout Pod) -> Void = { _ in }) -> Pod {
    Pod.with { pod in
        pod.metadata.name = "web-0"
        pod.metadata.namespace = "default"
        pod.metadata.uid = "u1"
        pod.spec.restartPolicy = "Always"
        pod.spec.nodeName = "a"
        pod.spec.dnsPolicy = "Default"
        pod.spec.containers = containers.map(makeContainer)
        fill(&pod)
    }
}

func makeContainer(_ name: String) -> Container {
    Container.with { container in
        container.name = name
        container.image = "localhost/bb:1"
        container.imagePullPolicy = "IfNotPresent"
    }
}

struct PodMachineTests {
    @Test func `a plain pod goes up step by step and is running and ready`() {
        var bench = Bench(makePod("web"))
        bench.send(.seen(bench.machine.pod))
        #expect(bench.take() == [])
        bench.send(.observed(RuntimeView()))
        #expect(bench.take() == ["prepare", "sandbox 0", "image web", "launch web 0"])
        #expect(bench.lastStatus?.phase == "Running")
        #expect(bench.lastStatus?.podIP == "10.0.0.1")
        for type in ["PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"] {
            #expect(bench.condition(type) == "True")
        }
    }

    @Test func `init containers run one by one, and a sidecar stays beside them`() {
        let pod = makePod("web") { pod in
            pod.spec.initContainers = ["first", "side", "second"].map(makeContainer)
            pod.spec.initContainers[1].restartPolicy = "Always"
        }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        #expect(bench.take() == ["prepare", "sandbox 0", "image first", "launch first 0"])
        #expect(bench.condition("Initialized") == "False")
        #expect(bench.state("web")?.waiting?.reason == "PodInitializing")
        bench.exit("first", 0)
        #expect(bench.take() == ["image side", "launch side 0", "image second", "launch second 0"])
        bench.exit("second", 0)
        #expect(bench.take() == ["image web", "launch web 0"])
        #expect(bench.condition("Initialized") == "True")
        bench.exit("side", 1)
        #expect(bench.take() == ["image side", "launch side 1"])
    }

    @Test func `a failed init container fails a pod that never restarts`() {
        let pod = makePod("web") { pod in
            pod.spec.initContainers = [makeContainer("first")]
            pod.spec.restartPolicy = "Never"
        }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        bench.exit("first", 1)
        #expect(bench.lastStatus?.phase == "Failed")
        #expect(bench.take().suffix(1) == ["stop s0"])
    }

    @Test func `a crashing container waits 0, 10, 20, 40 seconds, and at most 300`() {
        var bench = Bench(makePod("web"))
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.exit("web", 1)
        #expect(bench.take() == ["image web", "launch web 1"])
        for (attempt, wait) in [10, 20, 40, 80, 160, 300, 300].enumerated() {
            bench.exit("web", 1)
            #expect(bench.take() == ["! BackOff web"])
            #expect(bench.state("web")?.waiting?.reason == "CrashLoopBackOff")
            #expect(bench.wakes.last == bench.now.adding(seconds: wait))
            bench.advance(wait - 1)
            #expect(bench.take() == [])
            bench.advance(1)
            #expect(bench.take() == ["image web", "launch web \(attempt + 2)"])
        }
        #expect(bench.lastStatus?.containerStatuses[0].restartCount == 8)
        #expect(bench.lastStatus?.containerStatuses[0].lastState.terminated?.exitCode == 1)
    }

    @Test func `a failed pull is told, then waited for, then tried again`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["image"]
        bench.send(.observed(RuntimeView()))
        bench.send(.imageFailed(container: "web", reason: "ErrImagePull", message: "no"))
        #expect(bench.state("web")?.waiting?.reason == "ErrImagePull")
        _ = bench.take()
        bench.advance(1)
        #expect(bench.take() == ["! BackOff web", "! Failed web"])
        #expect(bench.state("web")?.waiting?.reason == "ImagePullBackOff")
        #expect(
            bench.state("web")?.waiting?.message
                == "Back-off pulling image \"localhost/bb:1\": ErrImagePull: no")
        bench.advance(8)
        #expect(bench.take() == [])
        bench.advance(1)
        #expect(bench.take() == ["image web"])
        bench.send(.imageFailed(container: "web", reason: "ErrImagePull", message: "no"))
        #expect(bench.wakes.contains(bench.now.adding(seconds: 20)))
    }

    @Test func `a container that fails its liveness probe is killed and started again, once`() {
        let pod = makePod("web") { $0.spec.containers[0].livenessProbe = Probe() }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.send(.probed(container: "web", kind: .liveness, outcome: .failure(message: "x")))
        #expect(
            bench.take() == [
                "! Killing web", "kill web 30", "unprobe web", "image web", "launch web 1", "probe web",
            ])
        #expect(bench.lastStatus?.containerStatuses[0].restartCount == 1)
    }

    @Test func `an exit that is seen before the kill is over does not start the container twice`() {
        var bench = Bench(makePod("web"))
        bench.send(.observed(RuntimeView()))
        bench.isManual = ["kill", "image"]
        bench.send(.probed(container: "web", kind: .liveness, outcome: .failure(message: "x")))
        bench.exit("web", 137)
        _ = bench.take()
        bench.send(.killed(container: "web"))
        #expect(bench.take() == [])
    }

    @Test func `readiness follows its probe, after the start-up probe`() {
        let pod = makePod("web") { pod in
            pod.spec.containers[0].startupProbe = Probe()
            pod.spec.containers[0].readinessProbe = Probe()
        }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        #expect(bench.lastStatus?.containerStatuses[0].started == false)
        bench.send(.probed(container: "web", kind: .startup, outcome: .success))
        #expect(bench.lastStatus?.containerStatuses[0].started == true)
        #expect(bench.condition("Ready") == "False")
        bench.send(.probed(container: "web", kind: .readiness, outcome: .success))
        #expect(bench.condition("Ready") == "True")
        bench.send(.probed(container: "web", kind: .readiness, outcome: .failure(message: "x")))
        #expect(bench.condition("Ready") == "False")
    }

    @Test func `a deleted pod goes down in order: containers, sidecars backwards, sandbox, the rest`() {
        let pod = makePod("web") { pod in
            pod.spec.initContainers = ["a", "b"].map(makeContainer)
            for index in 0..<2 { pod.spec.initContainers[index].restartPolicy = "Always" }
        }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.send(.seen(deleted(pod, grace: 7, at: bench.now)))
        #expect(
            bench.take() == [
                "! Killing web", "kill web 7", "! Killing b", "kill b 7", "! Killing a", "kill a 7", "stop s0", "clean",
                "finished",
            ])
        #expect(bench.machine.isFinished)
        #expect(bench.lastStatus?.phase == "Failed")
    }

    @Test func `a forced deletion overtakes a slow one`() {
        var bench = Bench(makePod("web"))
        bench.send(.observed(RuntimeView()))
        bench.isManual = ["kill"]
        _ = bench.take()
        bench.send(.seen(deleted(bench.machine.pod, grace: 30, at: bench.now)))
        #expect(bench.take() == ["! Killing web", "kill web 30"])
        bench.advance(3)
        #expect(bench.take() == [])
        bench.send(.seen(deleted(bench.machine.pod, grace: 0, at: bench.now)))
        #expect(bench.take() == ["! Killing web", "kill web 0"])
    }

    @Test func `a pod that is deleted while an image is pulled does not wait for it`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["image"]
        bench.send(.observed(RuntimeView()))
        bench.send(.seen(deleted(bench.machine.pod, grace: 30, at: bench.now)))
        #expect(bench.take().suffix(3) == ["stop s0", "clean", "finished"])
    }

    @Test func `a dead sandbox is replaced, and the containers with it`() {
        let pod = makePod("web") { $0.spec.initContainers = [makeContainer("first")] }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        bench.exit("first", 0)
        _ = bench.take()
        var view = RuntimeView(sandboxes: [.init(id: "s0", attempt: 0, isReady: false, addresses: [])])
        view.containers = ["web": [bench.exited("web", 0, 137)], "first": [bench.exited("first", 0, 0)]]
        bench.send(.observed(view))
        #expect(
            bench.take() == ["! SandboxChanged", "stop s0", "sandbox 1", "image first", "launch first 1"])
        bench.exit("first", 0)
        #expect(bench.take() == ["image web", "launch web 1"])
        #expect(bench.lastStatus?.podIP == "10.0.0.2")
    }

    @Test func `a restarted kubelet takes over what runs and starts nothing again`() {
        var pod = makePod("web") { $0.spec.containers[0].readinessProbe = Probe() }
        pod.status.startTime = Time(seconds: 5)
        pod.status.containerStatuses = [
            ContainerStatus.with { status in
                status.name = "web"
                status.ready = true
                status.started = true
            }
        ]
        var bench = Bench(pod)
        var view = RuntimeView(sandboxes: [.init(id: "s3", attempt: 3, isReady: true, addresses: ["10.0.0.9"])])
        view.containers = ["web": [bench.instance("web", 2), bench.exited("web", 1, 1)]]
        bench.send(.observed(view))
        #expect(bench.take() == ["probe web", "prepare"])
        #expect(bench.lastStatus?.podIP == "10.0.0.9")
        #expect(bench.lastStatus?.containerStatuses[0].restartCount == 2)
        #expect(bench.lastStatus?.containerStatuses[0].lastState.terminated?.exitCode == 1)
        #expect(bench.condition("Ready") == "True")
        #expect(bench.lastStatus?.startTime == Time(seconds: 5))
    }

    @Test func `a view that was overtaken loses no container and wakes none from the dead`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["launch"]
        bench.send(.observed(RuntimeView()))
        var instance: ContainerInstance = bench.instance("web", 0)
        instance.order = ObservationOrder(10)
        bench.send(.started(container: "web", instance: instance))
        var old = RuntimeView(sandboxes: [.init(id: "s0", attempt: 0, isReady: true, addresses: [])])
        old.order = ObservationOrder(9)
        bench.send(.observed(old))
        #expect(bench.state("web")?.running != nil)
        old.order = ObservationOrder(11)
        bench.send(.observed(old))
        #expect(bench.lastStatus?.containerStatuses[0].lastState.terminated == nil)
        #expect(bench.state("web")?.terminated?.reason == "ContainerStatusUnknown")
        var revived: RuntimeView = old
        revived.containers = ["web": [instance]]
        bench.send(.observed(revived))
        #expect(bench.state("web")?.running == nil)
    }

    @Test func `a pod past its deadline is killed and has failed`() {
        var bench = Bench(makePod("web") { $0.spec.activeDeadlineSeconds = 60 })
        bench.send(.observed(RuntimeView()))
        #expect(bench.wakes.contains(bench.now.adding(seconds: 60)))
        _ = bench.take()
        bench.advance(60)
        #expect(bench.take() == ["! DeadlineExceeded", "! Killing web", "kill web 30", "stop s0"])
        #expect(bench.lastStatus?.phase == "Failed")
        #expect(bench.lastStatus?.reason == "DeadlineExceeded")
    }

    @Test func `a deadline is given as the reason when the containers have ended, not before`() {
        var bench = Bench(makePod("web") { $0.spec.activeDeadlineSeconds = 60 })
        bench.send(.observed(RuntimeView()))
        bench.isManual = ["kill"]
        bench.advance(60)
        #expect(bench.lastStatus?.phase == "Running")
        #expect(bench.lastStatus?.reason == "" && bench.lastStatus?.message == "")
        bench.exit("web", 137)
        #expect(bench.lastStatus?.phase == "Failed")
        #expect(bench.lastStatus?.reason == "DeadlineExceeded")
    }

    @Test func `the first images are fetched beside the sandbox`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["sandbox", "image"]
        bench.send(.observed(RuntimeView()))
        #expect(bench.take() == ["prepare", "sandbox 0", "image web"])
        bench.send(.imageReady(container: "web", reference: "sha"))
        #expect(bench.take() == [])
        bench.isManual = []
        bench.send(.sandboxReady(id: "s0", addresses: []))
        #expect(bench.take() == ["launch web 0"])
    }

    @Test func `beside the sandbox only the image of the first init container is fetched`() {
        let pod = makePod("web") { $0.spec.initContainers = ["a", "b"].map(makeContainer) }
        var bench = Bench(pod)
        bench.isManual = ["sandbox"]
        bench.send(.observed(RuntimeView()))
        #expect(bench.take() == ["prepare", "sandbox 0", "image a"])
        bench.send(.sandboxReady(id: "s0", addresses: []))
        #expect(bench.take() == ["launch a 0"])
    }

    @Test func `an image that cannot be fetched beside the sandbox is waited for as ever`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["sandbox", "image"]
        bench.send(.observed(RuntimeView()))
        bench.send(.imageFailed(container: "web", reason: "ErrImagePull", message: "no"))
        #expect(bench.state("web")?.waiting?.reason == "ErrImagePull")
        bench.send(.sandboxReady(id: "s0", addresses: []))
        _ = bench.take()
        bench.advance(10)
        #expect(bench.take().contains("image web"))
    }

    @Test(arguments: [("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded")])
    func `a pod that has done its work is over`(policy: String, code: Int, phase: String) {
        var bench = Bench(makePod("web") { $0.spec.restartPolicy = policy })
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.exit("web", code)
        #expect(bench.take() == ["stop s0"])
        #expect(bench.lastStatus?.phase == phase)
        bench.send(.seen(deleted(bench.machine.pod, grace: 0, at: bench.now)))
        #expect(bench.take() == ["clean", "finished"])
    }

    @Test func `an ephemeral container joins a running pod and is never started again`() {
        var bench = Bench(makePod("web"))
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        var pod: Pod = bench.machine.pod
        pod.spec.ephemeralContainers = [
            EphemeralContainer.with {
                $0.name = "debug"
                $0.image = "localhost/bb:1"
            }
        ]
        bench.send(.seen(pod))
        #expect(bench.take() == ["image debug", "launch debug 0"])
        bench.exit("debug", 1)
        #expect(bench.take() == [])
        #expect(bench.state("debug")?.terminated?.exitCode == 1)
        #expect(bench.lastStatus?.phase == "Running")
    }

    @Test func `a container that failed to start has used its attempt`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["launch"]
        bench.send(.observed(RuntimeView()))
        _ = bench.take()
        bench.send(.launchFailed(container: "web", reason: "RunContainerError", message: "no such file"))
        bench.send(bench.observedNow(RuntimeView(containers: ["web": [bench.exited("web", 0, 128)]])))
        #expect(bench.state("web")?.waiting?.reason == "RunContainerError")
        #expect(bench.lastStatus?.containerStatuses[0].lastState.terminated?.exitCode == 128)
        bench.advance(10)
        #expect(bench.take() == ["image web", "launch web 1"])
    }

    private func deleted(_ pod: Pod, grace: Int, at now: Time) -> Pod {
        var pod: Pod = pod
        pod.metadata.deletionTimestamp = now
        pod.metadata.deletionGracePeriodSeconds = grace
        return pod
    }
}
