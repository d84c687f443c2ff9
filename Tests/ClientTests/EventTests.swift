import API
import APICore
import APIMachinery
import Client
import Testing

@Suite struct EventTests {
    private let start = MicroTime(Time(seconds: 1_700_000_000))

    private func note(_ message: String, name: String = "web") -> EventNote {
        let object = ObjectReference.with {
            $0.kind = "Pod"
            $0.namespace = "default"
            $0.name = name
        }
        return EventNote(object, .warning, reason: "BackOff", message)
    }

    @Test func `equal notes count up one event`() {
        var correlator = EventCorrelator(source: EventSourceName("kubelet", host: "n"))
        guard case .create(let first) = correlator.receive(note("m"), now: start) else {
            Issue.record("the first note makes an event")
            return
        }
        #expect(first.metadata.name.hasPrefix("web.17"))
        #expect(first.count == 1)
        #expect(first.source.component == "kubelet")
        guard case .count(let second) = correlator.receive(note("m"), now: start.adding(microseconds: 5_000_000))
        else {
            Issue.record("the second note counts")
            return
        }
        #expect(second.metadata.name == first.metadata.name)
        #expect(second.count == 2)
        #expect(second.firstTimestamp == start.time)
        #expect(second.lastTimestamp == start.time.adding(seconds: 5))
    }

    @Test func `many similar notes become one, and one object does not flood the server`() {
        var correlator = EventCorrelator(source: EventSourceName("kubelet"))
        var actions: [EventCorrelator.Action] = []
        for index in 0..<40 { actions.append(correlator.receive(note("m\(index)"), now: start)) }
        let created: Int = actions.count { if case .create = $0 { true } else { false } }
        #expect(created == 10)
        #expect(actions.count { $0 == .drop } == 15)
        if case .create(let combined) = actions[9] {
            #expect(combined.message == "(combined from similar events): m9")
        } else {
            Issue.record("the tenth note begins the combined event")
        }
        let later: MicroTime = start.adding(microseconds: 300_000_000)
        #expect({ correlator.receive(note("m"), now: later) != .drop }())
        #expect({ correlator.receive(note("m"), now: later) == .drop }())
        #expect({ correlator.receive(note("m", name: "other"), now: later) != .drop }())
    }

    @Test func `the recorder sends, counts, makes anew what is gone, and drops what does not fit`() async {
        let server = FakeServer()
        let recorder = EventRecorder(
            EventSourceName("test"), client: APIClient(server), wallClock: ManualWallClock(), capacity: 3)
        for _ in 0..<5 { recorder.record(note("m")) }
        #expect(recorder.dropped == 2)
        await with {
            await recorder.run()
        } _: {
            #expect(await eventually { server.objects(APICore.Event.self).first?.count == 3 })
            server.remove(server.objects(APICore.Event.self)[0])
            recorder.record(note("m"))
            #expect(await eventually { server.objects(APICore.Event.self).first?.count == 4 })
        }
    }

    @Test func `every kind that is served has a resource`() {
        let embedded: Set<String> = ["Binding", "Eviction", "Scale", "TokenRequest", "PodStatusResult"]
        for type in APITypes.all where !embedded.contains(type.gvk.kind) {
            #expect(ResourceTable.find(type.gvk) != nil, "\(type.gvk)")
        }
        #expect(Pod.resource.description == "/v1, Resource=pods")
        #expect(Pod.isNamespaced && !Node.isNamespaced)
    }
}
