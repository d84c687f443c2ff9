package import API
import APIMachinery
import Codec

/// All nodes with what is free on each: one flat array, kept up to date step by step.
///
/// A pod is counted on its node from the moment it is assumed there (before the binding is written) until it is seen
/// to have ended or to be gone. Indices stay the same until a node is removed, when the last row takes its place.
package struct NodeTable: Sendable {
    package struct Row: Sendable {
        package var name: String
        package var node: Node
        package var allocatable: ResourceVector
        package var allowedPods: Int
        package var requested: ResourceVector
        package var scoringRequested: ResourceVector
        package var podCount: Int
        package var hostPorts: [PodRequirements.HostPort]
        /// Image name (as pods write it, normalised) → bytes.
        package var images: [String: Int]
        /// false while only pods of the node are known, not yet the node itself.
        package var isKnown: Bool
    }

    /// A pod that takes room: what to give back when it goes.
    private struct Placement: Sendable {
        var node: String
        var requirements: PodRequirements
    }

    package private(set) var rows: [Row] = []
    package var names = ResourceNames()
    private var index: [String: Int] = [:]
    /// By pod UID.
    private var placements: [String: Placement] = [:]
    /// How many nodes hold an image, for locality scoring.
    package private(set) var imageSpread: [String: Int] = [:]
    package var volumes = VolumeTable()
    /// How many pods with a node use a claim (`namespace/name`).
    private var claimUsers: [String: Int] = [:]

    package init() {}

    package var nodeCount: Int { rows.count { $0.isKnown } }

    package func row(named name: String) -> Row? {
        index[name].map { rows[$0] }
    }

    /// A node appeared or changed.
    package mutating func update(_ node: Node) {
        let position: Int = self.position(of: node.metadata.name)
        countImages(of: rows[position], by: -1)
        rows[position].node = node
        rows[position].isKnown = true
        rows[position].allocatable = names.vector(node.status.allocatable)
        rows[position].allowedPods = Int(clamping: node.status.allocatable["pods"]?.value ?? 0)
        rows[position].images = [:]
        for image in node.status.images {
            for name in image.names { rows[position].images[Self.normalised(name)] = image.sizeBytes }
        }
        countImages(of: rows[position], by: 1)
    }

    /// A node is gone. Its pods stay counted until they go too, since they still name it.
    package mutating func remove(node name: String) {
        guard let position = index[name] else { return }
        countImages(of: rows[position], by: -1)
        rows[position].images = [:]
        rows[position].isKnown = false
        removeRowIfUnused(position)
    }

    /// A pod takes room on a node, or another amount of it since it was resized.
    /// - Returns: whether it takes less than it did.
    @discardableResult
    package mutating func add(pod uid: String, requirements: PodRequirements, node: String) -> Bool {
        var hasShrunk: Bool = false
        if let known = placements[uid] {
            let (old, new) = (known.requirements, requirements)
            guard known.node != node || old.requests != new.requests || old.scoringRequests != new.scoringRequests
            else { return false }
            var most: ResourceVector = old.requests
            most.formMaximum(new.requests)
            hasShrunk = most != new.requests
            remove(pod: uid)
        }
        let position: Int = self.position(of: node)
        placements[uid] = Placement(node: node, requirements: requirements)
        rows[position].requested += requirements.requests
        rows[position].scoringRequested += requirements.scoringRequests
        rows[position].podCount += 1
        rows[position].hostPorts += requirements.hostPorts
        for claim in requirements.claims { claimUsers[claim, default: 0] += 1 }
        return hasShrunk
    }

    /// A pod gives its room back. Does nothing for pods that are not counted.
    package mutating func remove(pod uid: String) {
        guard let placement = placements.removeValue(forKey: uid), let position = index[placement.node] else { return }
        rows[position].requested -= placement.requirements.requests
        rows[position].scoringRequested -= placement.requirements.scoringRequests
        rows[position].podCount -= 1
        for claim in placement.requirements.claims {
            let users: Int = (claimUsers[claim] ?? 0) - 1
            claimUsers[claim] = users > 0 ? users : nil
        }
        for port in placement.requirements.hostPorts {
            if let place = rows[position].hostPorts.firstIndex(of: port) { rows[position].hostPorts.remove(at: place) }
        }
        removeRowIfUnused(position)
    }

    package func isUsed(claim key: String) -> Bool { claimUsers[key] != nil }

    package func isPlaced(pod uid: String) -> Bool { placements[uid] != nil }

    private mutating func position(of name: String) -> Int {
        if let known = index[name] { return known }
        index[name] = rows.count
        rows.append(
            Row(
                name: name, node: Node(), allocatable: ResourceVector(), allowedPods: 0, requested: ResourceVector(),
                scoringRequested: ResourceVector(), podCount: 0, hostPorts: [], images: [:], isKnown: false))
        return rows.count - 1
    }

    private mutating func removeRowIfUnused(_ position: Int) {
        guard !rows[position].isKnown, rows[position].podCount == 0 else { return }
        index[rows[position].name] = nil
        let last: Row = rows.removeLast()
        if position < rows.count {
            rows[position] = last
            index[last.name] = position
        }
    }

    private mutating func countImages(of row: Row, by change: Int) {
        for name in row.images.keys {
            let count: Int = (imageSpread[name] ?? 0) + change
            imageSpread[name] = count > 0 ? count : nil
        }
    }

    /// `busybox` and `busybox:latest` are one image to the scheduler, as upstream has it.
    package static func normalised(_ image: String) -> String {
        let afterSlash: Substring = image.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return afterSlash.contains(":") || afterSlash.contains("@") ? image : image + ":latest"
    }
}
