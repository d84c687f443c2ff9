package import APIMachinery
package import Codec

/// Which fields of an object a writer of one endpoint cannot own, because the endpoint does not write them.
package struct ResetFields: Sendable {
    /// Fields that go back to what they were, with all below them.
    package var excluded: FieldSet
    /// If not empty, only what is at or below these paths is written; a step `nil` is any element.
    package var included: [[PathElement?]]

    package init(excluding excluded: FieldSet = FieldSet(), includingOnly included: [[PathElement?]] = []) {
        self.excluded = excluded
        self.included = included
    }

    package static let none = ResetFields()

    func filter(_ set: FieldSet) -> FieldSet {
        let rest: FieldSet = set.subtractingTrees(excluded)
        return included.isEmpty ? rest : Self.keep(rest, included[...].map { $0[...] })
    }

    private static func keep(_ set: FieldSet, _ patterns: [ArraySlice<PathElement?>]) -> FieldSet {
        if patterns.contains(where: { $0.isEmpty }) { return set }
        var result = FieldSet()
        for entry in set.entries {
            let inner: [ArraySlice<PathElement?>] = patterns.filter { pattern in
                guard let first = pattern.first, let step = first else { return true }
                return step == entry.element
            }.map { $0.dropFirst() }
            if inner.isEmpty { continue }
            // As upstream: what lies on the way to a pattern stays.
            result.add(entry.element, isMember: entry.isMember, children: keep(entry.children, inner))
        }
        return result
    }
}

/// Brings an object, given as JSON, from one version to another; nil if that one is not served.
package typealias VersionConverter = (_ object: JSONValue, _ from: String, _ to: String) -> TypedValue?

/// An object before and after a write, in the version that was written.
package struct WrittenObject {
    package var schema: Schema
    package var apiVersion: String
    package var old: ObjectBytes
    package var new: ObjectBytes
    /// For owners that wrote another version; those of one that is not served any more are forgotten.
    package var convert: VersionConverter

    package init(
        schema: Schema, apiVersion: String, old: ObjectBytes, new: ObjectBytes,
        convert: @escaping VersionConverter = { _, _, _ in nil }
    ) {
        self.schema = schema
        self.apiVersion = apiVersion
        self.old = old
        self.new = new
        self.convert = convert
    }

    /// What changed, as seen in the version that was written.
    var changes: FieldChanges? { FieldChanges(from: old, to: new, schema: schema) }

    /// What changed, as seen in another version.
    func changes(in version: String) -> FieldChanges? {
        guard let before = converted(old, version), let after = converted(new, version) else { return nil }
        return FieldChanges(
            from: ObjectBytes(before.value.jsonBytes), to: ObjectBytes(after.value.jsonBytes), schema: after.schema)
    }

    private func converted(_ object: ObjectBytes, _ version: String) -> TypedValue? {
        guard let value = try? JSONValue(parsing: Array(object.bytes[object.start...])) else { return nil }
        return convert(value, apiVersion, version)
    }
}

extension Ownership {
    /// What a create, update or patch by `writer` makes of the ownership: it takes the fields that it changed, from
    /// whoever had them, and nobody keeps what is gone.
    ///
    /// Nil if it stays as it was, times included; the common case, which reads no entry.
    package static func afterUpdate(
        of entries: [ManagedFieldsEntry], by writer: FieldOwner, at now: Time, _ written: WrittenObject,
        reset: ResetFields
    ) -> [ManagedFieldsEntry]? {
        guard let changes = written.changes?.filtered(reset), !changes.isEmpty else { return nil }
        // What cannot be read is forgotten.
        guard var ownership = try? Ownership(entries) else { return [] }
        ownership.giveUp(changes, except: nil, written, reset)
        if !changes.taken.isEmpty {
            if let place = ownership.index(of: writer) {
                ownership.owners[place].setFields(ownership.owners[place].fields.union(changes.taken))
                ownership.owners[place].time = now
            } else {
                ownership.owners.append(OwnedFields(writer, time: now, changes.taken))
            }
        }
        ownership.dropEmpty()
        ownership.limitUpdaters()
        return ownership.entries
    }

    /// What others have of fields that were changed, per owner, in the order of owners.
    func conflicts(
        _ changes: FieldChanges, except applier: FieldOwner, _ written: WrittenObject, _ reset: ResetFields
    ) -> [(owner: FieldOwner, fields: FieldSet)] {
        var versions: [String: FieldChanges] = [written.apiVersion: changes]
        var conflicts: [(owner: FieldOwner, fields: FieldSet)] = []
        for owned in owners where owned.owner != applier {
            guard let changes = Self.changes(owned.owner.apiVersion, &versions, written, reset) else { continue }
            let fields: FieldSet = owned.fields.intersection(changes.taken)
            if !fields.isEmpty { conflicts.append((owned.owner, fields)) }
        }
        return conflicts.sorted { $0.owner.precedes($1.owner) }
    }

    /// Takes from all owners but one what was changed or removed.
    mutating func giveUp(
        _ changes: FieldChanges, except applier: FieldOwner?, _ written: WrittenObject, _ reset: ResetFields
    ) {
        var versions: [String: FieldChanges] = [written.apiVersion: changes]
        var kept: [OwnedFields] = []
        for var owned in owners {
            if owned.owner == applier {
                kept.append(owned)
                continue
            }
            // Owners in a version that is not served any more are forgotten.
            guard let changes = Self.changes(owned.owner.apiVersion, &versions, written, reset) else { continue }
            if !owned.fields.isDisjoint(with: changes.taken) || !owned.fields.isDisjoint(with: changes.removed) {
                owned.setFields(owned.fields.subtracting(changes.taken).subtracting(changes.removed))
            }
            kept.append(owned)
        }
        owners = kept
    }

    private static func changes(
        _ version: String, _ known: inout [String: FieldChanges], _ written: WrittenObject, _ reset: ResetFields
    ) -> FieldChanges? {
        if let changes = known[version] { return changes }
        known[version] = written.changes(in: version)?.filtered(reset)
        return known[version]
    }
}

extension FieldChanges {
    func filtered(_ reset: ResetFields) -> FieldChanges {
        if reset.excluded.isEmpty, reset.included.isEmpty { return self }
        var changes = FieldChanges()
        changes.taken = reset.filter(taken)
        changes.removed = reset.filter(removed)
        return changes
    }
}
