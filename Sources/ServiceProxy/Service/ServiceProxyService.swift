import API
import APICore
import APIDiscovery
import APIMachinery
import APINetworking
package import Client
package import Flow
package import Netfilter
import Synchronization

/// Leads packets for services to their endpoints: upstream's kube-proxy. Watches services and endpoint slices, and keeps
/// the kernel's rules equal to them, each time with one transaction.
package final class ServiceProxyService: Sendable {
    package struct Configuration: Sendable {
        package var log: Log = .silent
        package var recorder: FlowRecorder?
        /// Tells people of services that ask for what the node keeps.
        package var events: EventRecorder?
        package var clock: any MonotonicClock = SystemMonotonicClock()
        /// Changes that come sooner after a transaction than this are put together into one.
        package var shortestPause: Duration = .milliseconds(10)
        /// How often it is looked whether the tables are still there.
        package var checkPeriod: Duration = .seconds(30)
        /// Called with what health-check ports must answer, whenever it changes.
        package var healthChecks: @Sendable ([UInt16: HealthCheck]) -> Void = { _ in }

        package init() {}
    }

    package static let component: String = "service-proxy"

    /// A step to be recorded when the rules that it speaks of are in force.
    private struct Note {
        var object: ObjectPath
        var what: String
        var cause: Cause
        var service: ServiceName
    }

    /// What is to be told when the rules that show it are in force.
    private struct News {
        var notes: [Note] = []
        /// When that happened which slices show now, in microseconds since 1970.
        var triggers: [ServiceName: Set<Int64>] = [:]
    }

    private struct State {
        var core: ProxyCore
        var news = News()
        var hasSynced: Bool = false
        /// Those of each ServiceCIDR.
        var ranges: [String: [IPPrefix]] = [:]
        var checks: [UInt16: HealthCheck] = [:]
    }

    package let metrics = ProxyMetrics()
    private let state: Mutex<State>
    private let changed = Signal()
    private let informers: InformerSet
    private let rules: any PacketRules
    private let configuration: Configuration
    private let node: NodeFacts
    /// What happened before it says nothing of this proxy. Microseconds since 1970.
    private let began: Int64 = FlowRecorder.systemTime()

    package init(
        node: NodeFacts, informers: InformerSet, rules: any PacketRules, configuration: Configuration = Configuration()
    ) {
        self.informers = informers
        self.rules = rules
        self.node = node
        self.configuration = configuration
        state = Mutex(State(core: ProxyCore(node)))
        let unlabelled = Selection(
            labelSelector: "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name")
        informers.informer(Service.self).addHandler { [weak self] in self?.saw($0) }
        informers.informer(EndpointSlice.self, selection: unlabelled).addHandler { [weak self] in self?.saw($0) }
        informers.informer(ServiceCIDR.self).addHandler { [weak self] in self?.saw($0) }
        informers.informer(Node.self, selection: Selection(fieldSelector: "metadata.name=\(node.name)")).addHandler {
            [weak self] in self?.saw($0)
        }
    }

    // MARK: - Events

    private func saw(_ event: InformerEvent<Service>) {
        let service: Service = event.object
        let name = ServiceName(service.metadata.namespace, service.metadata.name)
        let facts: ServiceFacts? = event.kind == .deleted ? nil : ServiceFacts(service)
        state.withLock { state in
            state.core.set(facts, name)
            guard state.hasSynced, state.core.isDirty(name) else { return }
            state.news.notes.append(
                Note(
                    object: ObjectPath("services", namespace: name.namespace, name: name.name),
                    what: facts == nil ? "rules removed" : "rules in force", cause: event.cause, service: name))
        }
        metrics.update { $0.pendingServiceChanges += 1 }
        if let facts { warn(service, facts, event.old) }
        raise()
    }

    /// Says once what the service does not get, because the node's own servers listen there.
    private func warn(_ service: Service, _ facts: ServiceFacts, _ old: Service?) {
        let kept: [String] = node.kept(from: facts)
        guard !kept.isEmpty, kept != old.flatMap({ ServiceFacts($0) }).map({ node.kept(from: $0) }) else { return }
        let places: String = kept.joined(separator: ", ")
        configuration.log.warning(
            "a service asks for the node's own ports", [("service", facts.name.description), ("ports", places)])
        let reference = ObjectReference.with {
            $0.kind = "Service"
            $0.apiVersion = "v1"
            $0.namespace = service.metadata.namespace
            $0.name = service.metadata.name
            $0.uid = service.metadata.uid
            $0.resourceVersion = service.metadata.resourceVersion
        }
        configuration.events?.record(
            EventNote(
                reference, .warning, reason: "PortInUse",
                "Node \(node.name) does not serve \(places): the cluster's own servers listen there"))
    }

    private func saw(_ event: InformerEvent<EndpointSlice>) {
        let slice: EndpointSlice = event.object
        guard let name = SliceFacts.service(of: slice) else { return }
        state.withLock { state in
            let facts: SliceFacts? = event.kind == .deleted ? nil : SliceFacts(slice, node: state.core.node.name)
            state.core.set(facts, slice.metadata.name, of: name)
            guard state.hasSynced else { return }
            if event.kind != .deleted, state.core.isDirty(name), let time = trigger(slice) {
                state.news.triggers[name, default: []].insert(time)
            }
            state.news.notes += Self.notes(event, name)
        }
        metrics.update { $0.pendingEndpointChanges += 1 }
        raise()
    }

    /// Since when the slice should have been as it is, as the endpoint slice controller says.
    private func trigger(_ slice: EndpointSlice) -> Int64? {
        let text: String? = slice.metadata.annotations["endpoints.kubernetes.io/last-change-trigger-time"]
        guard let time = text.flatMap({ MicroTime($0) }), time.microseconds >= began else { return nil }
        return time.microseconds
    }

    private func saw(_ event: InformerEvent<Node>) {
        guard event.kind != .deleted else { return }
        let zone: String = event.object.metadata.labels["topology.kubernetes.io/zone"] ?? ""
        let isNew: Bool = state.withLock { $0.core.move(to: zone) }
        if isNew { raise() }
    }

    private func saw(_ event: InformerEvent<ServiceCIDR>) {
        let name: String = event.object.metadata.name
        let isNew: Bool = state.withLock { state in
            state.ranges[name] = event.kind == .deleted ? nil : event.object.spec.cidrs.compactMap { IPPrefix($0) }
            let all: Set<IPPrefix> = Set(state.ranges.values.joined())
            return state.core.set(serviceRanges: all.sorted { ($0.address, $0.length) < ($1.address, $1.length) })
        }
        if isNew { raise() }
    }

    /// One note for each pod that became usable, or ceased to be.
    private static func notes(_ event: InformerEvent<EndpointSlice>, _ service: ServiceName) -> [Note] {
        func ready(_ slice: EndpointSlice?) -> [String: ObjectPath] {
            var result: [String: ObjectPath] = [:]
            for endpoint in slice?.endpoints ?? [] where endpoint.conditions.ready ?? true {
                guard let target = endpoint.targetRef, target.kind == "Pod" else { continue }
                result[target.name] = ObjectPath("pods", namespace: target.namespace, name: target.name)
            }
            return result
        }
        let before: [String: ObjectPath] = ready(event.kind == .deleted ? event.object : event.old)
        let after: [String: ObjectPath] = event.kind == .deleted ? [:] : ready(event.object)
        func notes(_ paths: [String: ObjectPath], without others: [String: ObjectPath], _ what: String) -> [Note] {
            paths.filter { others[$0.key] == nil }.sorted { $0.key < $1.key }.map { pair in
                Note(object: pair.value, what: what + service.name, cause: event.cause, service: service)
            }
        }
        return notes(after, without: before, "rule in force: reachable as service ")
            + notes(before, without: after, "rule removed: no more reachable as service ")
    }

    private func raise() {
        metrics.update { $0.lastQueued = FlowRecorder.systemTime() }
        changed.raise()
    }

    // MARK: - Running

    /// Runs until the task is cancelled; what was written stays in force. Somebody else runs the informers.
    package func run() async {
        guard await informers.waitUntilSynced() else { return }
        state.withLock { $0.hasSynced = true }
        let clock: any MonotonicClock = configuration.clock
        var failures: Int = 0
        var earliest: Duration = clock.now
        var nextCheck: Duration = clock.now + configuration.checkPeriod
        while !Task.isCancelled {
            if await sync(failures) {
                failures = 0
                earliest = clock.now + configuration.shortestPause
            } else {
                failures += 1
                earliest = clock.now + .milliseconds(min(30_000, 50 << min(failures, 10)))
            }
            if failures == 0 { await changed.wait(until: nextCheck, on: clock) }
            if clock.now < earliest { await clock.sleep(until: earliest) }
            if clock.now >= nextCheck {
                await check()
                nextCheck = clock.now + configuration.checkPeriod
            }
        }
    }

    /// Somebody may flush all rules of the machine: then ours are written again.
    private func check() async {
        let tables: [Table] = state.withLock { state in
            state.core.node.families.map { ProxyTable($0, state.core.node).table }
        }
        for table in tables where !(await rules.isPresent(table)) {
            configuration.log.warning("our rules are gone; writing them again", [("table", table.description)])
            state.withLock { $0.core.forget() }
            return
        }
    }

    /// Brings the kernel up to date. False: it did not work, and is to be tried again.
    private func sync(_ failures: Int) async -> Bool {
        let began: Int64 = FlowRecorder.systemTime()
        let (plan, news, checks): (ProxyCore.Plan?, News, [UInt16: HealthCheck]?) = state.withLock { state in
            let plan: ProxyCore.Plan? = state.core.plan()
            let checks: [UInt16: HealthCheck] = state.core.healthChecks()
            defer {
                state.news = News()
                state.checks = checks
            }
            return (plan, state.news, checks == state.checks ? nil : checks)
        }
        if let checks { configuration.healthChecks(checks) }
        guard let plan else { return true }
        do throws(PacketRulesError) {
            try await rules.apply(plan.transaction)
        } catch {
            if failures == 0 { configuration.log.error("failed to write rules", [("error", error.description)]) }
            metrics.update { $0.failures += 1 }
            state.withLock { state in
                state.core.forget()
                state.news.notes = news.notes + state.news.notes
                state.news.triggers.merge(news.triggers) { $0.union($1) }
            }
            return false
        }
        tell(plan, news, began)
        await removeConnections(plan.datagrams)
        return true
    }

    private func removeConnections(_ datagrams: DatagramFrontends) async {
        guard !datagrams.isEmpty else { return }
        do throws(PacketRulesError) {
            let removed: Int = try await rules.removeConnections { datagrams.isStale($0) }
            metrics.update { $0.removedConnections += removed }
        } catch {
            configuration.log.warning("failed to remove tracked connections", [("error", error.description)])
        }
    }

    private func tell(_ plan: ProxyCore.Plan, _ news: News, _ began: Int64) {
        let now: Int64 = FlowRecorder.systemTime()
        let seconds: Double = Double(now - began) / 1e6
        let withoutLocal: (internal: Int, external: Int) = state.withLock { $0.core.withoutLocalEndpoints }
        metrics.update { metrics in
            metrics.withoutLocal = withoutLocal
            metrics.syncs.observe(seconds)
            if plan.isComplete { metrics.completeSyncs.observe(seconds) } else { metrics.partialSyncs.observe(seconds) }
            for time in news.triggers.values.joined() { metrics.programming.observe(Double(now - time) / 1e6) }
            metrics.lastSync = now
            metrics.serviceChanges += metrics.pendingServiceChanges
            metrics.endpointChanges += metrics.pendingEndpointChanges
            metrics.pendingServiceChanges = 0
            metrics.pendingEndpointChanges = 0
        }
        for note in news.notes where plan.services.contains(note.service) {
            configuration.recorder?.record(
                component: Self.component, what: note.what, object: note.object, causes: [note.cause], since: began)
        }
        if plan.isComplete {
            configuration.log.info(
                "rules are in force",
                [
                    ("services", String(plan.services.count)), ("elements", String(plan.transaction.elementCount)),
                    ("milliseconds", String((now - began) / 1000)),
                ])
        }
    }
}
