package import API
package import APIMachinery
import APIRules
package import Codec
import Synchronization

/// Judges whether a pod may have other amounts of CPU and memory than it has: the room that the node's other pods leave.
///
/// Answers are given one after another, and each counts from then on: two pods never get the same room.
package final class ResizeRoom: Sendable {
    package enum Verdict: Sendable, Equatable {
        case granted
        /// It would fit if others had less.
        case deferred(message: String)
        /// The whole node is too small.
        case infeasible(message: String)
    }

    private struct State {
        /// What was granted and may not be in the pods yet, by UID.
        var granted: [String: StringMap<Quantity>] = [:]
        var others: @Sendable () -> [Pod] = { [] }
    }

    private let state = Mutex(State())
    private let allocatable: @Sendable () -> StringMap<Quantity>

    package init(allocatable: @escaping @Sendable () -> StringMap<Quantity>) {
        self.allocatable = allocatable
    }

    /// - Parameter pods: all pods of the node that use some of it, with what they were granted. Called with the room's
    ///   lock held: it may take the workers' lock, which never wants this one.
    package func connect(_ pods: @escaping @Sendable () -> [Pod]) { state.withLock { $0.others = pods } }

    package func admit(_ pod: Pod) -> Verdict {
        state.withLock { state in
            let others: [Pod] = state.others()
            let known: Set<String> = Set(others.map(\.metadata.uid))
            state.granted = state.granted.filter { known.contains($0.key) }
            let wanted: StringMap<Quantity> = PodAmounts(pod.spec, withOverhead: true).requests
            var used: StringMap<Quantity> = [:]
            for other in others where other.metadata.uid != pod.metadata.uid {
                used.add(state.granted[other.metadata.uid] ?? PodAmounts(other.spec, withOverhead: true).requests)
            }
            let verdict: Verdict = Self.judge(wanted, used: used, capacity: allocatable())
            if verdict == .granted { state.granted[pod.metadata.uid] = wanted }
            return verdict
        }
    }

    /// Upstream's words; CPU in thousandths, memory in bytes.
    static func judge(
        _ wanted: StringMap<Quantity>, used: StringMap<Quantity>, capacity: StringMap<Quantity>
    ) -> Verdict {
        func amount(_ name: String, _ amounts: StringMap<Quantity>) -> Int {
            let quantity: Quantity = amounts[name] ?? Quantity()
            return name == "cpu" ? quantity.milliValue : quantity.value
        }
        for name in ["memory", "cpu"] {
            let (asked, all) = (amount(name, wanted), amount(name, capacity))
            guard asked > all else { continue }
            return .infeasible(
                message: "Node didn't have enough capacity: \(name), requested: \(asked), capacity: \(all)")
        }
        for name in ["cpu", "memory"] {
            let (asked, taken, all) = (amount(name, wanted), amount(name, used), amount(name, capacity))
            guard asked > 0, asked > all - taken else { continue }
            return .deferred(
                message: "Node didn't have enough resource: \(name), requested: \(asked), used: \(taken), "
                    + "capacity: \(all)")
        }
        return .granted
    }
}
