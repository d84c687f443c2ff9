import API
import APICore
import APIMachinery
import APINetworking
package import Client
package import Flow
package import Netfilter
import Synchronization

/// Enforces network policies on this node. Watches policies, pods and namespaces, and keeps the kernel's table equal to
/// what they say, each time with one transaction. While no policy selects a pod of this node there is no table.
package final class NetworkPolicyService: Sendable {
    package struct Configuration: Sendable {
        package var log: Log = .silent
        package var recorder: FlowRecorder?
        package var clock: any MonotonicClock = SystemMonotonicClock()
        /// Changes that come sooner after a transaction than this are put together into one.
        package var shortestPause: Duration = .milliseconds(50)
        package var checkPeriod: Duration = .seconds(30)
        package var families: [InternetAddress.Family] = [.ip4, .ip6]
        /// Whether the kernel shows packets between two pods of this node's bridge to the firewall. If not, policies do not
        /// bind these, and an event of each policy says so.
        package var bridgeFilters: Bool = true
        package var events: EventRecorder?

        package init() {}
    }

    package static let component: String = "network-policy"

    private struct State {
        var policies: [ObjectKey: PolicyFacts] = [:]
        var pods: [ObjectKey: PodFacts] = [:]
        var namespaces: [String: [String: String]] = [:]
        var notes: [(key: ObjectKey, what: String, cause: Cause)] = []
        var isDirty: Bool = true
        /// What the kernel has; nil: unknown.
        var written: [InternetAddress.Family: TableState] = [:]
    }

    private let state: Mutex<State> = Mutex(State())
    private let changed = Signal()
    private let node: String
    private let informers: InformerSet
    private let rules: any PacketRules
    private let configuration: Configuration

    package init(
        node: String, informers: InformerSet, rules: any PacketRules, configuration: Configuration = Configuration()
    ) {
        self.node = node
        self.informers = informers
        self.rules = rules
        self.configuration = configuration
        informers.informer(NetworkPolicy.self).addHandler { [weak self] in self?.saw($0) }
        informers.informer(Pod.self).addHandler { [weak self] in self?.saw($0) }
        informers.informer(Namespace.self).addHandler { [weak self] in self?.saw($0) }
    }

    // MARK: - Events

    private func saw(_ event: InformerEvent<NetworkPolicy>) {
        let facts: PolicyFacts? = event.kind == .deleted ? nil : PolicyFacts(event.object)
        if event.kind == .added && !configuration.bridgeFilters { warn(event.object) }
        change { state in
            guard state.policies[event.key] != facts else { return false }
            state.policies[event.key] = facts
            state.notes.append((event.key, facts == nil ? "policy lifted" : "policy in force", event.cause))
            return true
        }
    }

    private func warn(_ policy: NetworkPolicy) {
        let reference = ObjectReference.with {
            $0.kind = NetworkPolicy.gvk.kind
            $0.apiVersion = "networking.k8s.io/v1"
            $0.namespace = policy.metadata.namespace
            $0.name = policy.metadata.name
            $0.uid = policy.metadata.uid
        }
        let message: String =
            "Node \(node) does not enforce the policy between its own pods: its kernel lacks br_netfilter"
        configuration.events?.record(EventNote(reference, .warning, reason: "PartlyEnforced", message))
    }

    private func saw(_ event: InformerEvent<Pod>) {
        let facts: PodFacts? = event.kind == .deleted ? nil : PodFacts(event.object, node: node)
        change { state in
            guard state.pods[event.key] != facts else { return false }
            state.pods[event.key] = facts
            return !state.policies.isEmpty
        }
    }

    private func saw(_ event: InformerEvent<Namespace>) {
        let labels: [String: String]? = event.kind == .deleted ? nil : event.object.metadata.labels.dictionary
        change { state in
            guard state.namespaces[event.object.metadata.name] != labels else { return false }
            state.namespaces[event.object.metadata.name] = labels
            return !state.policies.isEmpty
        }
    }

    private func change(_ body: (inout State) -> Bool) {
        let matters: Bool = state.withLock { state in
            guard body(&state) else { return false }
            state.isDirty = true
            return true
        }
        if matters { changed.raise() }
    }

    // MARK: - Running

    /// Runs until the task is cancelled; what was written stays in force. Somebody else runs the informers.
    package func run() async {
        guard await informers.waitUntilSynced() else { return }
        let clock: any MonotonicClock = configuration.clock
        var failures: Int = 0
        var nextCheck: Duration = clock.now + configuration.checkPeriod
        while !Task.isCancelled {
            if await sync(failures) { failures = 0 } else { failures += 1 }
            let pause: Duration =
                failures == 0 ? configuration.shortestPause : .milliseconds(min(30_000, 50 << min(failures, 10)))
            await clock.sleep(for: pause)
            if failures == 0 { await changed.wait(until: nextCheck, on: clock) }
            if clock.now >= nextCheck {
                await check()
                nextCheck = clock.now + configuration.checkPeriod
            }
        }
    }

    /// Somebody may flush all rules of the machine: then ours are written again.
    private func check() async {
        let tables: [InternetAddress.Family] = state.withLock { state in
            state.written.filter { !$0.value.isEmpty }.map(\.key)
        }
        for family in tables where !(await rules.isPresent(Table(family, PolicyCompiler.table))) {
            configuration.log.warning("our rules are gone; writing them again")
            state.withLock { state in
                state.written = [:]
                state.isDirty = true
            }
            return
        }
    }

    /// Brings the kernel up to date. False: it did not work, and is to be tried again.
    private func sync(_ failures: Int) async -> Bool {
        let began: Int64 = FlowRecorder.systemTime()
        let taken: State? = state.withLock { state in
            guard state.isDirty else { return nil }
            defer {
                state.isDirty = false
                state.notes = []
            }
            return state
        }
        guard let taken else { return true }
        let policies: [PolicyFacts] = taken.policies.sorted { $0.key < $1.key }.map(\.value)
        let pods: [PodFacts] = taken.pods.sorted { $0.key < $1.key }.map(\.value)
        var wanted: [InternetAddress.Family: TableState] = [:]
        var transaction = TableTransaction()
        for family in configuration.families {
            let table: TableState =
                policies.isEmpty
                ? TableState() : PolicyCompiler.compile(family, policies, pods, namespaces: taken.namespaces)
            wanted[family] = table
            transaction.append(table.changes(from: taken.written[family], in: Table(family, PolicyCompiler.table)))
        }
        do throws(PacketRulesError) {
            try await rules.apply(transaction)
        } catch {
            if failures == 0 { configuration.log.error("failed to write policies", [("error", error.description)]) }
            state.withLock { state in
                state.written = [:]
                state.isDirty = true
                state.notes = taken.notes + state.notes
            }
            return false
        }
        state.withLock { $0.written = wanted }
        for note in taken.notes {
            configuration.recorder?.record(
                component: Self.component, what: note.what,
                object: ObjectPath("networkpolicies", namespace: note.key.namespace, name: note.key.name),
                causes: [note.cause], since: began)
        }
        return true
    }
}
