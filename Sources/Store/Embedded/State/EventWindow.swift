/// The newest events, in memory, so that watches and reads of the recent past need no disk.
///
///     floor = 41           42      43 43 43     44 45            revision = 45
///     (gone before)      [batch] [  batch  ] [  batch  ]
///
/// All events with a revision above `floor` are here. Bounded by events and bytes; the oldest batches go first.
struct EventWindow: Sendable {
    /// What one commit published.
    struct Batch: Sendable {
        var events: [StoreEvent]
        /// Revision of the last event.
        var last: Revision
        var bytes: Int
    }

    struct Limits: Sendable {
        var events: Int
        var bytes: Int
    }

    /// Events up to here, inclusive, are not here.
    private(set) var floor: Revision
    private(set) var eventCount: Int = 0
    private(set) var bytes: Int = 0
    private let limits: Limits
    private var batches: [Batch] = []
    /// Batches before this index are gone; the array is trimmed now and then.
    private var head: Int = 0

    init(floor: Revision, limits: Limits) {
        self.floor = floor
        self.limits = limits
    }

    /// Events come in the order of revisions; each batch ends a revision.
    mutating func append(_ events: [StoreEvent]) {
        guard let last = events.last?.current.modRevision else { return }
        let size: Int = events.reduce(0) { $0 + $1.bytes }
        batches.append(Batch(events: events, last: last, bytes: size))
        eventCount += events.count
        bytes += size
        // The newest batch stays, however large: live watchers are served from it.
        while batches.count - head > 1, eventCount > limits.events || bytes > limits.bytes {
            dropOldest()
        }
        if head > 64 && head > batches.count / 2 {
            batches.removeSubrange(..<head)
            head = 0
        }
    }

    /// The batches that have events after `revision`; nil if some of those are no longer here.
    func batches(after revision: Revision) -> ArraySlice<Batch>? {
        guard revision >= floor else { return nil }
        var low = head
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].last > revision {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return batches[low...]
    }

    private mutating func dropOldest() {
        let oldest = exchange(&batches[head], with: Batch(events: [], last: 0, bytes: 0))
        head += 1
        floor = oldest.last
        eventCount -= oldest.events.count
        bytes -= oldest.bytes
    }
}

extension StoreEvent {
    /// Bytes of keys and values that it holds.
    var bytes: Int {
        current.key.count + current.value.count + (previous?.value.count ?? 0)
    }
}

extension ArraySlice<EventWindow.Batch> {
    /// Events after `revision` of keys with `prefix`, in order.
    func events(prefix: [UInt8], after revision: Revision) -> [StoreEvent] {
        var found: [StoreEvent] = []
        for batch in self {
            for event in batch.events
            where event.current.modRevision > revision && Bytes.hasPrefix(event.current.key, prefix) {
                found.append(event)
            }
        }
        return found
    }
}

extension RecordTree {
    /// The tree as it was before `events`, which are in order.
    consuming func undoing(_ events: [StoreEvent]) -> RecordTree {
        var tree = self
        for event in events.reversed() {
            if let previous = event.previous {
                tree.put(Record(previous, id: .none))
            } else {
                tree.remove(event.current.key)
            }
        }
        return tree
    }
}
