package import APIMachinery
import Synchronization

/// The objects of one resource as a component knows them: a copy of the server's state, some moments old.
///
/// Filled by an `Informer`, or by hand in tests (`ObjectCache([pod, set])`). Holds snapshots, which in one process
/// are the API server's own, and decodes an object when first asked for it. All reads are short critical sections
/// under one lock; no decoding happens under it.
package final class ObjectCache<Object: APIObject>: Sendable {
    private struct State {
        /// By namespace, then name.
        var objects: [String: [String: Snapshot]] = [:]
        var count: Int = 0
        /// Few, and changed in place: iterating over a dictionary's keys while changing its values would copy them all.
        var indices: [Index] = []
        var revision: Int64 = 0
        var synced: Bool = false
    }

    private struct Index {
        let definition: ObjectIndex<Object>
        var entries: [String: Set<ObjectKey>] = [:]

        /// Moves a key from the values of one state of its object to those of the next; nil: there is none.
        mutating func update(_ key: ObjectKey, from old: Object?, to new: Object?) {
            let left: [String] = old.map(definition.values) ?? []
            let entered: [String] = new.map(definition.values) ?? []
            if left == entered { return }
            for value in left {
                entries[value]?.remove(key)
                if entries[value]?.isEmpty == true { entries[value] = nil }
            }
            for value in entered { entries[value, default: []].insert(key) }
        }
    }

    /// What one change did to the cache.
    package struct Change: Sendable {
        package var old: Snapshot?
        /// Nil: the object is gone.
        package var new: Snapshot?
        /// The revision that made the change.
        package var revision: Int64
    }

    private let state: Mutex<State> = Mutex(State())

    package init(indices: [ObjectIndex<Object>] = []) {
        for index in indices { addIndex(index) }
    }

    /// A filled cache, for tests. Objects without a resourceVersion get revision 1.
    package convenience init(_ objects: [Object], indices: [ObjectIndex<Object>] = []) {
        self.init(indices: indices)
        let snapshots: [Snapshot] = objects.map { Snapshot($0, revision: Int64($0.metadata.resourceVersion) ?? 1) }
        _ = replace(with: snapshots, revision: snapshots.map(\.revision).max() ?? 1)
    }

    // MARK: - Reading

    /// Whether the cache has ever held a complete list.
    package var hasSynced: Bool { state.withLock { $0.synced } }

    /// Every change up to this revision is in the cache (as far as its selector lets changes in).
    package var revision: Int64 { state.withLock { $0.revision } }

    package var count: Int { state.withLock { $0.count } }

    package subscript(key: ObjectKey) -> Object? { snapshot(key).flatMap(Self.decode) }

    package func get(_ namespace: String, _ name: String) -> Object? { self[ObjectKey(namespace, name)] }

    package func snapshot(_ key: ObjectKey) -> Snapshot? {
        state.withLock { $0.objects[key.namespace]?[key.name] }
    }

    /// The objects of a namespace, or all, in the order of their keys. O(n log n): use an index for large caches.
    package func list(namespace: String? = nil) -> [Object] {
        snapshots(namespace: namespace).compactMap(Self.decode)
    }

    package func list(namespace: String? = nil, where isWanted: (Object) -> Bool) -> [Object] {
        list(namespace: namespace).filter(isWanted)
    }

    /// What an index holds under a value, in the order of keys. The index must have been added.
    package func list(_ index: ObjectIndex<Object>, _ value: String) -> [Object] {
        let found: [Snapshot] = state.withLock { state in
            guard let known = state.indices.first(where: { $0.definition.name == index.name }) else {
                preconditionFailure("the cache has no index \(index.name)")
            }
            guard let keys = known.entries[value] else { return [] }
            return keys.compactMap { state.objects[$0.namespace]?[$0.name] }
        }
        return Self.sorted(found).compactMap(Self.decode)
    }

    /// How many objects an index holds under a value.
    package func count(_ index: ObjectIndex<Object>, _ value: String) -> Int {
        state.withLock { state in
            state.indices.first { $0.definition.name == index.name }?.entries[value]?.count ?? 0
        }
    }

    package func snapshots(namespace: String? = nil) -> [Snapshot] {
        let found: [Snapshot] = state.withLock { state in
            if let namespace { return state.objects[namespace].map { Array($0.values) } ?? [] }
            return state.objects.values.flatMap(\.values)
        }
        return Self.sorted(found)
    }

    package func keys(namespace: String? = nil) -> [ObjectKey] {
        snapshots(namespace: namespace).map { ObjectKey($0) }
    }

    /// Objects are checked by the informer before they enter the cache, so that this does not fail there.
    static func decode(_ snapshot: Snapshot) -> Object? {
        do {
            return try snapshot.decode(Object.self)
        } catch {
            return nil
        }
    }

    private static func sorted(_ snapshots: [Snapshot]) -> [Snapshot] {
        snapshots.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
    }

    // MARK: - Changing

    /// Adds an index and fills it; does nothing if there is one of that name.
    package func addIndex(_ index: ObjectIndex<Object>) {
        let present: [Snapshot]? = state.withLock { state in
            state.indices.contains { $0.definition.name == index.name } ? nil : state.objects.values.flatMap(\.values)
        }
        guard let present else { return }
        var filled = Index(definition: index)
        for snapshot in present {
            filled.update(ObjectKey(snapshot), from: nil, to: Self.decode(snapshot))
        }
        let result: Index = filled
        state.withLock { state in
            if !state.indices.contains(where: { $0.definition.name == index.name }) { state.indices.append(result) }
        }
    }

    /// Takes over a complete list; tells what changed, in the order of keys, deletions first.
    package func replace(with snapshots: [Snapshot], revision: Int64) -> [Change] {
        let wanted: Set<ObjectKey> = Set(snapshots.map { ObjectKey($0) })
        var changes: [Change] = []
        for old in self.snapshots() where !wanted.contains(ObjectKey(old)) {
            if let change = apply(remove: ObjectKey(old), revision: revision) { changes.append(change) }
        }
        for new in Self.sorted(snapshots) {
            if let change = apply(new) { changes.append(change) }
        }
        state.withLock { state in
            state.revision = max(state.revision, revision)
            state.synced = true
        }
        return changes
    }

    /// Takes over one object; nil if the cache has that revision, or a newer one of the same object.
    package func apply(_ new: Snapshot) -> Change? {
        let key = ObjectKey(new)
        let object: Object? = Self.decode(new)
        let known: Snapshot? = snapshot(key)
        let old: Object? = known.flatMap(Self.decode)
        if let known, known.revision >= new.revision, old?.metadata.uid == object?.metadata.uid { return nil }
        state.withLock { state in
            if state.objects[key.namespace, default: [:]].updateValue(new, forKey: key.name) == nil { state.count += 1 }
            for position in state.indices.indices { state.indices[position].update(key, from: old, to: object) }
        }
        return Change(old: known, new: new, revision: new.revision)
    }

    /// Forgets one object; nil if the cache has none.
    package func apply(remove key: ObjectKey, revision: Int64) -> Change? {
        guard let known = snapshot(key) else { return nil }
        let old: Object? = Self.decode(known)
        state.withLock { state in
            state.objects[key.namespace]?[key.name] = nil
            if state.objects[key.namespace]?.isEmpty == true { state.objects[key.namespace] = nil }
            state.count -= 1
            for position in state.indices.indices { state.indices[position].update(key, from: old, to: nil) }
        }
        return Change(old: known, new: nil, revision: revision)
    }

    /// Notes that everything up to `revision` has been applied.
    package func advance(to revision: Int64) {
        state.withLock { $0.revision = max($0.revision, revision) }
    }
}
