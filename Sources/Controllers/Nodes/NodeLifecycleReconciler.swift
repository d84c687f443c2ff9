package import API
package import APIMachinery
package import Client

/// Watches over nodes: taints them by their conditions, marks those whose kubelet is silent, and drives pods out of
/// nodes that are down (by a taint; `TaintEvictionReconciler` does the rest).
///
///     sign of life: the lease was renewed, or the Ready condition's heartbeat moved
///
///     alive ──50 s silence──▶ Ready=Unknown ──next look──▶ NoSchedule + NoExecute unreachable ──▶ pods not ready
///       ▲                                                        │
///       └──────────────── Ready=True: both gone at once ─────────┘
package struct NodeLifecycleReconciler: Reconciler {
    static let leaseNamespace: String = "kube-node-lease"
    /// How soon a node is looked at again that waits for its zone.
    static let monitorPeriodSeconds: Int = 5

    private let nodes: ObjectCache<Node>
    private let leases: ObjectCache<Lease>
    private let pods: ObjectCache<Pod>
    private let memory: NodeHealthMemory

    /// - Parameter pods: with the index `Pod.byNodeName`.
    package init(
        nodes: ObjectCache<Node>, leases: ObjectCache<Lease>, pods: ObjectCache<Pod>,
        memory: NodeHealthMemory = NodeHealthMemory()
    ) {
        self.nodes = nodes
        self.leases = leases
        self.pods = pods
        self.memory = memory
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let node = nodes[key] else { return gone(key.name) }
        let seen = memory.observe(node, lease: leases.get(Self.leaseNamespace, key.name), now: now)
        var result = Reconciliation()
        if seen.isNew {
            result.write(
                .nodeEvent(node.metadata.name, node.metadata.uid, "RegisteredNode", "Registered Node", "in Controller"))
        }
        taint(node, into: &result, now: now)
        watchOver(node, lastSign: seen.lastSign, into: &result, now: now)
        if isSilent(node) { result.write(podsNotReady(node, now: now), .parallel, evenAfterFailure: true) }
        return result
    }

    private func gone(_ name: String) -> Reconciliation {
        guard let uid = memory.forget(name) else { return .done }
        return Reconciliation([.nodeEvent(name, uid, "RemovingNode", "Removing Node", "from Controller")])
    }

    // MARK: - Taints

    private func taint(_ node: Node, into result: inout Reconciliation, now: Time) {
        var evicting: String?
        switch node.condition("Ready")?.status {
        case "False": evicting = NodeTaints.notReady
        case "Unknown": evicting = NodeTaints.unreachable
        case "True": memory.recovered(node.metadata.name)
        default: evicting = currentEviction(node)
        }
        if let wanted = evicting, node.condition("Ready") != nil {
            evicting = allowed(wanted, node, into: &result, now: now)
        }
        let taints: [Taint] = NodeTaints.adjusted(node, evicting: evicting, now: now)
        guard taints != node.spec.taints else { return }
        var changed: Node = node
        changed.spec.taints = taints
        result.write(Write.update(changed).ignoring(.notFound))
    }

    private func currentEviction(_ node: Node) -> String? {
        node.spec.taints.first {
            $0.effect == NodeTaints.noExecute && ($0.key == NodeTaints.notReady || $0.key == NodeTaints.unreachable)
        }?.key
    }

    /// The NoExecute taint a node that is down may have now. It keeps, or exchanges, one that it has.
    private func allowed(
        _ wanted: String, _ node: Node, into result: inout Reconciliation, now: Time
    ) -> String? {
        let all: [Node] = nodes.list()
        let zones: [String: [Node]] = Dictionary(grouping: all, by: \.zone)
        let states: [String: ZoneState] = zones.mapValues { ZoneState.of($0) }
        guard states.values.contains(where: { $0 != .fullDisruption }) else {
            // Nobody is ready: more likely the trouble is ours, so nobody is driven out.
            result.requeue(after: .seconds(Self.monitorPeriodSeconds))
            return nil
        }
        if currentEviction(node) != nil { return wanted }
        guard let interval = states[node.zone]?.secondsBetweenEvictions else {
            result.requeue(after: .seconds(Self.monitorPeriodSeconds))
            return nil
        }
        guard let wait = memory.evict(node, every: interval, now: now) else { return wanted }
        result.requeue(after: .seconds(wait))
        return nil
    }

    // MARK: - Silence

    private func watchOver(_ node: Node, lastSign: Time, into result: inout Reconciliation, now: Time) {
        let rest: Int = lastSign.adding(seconds: NodeHealth.gracePeriod(node)).secondsSince(now)
        guard rest < 0 else {
            result.requeue(after: .seconds(rest + 1))
            return
        }
        var changed: Node = node
        changed.status.conditions = NodeHealth.silent(node, now: now)
        guard changed.status.conditions != node.status.conditions else { return }
        let wasReady: Bool = node.condition("Ready")?.status == "True"
        result.write([Write.updateStatus(changed).ignoring(.notFound)], .sequential, evenAfterFailure: true)
        guard wasReady else { return }
        result.write(
            .event(node, reason: "NodeNotReady", "Node \(node.metadata.name) status is now: NodeNotReady"))
    }

    private func isSilent(_ node: Node) -> Bool {
        guard let ready = node.condition("Ready") else { return false }
        return ready.status == "Unknown"
    }

    /// Nobody can tell any more whether the pods serve.
    private func podsNotReady(_ node: Node, now: Time) -> [Write] {
        var writes: [Write] = []
        for pod in pods.list(Pod.byNodeName, node.metadata.name) {
            guard let index = pod.status.conditions.firstIndex(where: { $0.type == "Ready" && $0.status == "True" })
            else { continue }
            var changed: Pod = pod
            changed.status.conditions[index].status = "False"
            changed.status.conditions[index].lastTransitionTime = now
            writes.append(Write.updateStatus(changed).ignoring([.notFound, .conflict]))
            writes.append(.event(pod, .warning, reason: "NodeNotReady", "Node is not ready"))
        }
        return writes
    }
}

extension Write {
    fileprivate static func nodeEvent(
        _ name: String, _ uid: String, _ reason: String, _ before: String, _ after: String
    ) -> Write {
        let reference = ObjectReference.with {
            $0.kind = "Node"
            $0.apiVersion = "v1"
            $0.name = name
            $0.uid = uid
        }
        let message: String = "Node \(name) event: \(before) \(name) \(after)"
        return Write(.event(EventNote(reference, reason: reason, message)))
    }
}
