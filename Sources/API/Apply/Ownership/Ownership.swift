package import APIMachinery
import Codec

/// Who owns which fields of one object: `metadata.managedFields`, read.
package struct Ownership: Sendable {
    package internal(set) var owners: [OwnedFields] = []

    package init() {}

    package init(_ entries: [ManagedFieldsEntry]) throws(ManagedFieldsProblem) {
        var places: [FieldOwner: Int] = [:]
        for (index, entry) in entries.enumerated() {
            guard let operation = FieldOwner.Operation(rawValue: entry.operation) else {
                throw ManagedFieldsProblem(text: "operation must be `Apply` or `Update`")
            }
            if entry.apiVersion.isEmpty { throw ManagedFieldsProblem(text: "apiVersion must not be empty") }
            if entry.fieldsType.isEmpty {
                throw ManagedFieldsProblem(text: "missing fieldsType in managed fields entry \(index)")
            }
            if entry.fieldsType != "FieldsV1" {
                throw ManagedFieldsProblem(
                    text: "invalid fieldsType \"\(entry.fieldsType)\" in managed fields entry \(index)")
            }
            var owner = FieldOwner(
                entry.manager, operation, apiVersion: entry.apiVersion, subresource: entry.subresource)
            owner.manager = entry.manager
            var owned = OwnedFields(owner, time: entry.time, FieldSet())
            if let fields = entry.fieldsV1 {
                do throws(JSONError) {
                    owned.fields = try JSONReader.decode(FieldSet.self, from: fields.json)
                } catch {
                    throw ManagedFieldsProblem(text: error.message)
                }
                owned.encoded = fields
            }
            // Of two entries of one owner the later one counts.
            if let place = places[owner] {
                owners[place] = owned
            } else {
                places[owner] = owners.count
                owners.append(owned)
            }
        }
    }

    /// As it is stored: by operation, time, and name.
    package var entries: [ManagedFieldsEntry] {
        let sorted: [OwnedFields] = owners.sorted { left, right in
            if left.owner.operation != right.owner.operation { return left.owner.operation == .apply }
            let (one, two): (Int64, Int64) = (left.time?.sortKey ?? 0, right.time?.sortKey ?? 0)
            if one != two { return one < two }
            for (one, two) in [
                (left.owner.manager, right.owner.manager), (left.owner.apiVersion, right.owner.apiVersion),
            ] where one != two { return one.byteOrder(two) < 0 }
            return left.owner.subresource.byteOrder(right.owner.subresource) < 0
        }
        return sorted.map { owned in
            ManagedFieldsEntry.with { entry in
                entry.manager = owned.owner.manager
                entry.operation = owned.owner.operation.rawValue
                entry.apiVersion = owned.owner.apiVersion
                entry.subresource = owned.owner.subresource
                entry.time = owned.time
                entry.fieldsType = "FieldsV1"
                entry.fieldsV1 = owned.encoded ?? FieldsV1(owned.fields.jsonBytes)
            }
        }
    }

    package func index(of owner: FieldOwner) -> Int? {
        owners.firstIndex { $0.owner == owner }
    }

    package func fields(of owner: FieldOwner) -> FieldSet? {
        index(of: owner).map { owners[$0].fields }
    }

    /// Without owners that own nothing.
    package var withoutEmpty: Ownership {
        var result: Ownership = self
        result.dropEmpty()
        return result
    }

    mutating func dropEmpty() {
        owners.removeAll { $0.fields.isEmpty }
    }

    /// Upstream's limit of entries of updaters.
    package static let updaterLimit: Int = 10
    /// Whose name the oldest entries of updaters get when they are too many.
    package static let ancientName: String = "ancient-changes"

    /// Merges the oldest entries of updaters, per version, until there are no more than allowed.
    mutating func limitUpdaters(to limit: Int = Ownership.updaterLimit) {
        let updaters: [OwnedFields] = owners.filter { $0.owner.operation == .update }
        if updaters.count <= limit { return }
        let oldest: [OwnedFields] = updaters.sorted { left, right in
            let (one, two): (Int64, Int64) = (left.time?.sortKey ?? 0, right.time?.sortKey ?? 0)
            return one == two ? left.owner.precedes(right.owner) : one < two
        }
        let places: [FieldOwner: Int] = Dictionary(zip(owners.map(\.owner), owners.indices)) { $1 }
        var count: Int = updaters.count
        var firsts: [String: Int] = [:]
        var buckets: [String: Int] = [:]
        var merged: Set<FieldOwner> = []
        for updater in oldest {
            if count <= limit { break }
            let version: String = updater.owner.apiVersion
            guard let first = firsts[version] else {
                firsts[version] = places[updater.owner]
                continue
            }
            let name = FieldOwner(Self.ancientName, .update, apiVersion: version)
            let bucket: Int = buckets[version] ?? places[name] ?? first
            buckets[version] = bucket
            owners[bucket].owner = name
            owners[bucket].setFields(owners[bucket].fields.union(updater.fields))
            owners[bucket].time = updater.time
            if updater.owner != name { merged.insert(updater.owner) }
            count -= 1
        }
        owners.removeAll { merged.contains($0.owner) }
    }
}

extension [ManagedFieldsEntry] {
    /// Whether a client that sends these asks to forget all owners: one empty entry. (No entry at all says the same if
    /// it is said; that cannot be seen here.)
    package var isReset: Bool { count == 1 && self[0] == ManagedFieldsEntry() }

    /// Whether both say the same but for the times.
    package func isSame(butForTimes other: [ManagedFieldsEntry]) -> Bool {
        guard count == other.count else { return false }
        if self == other { return true }
        // Entries are sorted by time, so the order may differ.
        return sortedWithoutTimes == other.sortedWithoutTimes
    }

    private var sortedWithoutTimes: [ManagedFieldsEntry] {
        map { entry in
            var entry: ManagedFieldsEntry = entry
            entry.time = nil
            return entry
        }.sorted { left, right in
            (left.manager, left.operation, left.apiVersion, left.subresource)
                < (right.manager, right.operation, right.apiVersion, right.subresource)
        }
    }
}

extension Time {
    fileprivate var sortKey: Int64 { Int64(seconds) }
}
