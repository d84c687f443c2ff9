import Codec
import Flow
import Testing

@Suite struct FlowTests {
    /// A recorder whose clock moves one millisecond with every step.
    private func recorder(capacity: Int = 100) -> FlowRecorder {
        let clock = Ticks()
        return FlowRecorder(capacity: capacity, now: { clock.next() })
    }

    private func write(
        _ recorder: FlowRecorder, _ what: String, _ object: ObjectPath, revision: Int64, by user: String,
        causes: [Cause]
    ) {
        recorder.record(
            component: "apiserver", what: what, object: object, revision: revision, request: "r\(revision)",
            causes: causes, details: [Step.Detail("user", user)])
    }

    private let deployment = ObjectPath("deployments", namespace: "default", name: "web")
    private let pod = ObjectPath("pods", namespace: "default", name: "web-1")

    /// A user creates a Deployment, a controller a pod, the scheduler binds it; something else happens beside it.
    private func story() -> FlowRecorder {
        let recorder: FlowRecorder = recorder()
        write(recorder, "created", deployment, revision: 7, by: "admin", causes: [])
        write(recorder, "created", ObjectPath("configmaps", name: "other"), revision: 8, by: "admin", causes: [])
        write(
            recorder, "created", pod, revision: 9, by: "system:serviceaccount:kube-system:replicaset-controller",
            causes: [.revision(7)])
        recorder.record(component: "scheduler", what: "chose node a", object: pod, causes: [.revision(9)])
        write(recorder, "bound", pod, revision: 10, by: "system:kube-scheduler", causes: [.revision(9)])
        recorder.record(component: "kubelet", what: "saw the pod", object: pod, causes: [.revision(10)])
        return recorder
    }

    @Test func `the ring keeps the newest steps in order`() {
        let recorder: FlowRecorder = recorder(capacity: 3)
        for number in 1...5 { recorder.record(component: "c", what: "step \(number)", object: pod) }
        #expect(recorder.steps().map(\.what) == ["step 3", "step 4", "step 5"])
        #expect(recorder.steps().map(\.id) == [3, 4, 5])
    }

    @Test func `only so many causes are kept, the newest`() {
        let recorder: FlowRecorder = recorder()
        recorder.record(component: "c", what: "w", object: pod, causes: (1...20).map { .revision($0) })
        #expect(recorder.steps().first?.causes == (13...20).map { .revision($0) })
    }

    @Test func `a pod's story goes back to the user's request and leaves out the rest`() {
        let graph = FlowGraph(of: pod, in: story().steps())
        #expect(graph.steps.map(\.what) == ["created", "created", "chose node a", "bound", "saw the pod"])
        #expect(graph.parents == [[], [0], [1], [1], [3]])
    }

    @Test func `a deployment's story follows what came of it`() {
        let graph = FlowGraph(from: deployment, in: story().steps()) { $0.resource == "pods" }
        #expect(graph.steps.map(\.object.resource) == ["deployments", "pods", "pods", "pods", "pods"])
    }

    @Test func `the picture names who did what, in which of the nine steps, and because of what`() {
        let picture = FlowPicture(FlowGraph(of: pod, in: story().steps()))
        #expect(picture.rows.map(\.stage.rawValue) == [1, 2, 3, 4, 4, 5])
        #expect(
            picture.rows.map(\.who)
                == ["admin", "apiserver", "replicaset-controller", "scheduler", "scheduler", "kubelet"])
        #expect(picture.rows[0].did == "asked: create deployments/default/web")
        #expect(picture.rows[2].because == [2])
        #expect(picture.rows[2].wait == 2000)
        #expect(picture.text().contains("kubelet"))
        #expect(picture.mermaid.hasPrefix("flowchart TD\n"))
        #expect(picture.mermaid.contains("s2 -->"))
    }

    @Test func `an unknown object has an empty picture that says so`() {
        let picture = FlowPicture(FlowGraph(of: ObjectPath("pods", name: "none"), in: story().steps()))
        #expect(picture.rows.isEmpty)
        #expect(picture.text() == "nothing is remembered of it\n")
    }

    @Test(arguments: [
        Cause.request(id: "a,b=c %"), .revision(12), .timer("back-off"), .probe("Readiness"), .exit(container: "ü"),
    ])
    func `causes survive the header`(cause: Cause) {
        #expect(Cause.parse(header: Cause.header([cause, .revision(1)])) == [cause, .revision(1)])
    }

    @Test func `what no version writes is left out of a header`() {
        #expect(Cause.parse(header: "revision=x,,nonsense,other=1,revision=5") == [.revision(5)])
    }

    @Test func `steps survive JSON`() throws {
        let steps: [Step] = story().steps()
        var writer = JSONWriter()
        steps.write(json: &writer)
        #expect(try JSONReader.decode([Step].self, from: writer.finish()) == steps)
    }

    @Test(arguments: [(0, "0.0 ms"), (1_234, "1.2 ms"), (999_999, "999.9 ms"), (1_050_000, "1.05 s")])
    func `durations read well`(microseconds: Int64, text: String) {
        #expect(FlowPicture.duration(microseconds) == text)
    }
}
