package import APIMachinery
package import Codec
import Synchronization

/// What selectors look at.
package struct Selection: Sendable {
    package var labels: StringMap<String>
    /// In the order of the resource's `selectableFields`.
    package var fields: [String]

    package init(labels: StringMap<String>, fields: [String]) {
        self.labels = labels
        self.fields = fields
    }
}

/// One object in a watch cache: its key, its snapshot, and what selectors look at, found out when first asked.
package final class CachedObject: Sendable {
    /// The store's key, in the store's buffer.
    package let key: [UInt8]
    package let snapshot: Snapshot
    private let known: Mutex<Selection?>

    package init(key: [UInt8], snapshot: Snapshot) {
        self.key = key
        self.snapshot = snapshot
        self.known = Mutex(nil)
    }

    /// Decodes at most once (or twice, when two threads ask at once).
    func selection(_ find: (Snapshot) -> Selection) -> Selection {
        if let known = known.withLock({ $0 }) { return known }
        let found: Selection = find(snapshot)
        known.withLock { $0 = found }
        return found
    }
}

/// One change as the watch cache keeps it.
package final class CachedEvent: Sendable {
    /// How a watcher wants its events: which frame it is.
    package struct Encoding: Hashable, Sendable {
        package var id: String
        package init(_ id: String) { self.id = id }
        package static let json = Encoding("json")
    }

    package let kind: WatchEvent.Kind
    /// For a deletion, the last state at the revision of the deletion.
    package let object: CachedObject
    package let previous: CachedObject?
    package var revision: Int64 { object.snapshot.revision }
    /// Rarely more than two: looking through them is quicker than hashing, once per watcher.
    private let frames: Mutex<[(encoding: Encoding, frame: [UInt8])]>

    package init(_ kind: WatchEvent.Kind, _ object: CachedObject, previous: CachedObject?) {
        self.kind = kind
        self.object = object
        self.previous = previous
        self.frames = Mutex([])
    }

    package func knownFrame(_ encoding: Encoding) -> [UInt8]? {
        frames.withLock { frames in
            for known in frames where known.encoding == encoding { return known.frame }
            return nil
        }
    }

    /// Gives the frames' memory back; they are made again in the rare case that somebody still wants them.
    func dropFrames() {
        frames.withLock { $0 = [] }
    }

    /// The event as bytes for the wire, made once per encoding and shared by all watchers.
    package func frame(_ encoding: Encoding, make: () -> [UInt8]) -> [UInt8] {
        if let frame = knownFrame(encoding) { return frame }
        let frame: [UInt8] = make()
        // Two that make it at once both keep theirs; the first is found.
        frames.withLock { $0.append((encoding, frame)) }
        return frame
    }
}

/// What is delivered to one watcher.
package struct Delivery: Sendable {
    package var kind: WatchEvent.Kind
    package var snapshot: Snapshot
    /// Set when all watchers get this very event, so that its frame can be shared.
    package var shared: CachedEvent?

    package init(_ kind: WatchEvent.Kind, _ snapshot: Snapshot, shared: CachedEvent? = nil) {
        self.kind = kind
        self.snapshot = snapshot
        self.shared = shared
    }
}
