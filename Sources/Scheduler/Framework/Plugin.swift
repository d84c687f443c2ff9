package import API

/// Why a node does not take a pod.
package struct Verdict: Sendable, Equatable {
    /// Upstream's words, as they appear in `FailedScheduling`.
    package var reason: String
    /// The plugin that said no; the queue waits for events that may change its mind.
    package var plugin: PluginName
    /// Evicting pods from the node would not help.
    package var isUnresolvable: Bool

    package init(_ reason: String, by plugin: PluginName, isUnresolvable: Bool = false) {
        self.reason = reason
        self.plugin = plugin
        self.isUnresolvable = isUnresolvable
    }
}

/// The plugins by upstream's names, in the order in which they filter.
package enum PluginName: String, Sendable, CaseIterable {
    case nodeUnschedulable = "NodeUnschedulable"
    case nodeName = "NodeName"
    case taintToleration = "TaintToleration"
    case nodeAffinity = "NodeAffinity"
    case nodePorts = "NodePorts"
    case nodeResourcesFit = "NodeResourcesFit"
    case volumeRestrictions = "VolumeRestrictions"
    case volumeBinding = "VolumeBinding"
    case nodeResourcesBalancedAllocation = "NodeResourcesBalancedAllocation"
    case imageLocality = "ImageLocality"
}

/// A pod on its way through one scheduling cycle.
package struct PodInfo: Sendable {
    package var pod: Pod
    package var requirements: PodRequirements

    package init(_ pod: Pod, requirements: PodRequirements) {
        self.pod = pod
        self.requirements = requirements
    }
}

/// Says which nodes can take a pod.
package protocol FilterPlugin: Sendable {
    /// nil: the node can take it.
    func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict?

    /// All that `filter` has against a node, where it may be several things; empty: the node can take it.
    func reasons(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> [Verdict]

    /// false if the plugin has nothing to say of this pod on any node, so that it is left out of the cycle.
    func concerns(_ pod: PodInfo) -> Bool
}

extension FilterPlugin {
    package func reasons(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> [Verdict] {
        filter(pod, on: row, in: table).map { [$0] } ?? []
    }

    package func concerns(_ pod: PodInfo) -> Bool { true }
}

/// Says whether any node could take a pod, before nodes are looked at.
package protocol PreFilterPlugin: Sendable {
    /// nil: nothing speaks against it yet. A refusal holds for all nodes.
    func refuse(_ pod: PodInfo, in table: NodeTable) -> Verdict?
    func concerns(_ pod: PodInfo) -> Bool
}

/// Says which of the nodes that can take a pod should.
package protocol ScorePlugin: Sendable {
    var name: PluginName { get }
    /// Upstream's default weight.
    var weight: Int { get }

    /// Any scale; `normalise` brings it to 0…100.
    func score(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Int
    func normalise(_ scores: inout [Int])
    func concerns(_ pod: PodInfo) -> Bool
}

extension ScorePlugin {
    package func normalise(_ scores: inout [Int]) {}
    package func concerns(_ pod: PodInfo) -> Bool { true }

    /// Brings scores to 0…100 in proportion to the largest; reversed where less is better.
    func normaliseProportionally(_ scores: inout [Int], reversed: Bool) {
        let largest: Int = scores.max() ?? 0
        for index in scores.indices {
            let share: Int = largest == 0 ? 0 : scores[index] * 100 / largest
            scores[index] = reversed ? 100 - share : share
        }
    }
}
