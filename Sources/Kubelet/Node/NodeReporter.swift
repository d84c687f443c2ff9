import API
package import APIMachinery
package import Client
package import Flow
import Synchronization

/// Registers the node, keeps its status true and its lease alive.
///
/// As upstream: the lease is renewed every ten seconds; the status is written at once when it changes in a way that
/// matters, and else every five minutes.
package final class NodeReporter: Sendable {
    package static let leaseNamespace: String = "kube-node-lease"
    private static let leaseSeconds: Int = 40
    private static let renewal: Duration = .seconds(10)
    private static let look: Duration = .seconds(10)
    private static let longestSilenceSeconds: Int = 300

    private let name: String
    private let builder: NodeStatusBuilder
    private let client: APIClient
    private let machine: @Sendable () -> MachineFacts
    private let runtime: @Sendable () async -> RuntimeFacts
    private let clock: any MonotonicClock
    private let wallClock: any WallClock
    private let log: Log
    private let recorder: FlowRecorder?
    private let events: EventRecorder
    private let telling: NodeEvents
    /// Whether the status was written in this life.
    private let hasWritten = Mutex(false)
    private let knownUID = Mutex("")

    /// The UID of the node's object; empty until it is registered.
    package var uid: String { knownUID.withLock { $0 } }

    /// Raised when the status should be looked at now: the runtime came up, say.
    package let refresh = Signal()

    package init(
        name: String, builder: NodeStatusBuilder, client: APIClient, machine: @escaping @Sendable () -> MachineFacts,
        runtime: @escaping @Sendable () async -> RuntimeFacts, clock: any MonotonicClock, wallClock: any WallClock,
        log: Log, recorder: FlowRecorder?, events: EventRecorder
    ) {
        self.name = name
        self.builder = builder
        self.client = client
        self.machine = machine
        self.runtime = runtime
        self.clock = clock
        self.wallClock = wallClock
        self.log = log
        self.recorder = recorder
        self.events = events
        telling = NodeEvents(node: name)
    }

    /// Registers, then reports until the task is cancelled.
    package func run() async {
        events.record(telling.starting)
        await register()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.renewLease() }
            group.addTask { await self.reportStatus() }
        }
    }

    /// Tries until the node is there.
    private func register() async {
        var wait: Duration = .milliseconds(100)
        while !Task.isCancelled {
            let runtime: RuntimeFacts = await runtime()
            do throws(StatusError) {
                try await registerOnce(machine(), runtime)
                return
            } catch {
                log.warning("failed to register node", [("node", name), ("error", error.message)])
            }
            await clock.sleep(for: wait)
            wait = min(wait * 2, .seconds(7))
        }
    }

    private func registerOnce(_ machine: MachineFacts, _ runtime: RuntimeFacts) async throws(StatusError) {
        let wanted: Node = builder.node(machine, runtime, now: wallClock.now)
        do throws(StatusError) {
            let created: Node = try await client.create(wanted)
            log.info("registered node", [("node", name)])
            try await write(created, machine, runtime, isNew: true)
            return
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
        var known: Node = try await client.get(Node.self, ObjectKey("", name))
        let before: Node = known
        for (key, value) in builder.labels(machine) { known.metadata.labels[key] = value }
        // It never changes once it is there.
        if known.spec.podCIDR.isEmpty { builder.fillRanges(of: &known) }
        if known != before { known = try await client.update(known) }
        try await write(known, machine, runtime)
    }

    private func write(
        _ node: Node, _ machine: MachineFacts, _ runtime: RuntimeFacts, isNew: Bool = false
    ) async throws(StatusError) {
        knownUID.withLock { $0 = node.metadata.uid }
        var changed: Node = node
        changed.status = builder.status(node.status, machine, runtime, now: wallClock.now)
        _ = try await client.updateStatus(changed)
        let isFirst: Bool = hasWritten.withLock { hasWritten in
            defer { hasWritten = true }
            return !hasWritten
        }
        // A node that was just created brought its first status along.
        let before: NodeStatus = isNew ? NodeStatus() : node.status
        for note in telling.changes(from: before, to: changed.status, isFirst: isFirst) { events.record(note) }
        if isFirst { events.record(telling.allocatableEnforced) }
    }

    private func reportStatus() async {
        var reportedAt: Time = wallClock.now
        while !Task.isCancelled {
            await refresh.wait(until: clock.now + Self.look, on: clock)
            let machine: MachineFacts = machine()
            let runtime: RuntimeFacts = await runtime()
            do throws(StatusError) {
                let known: Node = try await client.get(Node.self, ObjectKey("", name))
                let wanted: NodeStatus = builder.status(known.status, machine, runtime, now: wallClock.now)
                let isOverdue: Bool = wallClock.now.secondsSince(reportedAt) >= Self.longestSilenceSeconds
                guard isOverdue || Self.differ(known.status, wanted) else { continue }
                try await write(known, machine, runtime)
                reportedAt = wallClock.now
            } catch {
                if Task.isCancelled { return }
                if error.isNotFound { await register() }
                log.warning("failed to report node status", [("node", name), ("error", error.message)])
            }
        }
    }

    /// Whether anything but heartbeat times differs.
    private static func differ(_ left: NodeStatus, _ right: NodeStatus) -> Bool {
        func still(_ status: NodeStatus) -> NodeStatus {
            var status: NodeStatus = status
            for index in status.conditions.indices { status.conditions[index].lastHeartbeatTime = nil }
            return status
        }
        return still(left) != still(right)
    }

    private func renewLease() async {
        while !Task.isCancelled {
            do throws(StatusError) {
                try await renewOnce()
            } catch {
                if !Task.isCancelled {
                    log.warning("failed to renew node lease", [("node", name), ("error", error.message)])
                }
            }
            await clock.sleep(for: Self.renewal)
        }
    }

    private func renewOnce() async throws(StatusError) {
        let key = ObjectKey(Self.leaseNamespace, name)
        do throws(StatusError) {
            var lease: Lease = try await client.get(Lease.self, key)
            lease.spec.renewTime = wallClock.nowMicro
            lease.spec.holderIdentity = name
            _ = try await client.update(lease)
        } catch {
            guard error.isNotFound else { throw error }
            var lease = Lease()
            lease.metadata.namespace = key.namespace
            lease.metadata.name = key.name
            lease.spec.holderIdentity = name
            lease.spec.leaseDurationSeconds = Self.leaseSeconds
            lease.spec.renewTime = wallClock.nowMicro
            if let node = try? await client.get(Node.self, ObjectKey("", name)) {
                var owner = OwnerReference()
                owner.apiVersion = Node.gvk.apiVersion
                owner.kind = Node.gvk.kind
                owner.name = name
                owner.uid = node.metadata.uid
                lease.metadata.ownerReferences = [owner]
            }
            _ = try await client.create(lease)
        }
    }
}
