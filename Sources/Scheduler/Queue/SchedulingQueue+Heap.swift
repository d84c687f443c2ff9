import API

extension SchedulingQueue {
    /// Pods by priority (high first), then in the order in which they became active. A binary heap with positions
    /// by UID, so that a pod can be taken out anywhere in O(log n).
    struct Heap: Sendable {
        private struct Item: Sendable {
            var entry: Entry
            var priority: Int
            var sequence: Int64
        }

        private var items: [Item] = []
        private var positions: [String: Int] = [:]

        var count: Int { items.count }

        mutating func push(_ entry: Entry, sequence: Int64) {
            let uid: String = entry.pod.pod.metadata.uid
            remove(uid: uid)
            items.append(Item(entry: entry, priority: entry.pod.pod.spec.priority ?? 0, sequence: sequence))
            positions[uid] = items.count - 1
            siftUp(items.count - 1)
        }

        mutating func pop() -> Entry? {
            guard let first = items.first else { return nil }
            return remove(uid: first.entry.pod.pod.metadata.uid)
        }

        @discardableResult
        mutating func remove(uid: String) -> Entry? {
            guard let position = positions.removeValue(forKey: uid) else { return nil }
            let entry: Entry = items[position].entry
            let last: Item = items.removeLast()
            if position < items.count {
                items[position] = last
                positions[last.entry.pod.pod.metadata.uid] = position
                siftUp(position)
                siftDown(position)
            }
            return entry
        }

        mutating func replace(_ pod: PodInfo) -> Bool {
            guard let position = positions[pod.pod.metadata.uid] else { return false }
            items[position].entry.pod = pod
            return true
        }

        private func precedes(_ left: Int, _ right: Int) -> Bool {
            if items[left].priority != items[right].priority { return items[left].priority > items[right].priority }
            return items[left].sequence < items[right].sequence
        }

        private mutating func siftUp(_ start: Int) {
            var child: Int = start
            while child > 0 {
                let parent: Int = (child - 1) / 2
                guard precedes(child, parent) else { return }
                exchange(child, parent)
                child = parent
            }
        }

        private mutating func siftDown(_ start: Int) {
            var parent: Int = start
            while true {
                var first: Int = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && precedes(child, first) {
                    first = child
                }
                guard first != parent else { return }
                exchange(first, parent)
                parent = first
            }
        }

        private mutating func exchange(_ left: Int, _ right: Int) {
            items.swapAt(left, right)
            positions[items[left].entry.pod.pod.metadata.uid] = left
            positions[items[right].entry.pod.pod.metadata.uid] = right
        }
    }
}
