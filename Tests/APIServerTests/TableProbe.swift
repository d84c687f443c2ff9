import APIMachinery

@testable import APIServer

/// Drives the cache's insides.
struct TableProbe {
    private var table = ObjectTable()
    private let info: ResourceInfo

    init(_ info: ResourceInfo) {
        self.info = info
    }

    private func key(_ number: Int) -> [UInt8] { info.key(namespace: "n\(number % 3)", name: "name-\(number)") }

    private func snapshot(_ number: Int, revision: Int64) -> Snapshot {
        Snapshot(namespace: "n\(number % 3)", name: "name-\(number)", revision: revision, bytes: [0x7B, 0x7D], slot: 2)
    }

    mutating func put(_ number: Int) {
        table.put(CachedObject(key: key(number), snapshot: snapshot(number, revision: 1)))
    }

    mutating func remove(_ number: Int) {
        table.remove(key(number))
    }

    var count: Int { table.count }

    var isSorted: Bool {
        let keys: [[UInt8]] = table.objects(prefix: info.keyPrefix(namespace: "")).map { $0.key }
        return keys.count == table.count
            && zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
            && keys.allSatisfy { table.get($0)?.key == $0 }
    }

    /// So many changes at once.
    func flood(_ cache: ResourceCache, count: Int, from revision: Int64) {
        let changes: [ResourceCache.Change] = (0..<count).map { index in
            let number: Int = index * 3
            let name: String = "name-\(number)"
            let at: Int64 = revision + Int64(index)
            return ResourceCache.Change(
                key: info.key(namespace: "default", name: name), revision: at,
                snapshot: Snapshot(namespace: "default", name: name, revision: at, bytes: [0x7B, 0x7D], slot: 2))
        }
        cache.apply(changes)
    }
}
