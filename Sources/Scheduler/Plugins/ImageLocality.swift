/// Prefers nodes that hold the pod's images already.
package struct ImageLocality: ScorePlugin {
    package var name: PluginName { .imageLocality }
    package var weight: Int { 1 }

    /// Below this many bytes per container, an image's presence does not count (upstream's constants).
    private static let smallest: Int = 23 * 1024 * 1024
    private static let largestPerContainer: Int = 1000 * 1024 * 1024

    package init() {}

    package func score(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Int {
        guard !row.images.isEmpty, !table.rows.isEmpty else { return 0 }
        var sum: Int = 0
        for image in pod.requirements.images {
            let name: String = NodeTable.normalised(image)
            guard let size = row.images[name] else { continue }
            // An image that few nodes hold must not draw all pods there.
            let spread: Double = Double(table.imageSpread[name] ?? 0) / Double(table.rows.count)
            sum += Int(Double(size) * spread)
        }
        let largest: Int = Self.largestPerContainer * max(1, pod.requirements.images.count)
        let bounded: Int = min(max(sum, Self.smallest), largest)
        return 100 * (bounded - Self.smallest) / (largest - Self.smallest)
    }
}
