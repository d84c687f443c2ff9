/// The steps that led to one object's present state, and how they hang together.
///
/// Edges go from a step to the steps that caused it: a cause `revision(12)` is the step that wrote revision 12,
/// a cause `request(id)` the step that took in that request.
///
///     request a1 ── created deployments/default/web (rev 7)
///                      └── created replicasets/default/web-6d4 (rev 9)
///                             └── created pods/default/web-6d4-x2k (rev 11)
///                                    ├── bound to node a (rev 13)
///                                    └── …
package struct FlowGraph: Sendable {
    /// In the order of time.
    package var steps: [Step]
    /// Indices into `steps`: which steps caused this one; parallel to `steps`.
    package var parents: [[Int]]

    /// The story of one object: its own steps, and whatever they go back to.
    package init(of object: ObjectPath, in all: [Step]) {
        let writers: [Int64: Int] = FlowGraph.writers(all)
        var wanted: Set<Int> = []
        var queue: [Int] = all.indices.filter { all[$0].object == object }
        while let index = queue.popLast() {
            guard wanted.insert(index).inserted else { continue }
            for cause in all[index].causes {
                if case .revision(let revision) = cause, let writer = writers[revision] { queue.append(writer) }
            }
        }
        self.init(all, wanted)
    }

    /// The story of an object and of all that came of it, as far as `includes` says that it belongs.
    package init(from object: ObjectPath, in all: [Step], including includes: (ObjectPath) -> Bool) {
        let writers: [Int64: Int] = FlowGraph.writers(all)
        var wanted: Set<Int> = []
        for index in all.indices {
            let step: Step = all[index]
            if step.object == object {
                wanted.insert(index)
                continue
            }
            guard includes(step.object) else { continue }
            let known: Bool = step.causes.contains { cause in
                guard case .revision(let revision) = cause, let writer = writers[revision] else { return false }
                return wanted.contains(writer)
            }
            let sameObject: Bool = wanted.contains { all[$0].object == step.object }
            if known || sameObject { wanted.insert(index) }
        }
        self.init(all, wanted)
    }

    private init(_ all: [Step], _ wanted: Set<Int>) {
        let order: [Int] = wanted.sorted { (all[$0].time, all[$0].id) < (all[$1].time, all[$1].id) }
        let steps: [Step] = FlowGraph.causesFirst(order.map { all[$0] })
        let writers: [Int64: Int] = FlowGraph.writers(steps)
        self.steps = steps
        self.parents = steps.indices.map { index in
            var parents: [Int] = []
            for cause in steps[index].causes {
                if case .revision(let revision) = cause, let writer = writers[revision], writer != index {
                    parents.append(writer)
                }
            }
            return parents
        }
    }

    /// Watchers may act on a write before its writer has come round to record it; causes are put first all the same.
    private static func causesFirst(_ steps: [Step]) -> [Step] {
        let writers: [Int64: Int] = FlowGraph.writers(steps)
        var placed: Set<Int> = []
        var ordered: [Step] = []
        func place(_ index: Int) {
            guard placed.insert(index).inserted else { return }
            for cause in steps[index].causes {
                if case .revision(let revision) = cause, let writer = writers[revision] { place(writer) }
            }
            ordered.append(steps[index])
        }
        for index in steps.indices { place(index) }
        return ordered
    }

    /// Which step wrote a revision. The API server's step is the writer; another step that names the
    /// same revision (a controller telling what it did) does not replace it.
    private static func writers(_ steps: [Step]) -> [Int64: Int] {
        var writers: [Int64: Int] = [:]
        for (index, step) in steps.enumerated() where step.revision > 0 && writers[step.revision] == nil {
            writers[step.revision] = index
        }
        return writers
    }
}
