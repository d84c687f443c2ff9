import API
import APIMachinery
import Kubelet
import Testing

/// What a kubelet makes of pods that an earlier life of it has left.
struct RecallTests {
    private static func reported(_ name: String, restarts: Int = 0, fill: (inout ContainerState) -> Void) -> Pod {
        makePod(name) { pod in
            pod.status.phase = "Running"
            pod.status.podIPs = [PodIP.with { $0.ip = "10.0.0.9" }]
            pod.status.containerStatuses = [
                ContainerStatus.with { status in
                    status.name = name
                    status.containerID = "containerd://\(name)-\(restarts)"
                    status.imageID = "sha"
                    status.image = "localhost/bb:1"
                    status.restartCount = restarts
                    fill(&status.state)
                }
            ]
        }
    }

    private static func ended(_ code: Int, at time: Time) -> ContainerStateTerminated {
        ContainerStateTerminated.with { end in
            end.exitCode = code
            end.reason = code == 0 ? "Completed" : "Error"
            end.finishedAt = time
            end.containerID = "containerd://web-3"
        }
    }

    @Test(arguments: [(0, "Succeeded"), (7, "Failed")])
    func `a deleted pod of which nothing is left keeps how its containers ended, and its address`(
        code: Int, phase: String
    ) {
        let end: ContainerStateTerminated = Self.ended(code, at: Time(seconds: 999_990))
        var pod: Pod = Self.reported("web", restarts: 3) { $0.terminated = end }
        pod.metadata.deletionTimestamp = Time(seconds: 999_980)
        pod.metadata.deletionGracePeriodSeconds = 0
        var bench = Bench(pod)
        bench.send(.seen(pod))
        bench.send(.observed(RuntimeView()))
        #expect(bench.take() == ["clean", "finished"])
        #expect(bench.state("web")?.terminated == end)
        #expect(bench.lastStatus?.containerStatuses[0].containerID == "containerd://web-3")
        #expect(bench.lastStatus?.containerStatuses[0].restartCount == 3)
        #expect(bench.lastStatus?.phase == phase)
        #expect(bench.lastStatus?.podIP == "10.0.0.9")
    }

    @Test func `a container that ran and is lost when its pod is deleted is told as such`() {
        var pod: Pod = Self.reported("web") { state in
            state.running = ContainerStateRunning.with { $0.startedAt = Time(seconds: 5) }
        }
        pod.metadata.deletionTimestamp = Time(seconds: 999_980)
        pod.metadata.deletionGracePeriodSeconds = 30
        var bench = Bench(pod)
        bench.send(.seen(pod))
        bench.send(.observed(RuntimeView()))
        let end: ContainerStateTerminated? = bench.state("web")?.terminated
        #expect(end?.exitCode == 137)
        #expect(end?.reason == "ContainerStatusUnknown")
        #expect(
            end?.message
                == "The container could not be located when the pod was deleted.  The container used to be Running")
    }

    @Test func `a finished pod is not run again when the runtime has forgotten it`() {
        var pod: Pod = Self.reported("web") { $0.terminated = Self.ended(0, at: Time(seconds: 999_990)) }
        pod.spec.restartPolicy = "Never"
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        #expect(bench.take() == ["prepare"])
        #expect(bench.lastStatus?.phase == "Succeeded")
        #expect(bench.state("web")?.terminated?.exitCode == 0)
    }

    @Test func `a container that is lost runs again as the next attempt`() {
        let pod: Pod = Self.reported("web", restarts: 3) { state in
            state.running = ContainerStateRunning.with { $0.startedAt = Time(seconds: 5) }
        }
        var bench = Bench(pod)
        bench.send(.observed(RuntimeView()))
        #expect(bench.take().suffix(2) == ["image web", "launch web 4"])
        #expect(bench.lastStatus?.containerStatuses[0].lastState.terminated?.exitCode == 137)
    }

    @Test func `back-off goes on where a killed kubelet left it`() {
        var bench = Bench(makePod("web"))
        bench.send(.observed(RuntimeView()))
        for wait in [0, 10, 20, 40] {
            bench.exit("web", 1)
            if wait > 0 { bench.advance(wait) }
        }
        #expect(bench.backoffs == [0, 10, 20, 40, 80])
        bench.exit("web", 1)

        var newest: ContainerInstance = bench.exited("web", 4, 1)
        newest.backoffSeconds = bench.backoffs.last
        for _ in 0..<3 {
            // Killed again and again: it never runs before its time.
            var next = Bench(makePod("web"))
            next.now = bench.now.adding(seconds: 30)
            let sandbox = RuntimeView.Sandbox(id: "s0", attempt: 0, isReady: true, addresses: ["10.0.0.1"])
            next.send(.observed(RuntimeView(sandboxes: [sandbox], containers: ["web": [newest]])))
            #expect(next.take() == ["prepare", "! BackOff web"])
            #expect(next.state("web")?.waiting?.reason == "CrashLoopBackOff")
            #expect(next.wakes.last == bench.now.adding(seconds: 80))
            next.advance(49)
            #expect(next.take() == [])
            next.advance(1)
            #expect(next.take() == ["image web", "launch web 5"])
            #expect(next.backoffs == [160])
        }
    }

    @Test(arguments: [(0, 0), (1, 10), (2, 20), (5, 160), (6, 300), (100, 300)])
    func `without a note the number of restarts tells the wait`(restarts: Int, seconds: Int) {
        let now = Time(seconds: 1000)
        let backoff = Backoff(noted: nil, restarts: restarts, since: Time(seconds: 990))
        #expect(backoff.waits(after: now, now: now) == (seconds == 0 ? nil : now.adding(seconds: seconds)))
    }

    @Test func `a container that ran well for more than ten minutes starts at once`() {
        let backoff = Backoff(noted: 300, restarts: 9, since: Time(seconds: 1000))
        #expect(backoff.waits(after: Time(seconds: 1601), now: Time(seconds: 1601)) == nil)
        #expect(backoff.waits(after: Time(seconds: 1600), now: Time(seconds: 1600)) == Time(seconds: 1900))
    }

    @Test func `an exit without a time is waited for from when it was seen`() {
        var bench = Bench(makePod("web"))
        var newest: ContainerInstance = bench.exited("web", 2, 255)
        newest.state = .exited(ContainerExit(code: 255, reason: "Unknown"))
        newest.backoffSeconds = 20
        let sandbox = RuntimeView.Sandbox(id: "s0", attempt: 0, isReady: true, addresses: ["10.0.0.1"])
        bench.send(.observed(RuntimeView(sandboxes: [sandbox], containers: ["web": [newest]])))
        #expect(bench.take() == ["prepare", "! BackOff web"])
        bench.advance(20)
        #expect(bench.take() == ["image web", "launch web 3"])
    }

    @Test func `a container that the runtime lost sight of is killed before it is started again`() {
        var bench = Bench(makePod("web"))
        bench.isManual = ["kill"]
        var newest: ContainerInstance = bench.instance("web", 2)
        newest.state = .unknown
        newest.backoffSeconds = 20
        let sandbox = RuntimeView.Sandbox(id: "s0", attempt: 0, isReady: true, addresses: ["10.0.0.1"])
        bench.send(.observed(RuntimeView(sandboxes: [sandbox], containers: ["web": [newest]])))
        #expect(bench.take() == ["prepare", "! Killing web", "kill web 30"])
        // Killing it tells nothing about it: it is waited for all the same, and killed only once.
        bench.send(.killed(container: "web"))
        #expect(bench.take() == ["! BackOff web"])
        bench.advance(20)
        #expect(bench.take() == ["image web", "launch web 3"])
    }

    @Test func `the wait is noted on the container, and read back`() async throws {
        let shop = try Workshop()
        guard case .started(_, let instance)? = await shop.launch(makePod("web")).first else {
            Issue.record("not started")
            return
        }
        #expect(instance.backoffSeconds == 20)
    }
}
