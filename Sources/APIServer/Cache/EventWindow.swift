import APIMachinery
import Store

/// The newest changes of a resource, for watches that begin in the recent past. Bounded in events and bytes.
struct EventWindow {
    private var events: [CachedEvent] = []
    private var first: Int = 0
    private var bytes: Int = 0
    /// Every change after this revision is in the window.
    private(set) var since: Revision
    /// So many of the newest events keep their frames.
    private static let frameLimit: Int = 128
    private let countLimit: Int
    private let bytesLimit: Int

    init(since: Revision, countLimit: Int = 4096, bytesLimit: Int = 8 << 20) {
        self.since = since
        self.countLimit = countLimit
        self.bytesLimit = bytesLimit
    }

    private static func size(_ event: CachedEvent) -> Int {
        // The current state is held anyway as long as it is current; count it all the same.
        event.object.snapshot.bytes.count + 256
    }

    mutating func append(_ event: CachedEvent) {
        events.append(event)
        // By now all quick watchers have had it.
        if events.count - first > Self.frameLimit { events[events.count - 1 - Self.frameLimit].dropFrames() }
        bytes += Self.size(event)
        while events.count - first > countLimit || (bytes > bytesLimit && events.count - first > 1) {
            let oldest: CachedEvent = events[first]
            bytes -= Self.size(oldest)
            since = oldest.revision
            first += 1
        }
        if first > countLimit {
            events.removeFirst(first)
            first = 0
        }
    }

    /// The changes after a revision, which is not before `since`.
    func after(_ revision: Revision) -> ArraySlice<CachedEvent> {
        var low: Int = first
        var high: Int = events.count
        while low < high {
            let middle: Int = (low + high) / 2
            if events[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return events[low...]
    }
}
