import API
import APIMachinery
import Synchronization

/// What the node controller remembers between looks: when each node last gave a sign of life, by our own clock.
///
/// A node's own times are not trusted, only that they change: its clock may be wrong. After a restart every node
/// counts as alive for one grace period.
package final class NodeHealthMemory: Sendable {
    private struct Record {
        var uid: String
        /// When something last changed that only a living kubelet changes.
        var lastSign: Time
        /// What changed.
        var heartbeat: Time?
        var renewal: MicroTime?
        var hasReady: Bool
        /// The node may be tainted NoExecute: its zone's rate let it through.
        var mayEvict: Bool = false
    }

    private struct State {
        /// By name; as many as there are nodes.
        var records: [String: Record] = [:]
        /// When the next node of a zone may be tainted NoExecute.
        var nextEviction: [String: Time] = [:]
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    /// Takes notice of a node and its lease as they are now.
    ///
    /// - Returns: when the node last gave a sign of life, and whether it is seen for the first time.
    func observe(_ node: Node, lease: Lease?, now: Time) -> (lastSign: Time, isNew: Bool) {
        let ready: NodeCondition? = node.condition("Ready")
        return state.withLock { state in
            guard var record = state.records[node.metadata.name], record.uid == node.metadata.uid else {
                // A node that never said anything is measured from its creation.
                let sign: Time = ready == nil && lease == nil ? node.metadata.creationTimestamp ?? now : now
                state.records[node.metadata.name] = Record(
                    uid: node.metadata.uid, lastSign: sign, heartbeat: ready?.lastHeartbeatTime,
                    renewal: lease?.spec.renewTime, hasReady: ready != nil)
                return (sign, true)
            }
            if let ready {
                // Our own mark of absence keeps the kubelet's heartbeat, so it is no sign of life.
                if !record.hasReady && ready.reason != NodeHealth.neverUpdated
                    || ready.lastHeartbeatTime != record.heartbeat && ready.reason != NodeHealth.neverUpdated
                {
                    record.lastSign = now
                }
                record.heartbeat = ready.lastHeartbeatTime
            }
            record.hasReady = ready != nil
            if let renewal = lease?.spec.renewTime, record.renewal.map({ $0 < renewal }) ?? true {
                record.renewal = renewal
                record.lastSign = now
            }
            state.records[node.metadata.name] = record
            return (record.lastSign, false)
        }
    }

    /// Whether the node's pods may be driven out now; else how many seconds to wait. One node of a zone at a time.
    ///
    /// - Parameter interval: seconds between two nodes of the zone.
    func evict(_ node: Node, every interval: Int, now: Time) -> Int? {
        state.withLock { state in
            guard var record = state.records[node.metadata.name], !record.mayEvict else { return nil }
            let next: Time = state.nextEviction[node.zone] ?? now
            guard next <= now else { return next.secondsSince(now) }
            state.nextEviction[node.zone] = now.adding(seconds: interval)
            record.mayEvict = true
            state.records[node.metadata.name] = record
            return nil
        }
    }

    /// The node is well: the next time it fails, it has to queue again.
    func recovered(_ name: String) {
        state.withLock { $0.records[name]?.mayEvict = false }
    }

    /// The node is gone; its UID, if it was known.
    func forget(_ name: String) -> String? {
        state.withLock { $0.records.removeValue(forKey: name)?.uid }
    }
}
