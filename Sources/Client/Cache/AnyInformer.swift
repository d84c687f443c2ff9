package import APIMachinery

/// An informer of whatever type.
package protocol AnyInformer: AnyObject, Sendable {
    var resource: GroupVersionResource { get }
    /// Whether the cache holds a complete list.
    var hasSynced: Bool { get }
    /// Returns when the cache holds a complete list (true), or the task is cancelled.
    @discardableResult func waitUntilSynced() async -> Bool
    /// Whether the cache shows what is expected of it.
    func shows(_ expectation: Expectation) -> Bool
    /// The UID of the object that the cache holds.
    func uid(_ key: ObjectKey) -> String?
    /// Called after each batch of changes; must be quick. Before `run`.
    func addObserver(_ observer: @escaping @Sendable () -> Void)
    func run() async
}

/// What a cache must show before its reader may trust it about an object that the reader wrote.
package struct Expectation: Sendable, Hashable {
    package enum Condition: Sendable, Hashable {
        /// This revision of the object, or a newer state.
        case revision(Int64)
        /// Anything newer than this revision: after a conflict.
        case newer(than: Int64)
        /// That the object with this UID is gone or going.
        case deleted(uid: String)
    }

    package var target: ObjectKey
    package var resource: GroupVersionResource
    package var condition: Condition

    package init(_ resource: GroupVersionResource, _ target: ObjectKey, _ condition: Condition) {
        self.resource = resource
        self.target = target
        self.condition = condition
    }
}

extension ObjectCache {
    /// Whether the cache shows what is expected of it.
    package func shows(_ expectation: Expectation) -> Bool {
        let known: Snapshot? = snapshot(expectation.target)
        switch expectation.condition {
        case .revision(let revision):
            // The object may have been deleted since; then only the cache's own revision tells.
            return known.map { $0.revision >= revision } ?? false || self.revision >= revision
        case .newer(let revision):
            return known.map { $0.revision > revision } ?? true
        case .deleted(let uid):
            guard let known else { return true }
            guard let metadata = Self.decode(known)?.metadata else { return true }
            return metadata.uid != uid || metadata.deletionTimestamp != nil
        }
    }
}
