import API
import APICore
import APIDiscovery
import APIMachinery
import APINetworking
import Client
import Flow
import Netfilter
import NetworkPolicies
import ServiceProxy
import Synchronization
import Testing

/// What an owner asked the kernel to do; failures on demand.
private final class ScriptedRules: PacketRules {
    private struct State {
        var applied: [TableTransaction] = []
        var failures: Int = 0
        var removals: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())
    private let signal = Signal()

    var removals: Int { state.withLock { $0.removals } }

    func failNext() { state.withLock { $0.failures += 1 } }

    func apply(_ transaction: TableTransaction) async throws(PacketRulesError) {
        let fails: Bool = state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                return true
            }
            state.applied.append(transaction)
            return false
        }
        signal.raise()
        if fails { throw PacketRulesError("no") }
    }

    func isPresent(_ table: Table) async -> Bool { true }

    func removeConnections(
        where isStale: @escaping @Sendable (TrackedConnection) -> Bool
    ) async throws(PacketRulesError) -> Int {
        state.withLock { $0.removals += 1 }
        signal.raise()
        return 0
    }

    /// Waits until what was applied, or removed, is as wanted.
    func wait(until isDone: ([TableTransaction], Int) -> Bool) async -> [TableTransaction] {
        while true {
            let (applied, removals): ([TableTransaction], Int) = state.withLock { ($0.applied, $0.removals) }
            if isDone(applied, removals) || Task.isCancelled { return applied }
            await signal.wait()
        }
    }
}

/// An API server that has a few objects from the start, and tells of others as the test says.
private final class ScriptedServer: Transport {
    private let objects: Mutex<[GroupVersionResource: [Snapshot]]> = Mutex([:])
    private let streams: Mutex<[GroupVersionResource: Feed]> = Mutex([:])

    init(_ initial: [any APIObject]) {
        for object in initial {
            objects.withLock { $0[type(of: object).resource, default: []].append(Self.snapshot(object, 1)) }
        }
    }

    private static func snapshot(_ object: any APIObject, _ revision: Int64) -> Snapshot {
        let bytes: [UInt8] = object.jsonBytes
        return Snapshot(
            namespace: object.metadata.namespace, name: object.metadata.name, revision: revision, bytes: bytes,
            slot: bytes.count)
    }

    private func feed(_ resource: GroupVersionResource) -> Feed {
        streams.withLock { streams in
            if let known = streams[resource] { return known }
            let new = Feed()
            streams[resource] = new
            return new
        }
    }

    func tell(_ kind: WatchEvent.Kind, _ object: any APIObject, _ revision: Int64) {
        feed(type(of: object).resource).push(WatchEvent(kind, Self.snapshot(object, revision)))
    }

    /// The objects that were made.
    private let made: Mutex<[APIRequest]> = Mutex([])
    private let wasMade = Signal()

    func waitForCreate() async -> APIRequest? {
        while !Task.isCancelled {
            if let first = made.withLock({ $0.first }) { return first }
            await wasMade.wait()
        }
        return nil
    }

    func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        if request.verb == .create {
            made.withLock { $0.append(request) }
            wasMade.raise()
        }
        let items: [Snapshot] = objects.withLock { $0[request.resource] ?? [] }
        return APIResponse(code: 200, body: .list(items: items, revision: 1, continueToken: "", remaining: nil))
    }

    func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream { feed(request.resource) }
}

private final class Feed: WatchStream {
    private let events: Mutex<[WatchEvent]> = Mutex([])
    private let signal = Signal()

    func push(_ event: WatchEvent) {
        events.withLock { $0.append(event) }
        signal.raise()
    }

    func next() async throws(StatusError) -> [WatchEvent]? {
        while !Task.isCancelled {
            let ready: [WatchEvent] = events.withLock { events in
                defer { events = [] }
                return events
            }
            if !ready.isEmpty { return ready }
            await signal.wait()
        }
        return nil
    }

    func cancel() { signal.raise() }
}

@Suite struct OwnerTests {
    private let rules = ScriptedRules()

    private var service: Service {
        Service.with { service in
            service.metadata.name = "web"
            service.metadata.namespace = "shop"
            service.spec.clusterIP = "10.96.0.7"
            service.spec.ports = [
                ServicePort.with {
                    $0.name = "http"
                    $0.port = 80
                    $0.protocol = "UDP"
                }
            ]
        }
    }

    private func slice(_ pods: [String: String], since: Time? = nil) -> EndpointSlice {
        EndpointSlice.with { slice in
            slice.metadata.annotations["endpoints.kubernetes.io/last-change-trigger-time"] = since?.description
            slice.metadata.name = "web-1"
            slice.metadata.namespace = "shop"
            slice.metadata.labels = ["kubernetes.io/service-name": "web"]
            slice.addressType = "IPv4"
            slice.ports = [
                APIDiscovery.EndpointPort.with {
                    $0.name = "http"
                    $0.protocol = "UDP"
                    $0.port = 8080
                }
            ]
            slice.endpoints = pods.sorted { $0.key < $1.key }.map { pod, address in
                Endpoint.with { endpoint in
                    endpoint.addresses = [address]
                    endpoint.targetRef = ObjectReference.with {
                        $0.kind = "Pod"
                        $0.namespace = "shop"
                        $0.name = pod
                    }
                }
            }
        }
    }

    /// Runs a body beside a proxy and its informers.
    private func withProxy(
        _ server: ScriptedServer, _ recorder: FlowRecorder, events: EventRecorder? = nil,
        _ body: (ServiceProxyService) async throws -> Void
    ) async throws {
        var node = NodeFacts(name: "a")
        node.families = [.ip4]
        node.addresses = [address("192.0.2.1")]
        node.ownPorts = [NodeFacts.OwnPort(.udp, 80), NodeFacts.OwnPort(.udp, 30053)]
        let informers = InformerSet(over: server)
        var configuration = ServiceProxyService.Configuration()
        configuration.recorder = recorder
        configuration.events = events
        let proxy = ServiceProxyService(
            node: node, informers: informers, rules: rules, configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await informers.run() }
            group.addTask { await proxy.run() }
            if let events { group.addTask { await events.run() } }
            try await body(proxy)
            group.cancelAll()
        }
    }

    @Test func `the first list is one transaction, later changes are small, and each pod's rule is a step`()
        async throws
    {
        let server = ScriptedServer([service, slice(["one": "10.244.0.2"])])
        let recorder = FlowRecorder()
        try await withProxy(server, recorder) { proxy in
            let first: [TableTransaction] = await rules.wait { applied, _ in !applied.isEmpty }
            #expect(first[0].lines.contains { $0.contains("0af40002") })
            #expect(recorder.steps().isEmpty, "a start does not push others' steps out")
            server.tell(.modified, slice(["one": "10.244.0.2", "two": "10.244.0.3"]), 7)
            let second: [TableTransaction] = await rules.wait { applied, _ in applied.count == 2 }
            #expect(second[1].elementCount == 3)
            server.tell(.modified, slice(["two": "10.244.0.3"]), 8)
            // Connections to the one that went are removed after its rules are.
            _ = await rules.wait { applied, removals in applied.count == 3 && removals == 2 }
            let steps: [Step] = recorder.steps()
            #expect(steps.map(\.object.name) == ["two", "one"])
            #expect(steps[0].what == "rule in force: reachable as service web" && steps[0].causes == [.revision(7)])
            #expect(
                steps[1].what == "rule removed: no more reachable as service web" && steps[1].causes == [.revision(8)])
            #expect(steps.allSatisfy { $0.component == "service-proxy" })
            #expect(proxy.metrics.text.contains("kubeproxy_sync_proxy_rules_endpoint_changes_total 3"))
            #expect(proxy.metrics.text.contains("kubeproxy_sync_partial_proxy_rules_duration_seconds_count 2"))
        }
    }

    @Test func `the time from a pod's change to its rules is measured, unless it was before us`() async throws {
        let long: Time = Time(seconds: 1_000_000)
        let server = ScriptedServer([service, slice(["one": "10.244.0.2"], since: long)])
        try await withProxy(server, FlowRecorder()) { proxy in
            _ = await rules.wait { applied, _ in !applied.isEmpty }
            server.tell(.modified, slice(["one": "10.244.0.2", "two": "10.244.0.3"], since: long), 7)
            _ = await rules.wait { applied, _ in applied.count == 2 }
            // A change of a moment that is yet to come is younger than the proxy, however slow the test.
            let soon = Time(seconds: FlowRecorder.systemTime() / 1_000_000 + 3600)
            server.tell(.modified, slice(["two": "10.244.0.3"], since: soon), 8)
            _ = await rules.wait { applied, removals in applied.count == 3 && removals == 2 }
            let name: String = "kubeproxy_network_programming_duration_seconds"
            #expect(proxy.metrics.text.contains(name + "_count 1\n"))
            #expect(proxy.metrics.text.contains(name + "_bucket{le=\"0.25\"} 1\n"))
            #expect(proxy.metrics.text.contains(name + "_bucket{le=\"300\"} 1\n"))
        }
    }

    @Test func `a service that asks for the node's own ports does not get them, and an event says so`() async throws {
        var greedy: Service = service
        greedy.spec.type = "NodePort"
        greedy.spec.externalIPs = ["192.0.2.1", "198.51.100.8"]
        greedy.spec.ports[0].nodePort = 30053
        let server = ScriptedServer([greedy, slice(["one": "10.244.0.2"])])
        let events = EventRecorder(EventSourceName("kube-proxy", host: "a"), client: APIClient(server))
        try await withProxy(server, FlowRecorder(), events: events) { _ in
            let first: [TableTransaction] = await rules.wait { applied, _ in !applied.isEmpty }
            #expect(first[0].lines.contains { $0.hasPrefix("+ services c6336408") })
            #expect(!first[0].lines.contains { $0.contains("c0000201") || $0.contains("node-ports") })
            let event: APIRequest? = await server.waitForCreate()
            let text: String = String(decoding: event?.body ?? [], as: UTF8.self)
            #expect(text.contains("\"reason\":\"PortInUse\""))
            #expect(text.contains("does not serve 192.0.2.1:80/UDP, :30053/UDP: "))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `services with policy Local and no endpoint here are counted, and who asks for our health`() async throws {
        var local: Service = service
        local.spec.internalTrafficPolicy = "Local"
        let server = ScriptedServer([local, slice(["one": "10.244.0.2"])])
        try await withProxy(server, FlowRecorder()) { proxy in
            /// Counted right after the rules are in force.
            func counted(_ policy: String, _ count: Int) async -> Bool {
                let name: String = "kubeproxy_sync_proxy_rules_no_local_endpoints_total"
                while !proxy.metrics.text.contains("\(name){traffic_policy=\"\(policy)\"} \(count)\n") {
                    if Task.isCancelled { return false }
                    await Task.yield()
                }
                return true
            }
            #expect(await counted("internal", 1))
            #expect(await counted("external", 0))
            // Nobody at all is another thing.
            server.tell(.deleted, slice(["one": "10.244.0.2"]), 7)
            #expect(await counted("internal", 0))
            proxy.metrics.answered("/healthz", code: 503)
            proxy.metrics.answered("/healthz", code: 200)
            proxy.metrics.answered("/healthz", code: 200)
            #expect(proxy.metrics.text.contains("kubeproxy_proxy_healthz_total{code=\"200\"} 2\n"))
            #expect(proxy.metrics.text.contains("kubeproxy_proxy_healthz_total{code=\"503\"} 1\n"))
        }
    }

    @Test func `what the kernel refused is written again, whole`() async throws {
        rules.failNext()
        let server = ScriptedServer([service, slice(["one": "10.244.0.2"])])
        try await withProxy(server, FlowRecorder()) { proxy in
            let applied: [TableTransaction] = await rules.wait { applied, _ in !applied.isEmpty }
            #expect(applied[0].steps.first?.operation == .addTable)
            #expect(proxy.metrics.text.contains("nftables_sync_failures_total 1"))
        }
    }

    @Test func `a policy makes the table, and its end removes it`() async throws {
        let pod = Pod.with { pod in
            pod.metadata.name = "one"
            pod.metadata.namespace = "shop"
            pod.spec.nodeName = "a"
            pod.status.podIP = "10.244.0.2"
        }
        let server = ScriptedServer([pod])
        let informers = InformerSet(over: server)
        var configuration = NetworkPolicyService.Configuration()
        configuration.families = [.ip4]
        configuration.shortestPause = .milliseconds(1)
        let policies = NetworkPolicyService(
            node: "a", informers: informers, rules: rules, configuration: configuration)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await informers.run() }
            group.addTask { await policies.run() }
            let first: [TableTransaction] = await rules.wait { applied, _ in !applied.isEmpty }
            #expect(first[0].steps.last?.operation == .deleteTable, "what an earlier run left")
            let policy = NetworkPolicy.with { policy in
                policy.metadata.name = "deny"
                policy.metadata.namespace = "shop"
            }
            server.tell(.added, policy, 5)
            let second: [TableTransaction] = await rules.wait { applied, _ in applied.count == 2 }
            #expect(second[1].lines.contains { $0.hasPrefix("+ ingress 0af40002: jump(") })
            server.tell(.deleted, policy, 6)
            let third: [TableTransaction] = await rules.wait { applied, _ in applied.count == 3 }
            #expect(third[2].steps.map(\.operation) == [.deleteTable])
            group.cancelAll()
        }
    }

    @Test func `where bridged packets pass the firewall by, each policy's events say so`() async {
        let policy = NetworkPolicy.with { policy in
            policy.metadata.name = "deny"
            policy.metadata.namespace = "shop"
        }
        let server = ScriptedServer([policy])
        let informers = InformerSet(over: server)
        let events = EventRecorder(EventSourceName("network-policy", host: "a"), client: APIClient(server))
        var configuration = NetworkPolicyService.Configuration()
        configuration.bridgeFilters = false
        configuration.events = events
        let policies = NetworkPolicyService(
            node: "a", informers: informers, rules: rules, configuration: configuration)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await informers.run() }
            group.addTask { await policies.run() }
            group.addTask { await events.run() }
            let event: APIRequest? = await server.waitForCreate()
            let text: String = String(decoding: event?.body ?? [], as: UTF8.self)
            #expect(text.contains("\"reason\":\"PartlyEnforced\"") && text.contains("\"name\":\"deny\""))
            group.cancelAll()
        }
    }
}
