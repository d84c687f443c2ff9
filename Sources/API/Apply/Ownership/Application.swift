package import APIMachinery
package import Codec

/// One server-side apply: a configuration brought to the object that is there.
package struct Application {
    /// Of the object that is there, without managed fields; an empty object if there is none.
    package var live: TypedValue
    /// What the applier wants, of the same type, and checked.
    package var configuration: TypedValue
    package var applier: FieldOwner
    /// Takes fields from other owners instead of failing.
    package var force: Bool
    package var now: Time
    package var reset: ResetFields
    package var convert: VersionConverter

    package init(
        live: TypedValue, configuration: TypedValue, applier: FieldOwner, force: Bool, now: Time, reset: ResetFields,
        convert: @escaping VersionConverter = { _, _, _ in nil }
    ) {
        self.live = live
        self.configuration = configuration
        self.applier = applier
        self.force = force
        self.now = now
        self.reset = reset
        self.convert = convert
    }

    /// What an apply made.
    package struct Result {
        package var object: JSONValue
        package var ownership: Ownership
        /// Whether the object is other than it was.
        package var isChanged: Bool
    }

    /// The object and its ownership after the apply. Fields that the applier had and gives up are removed, unless
    /// somebody else has them.
    package func apply(to ownership: Ownership) throws(ApplyConflict) -> Result {
        var owners: Ownership = ownership
        let version: String = applier.apiVersion
        let last: OwnedFields? = owners.index(of: applier).map { owners.owners[$0] }
        let named: FieldSet = reset.filter(configuration.fields())
        let wanted: FieldSet = named.subtracting(.systemFields)
        var mine = OwnedFields(applier, time: last?.time, wanted)
        if let last, last.fields == wanted { mine.encoded = last.encoded }
        owners.owners.removeAll { $0.owner == applier }
        owners.owners.append(mine)
        // While things are taken out, the configuration holds on to all that it names: nobody owns an object's name,
        // and without it the metadata would go with its last label.
        var holders: Ownership = owners
        holders.owners[holders.owners.count - 1].fields = named
        let merged: TypedValue = prune(live.merging(configuration), holders, last)
        let written = WrittenObject(
            schema: live.schema, apiVersion: version, old: ObjectBytes(live.value.jsonBytes),
            new: ObjectBytes(merged.value.jsonBytes), convert: convert)
        let changes: FieldChanges = written.changes?.filtered(reset) ?? FieldChanges()
        if !force {
            let conflicts = owners.conflicts(changes, except: applier, written, reset)
            if !conflicts.isEmpty { throw ApplyConflict(conflicts) }
        }
        owners.giveUp(changes, except: applier, written, reset)
        let isChanged: Bool = merged.value != live.value
        if isChanged, let place = owners.index(of: applier) { owners.owners[place].time = now }
        owners.dropEmpty()
        return Result(object: merged.value, ownership: owners, isChanged: isChanged)
    }

    // MARK: - What is given up

    private func prune(_ merged: TypedValue, _ owners: Ownership, _ last: OwnedFields?) -> TypedValue {
        guard let last, !last.fields.isEmpty else { return merged }
        let version: String = last.owner.apiVersion
        let isSameVersion: Bool = version == applier.apiVersion
        if isSameVersion, let mine = owners.fields(of: applier), last.fields.isSubset(of: mine) { return merged }
        guard let old = isSameVersion ? merged : convert(merged.value, applier.apiVersion, version) else {
            return merged
        }
        var pruned: TypedValue = old.removing(old.withNamedFields(last.fields))
        pruned = addBackOwned(old, pruned, owners, at: version)
        pruned = addBackOthers(old, pruned, last.fields)
        return isSameVersion ? pruned : convert(pruned.value, version, applier.apiVersion) ?? merged
    }

    /// Puts back what somebody owns; the applier's own new fields are among it.
    private func addBackOwned(_ merged: TypedValue, _ pruned: TypedValue, _ owners: Ownership, at version: String)
        -> TypedValue
    {
        var fields: [String: FieldSet] = [:]
        for owned in owners.owners { fields[owned.owner.apiVersion, default: FieldSet()].formUnion(owned.fields) }
        var result: TypedValue = pruned
        // The version of the last apply first, then the others.
        let versions: [String] = fields.keys.filter { $0 != version }.sorted()
        for other in (fields[version] == nil ? [] : [version]) + versions {
            guard let owned = fields[other] else { continue }
            let isSame: Bool = other == version
            guard let all = isSame ? merged : convert(merged.value, version, other),
                let some = isSame ? result : convert(result.value, version, other)
            else { continue }
            let kept: FieldSet = all.withNamedFields(some.fields()).union(all.withNamedFields(owned))
            let rest: TypedValue = all.removing(all.withNamedFields(all.fields()).subtracting(kept))
            result = isSame ? rest : convert(rest.value, other, version) ?? result
        }
        return result
    }

    /// Puts back what the applier did not own: it cannot give that up.
    private func addBackOthers(_ merged: TypedValue, _ pruned: TypedValue, _ last: FieldSet) -> TypedValue {
        let before: FieldSet = merged.withNamedFields(merged.fields())
        let after: FieldSet = merged.withNamedFields(pruned.fields())
        return merged.removing(before.subtracting(after).intersection(merged.withNamedFields(last)))
    }
}

/// Fields that an apply would take from others.
package struct ApplyConflict: Error {
    package var conflicts: [(owner: FieldOwner, path: [PathElement])]

    init(_ sets: [(owner: FieldOwner, fields: FieldSet)]) {
        conflicts = sets.flatMap { set in set.fields.paths.map { (set.owner, $0) } }
    }

    /// The fields in question.
    var fields: FieldSet { FieldSet(conflicts.map(\.path)) }

    /// The conflicts about fields that are not among these.
    func subtracting(_ fields: FieldSet) -> ApplyConflict {
        var rest: ApplyConflict = self
        rest.conflicts.removeAll { fields.contains($0.path) }
        return rest
    }

    /// Upstream's text and causes.
    package var statusError: StatusError {
        let causes: [StatusCause] = conflicts.map { conflict in
            StatusCause.with { cause in
                cause.reason = "FieldManagerConflict"
                cause.message = "conflict with " + conflict.owner.description
                cause.field = conflict.path.pathText
            }
        }
        return .applyConflict(message, causes: causes)
    }

    private var message: String {
        if conflicts.count == 1, let only = conflicts.first {
            return "Apply failed with 1 conflict: conflict with \(only.owner.description): \(only.path.pathText)"
        }
        var lines: [String] = []
        var last: FieldOwner?
        for conflict in conflicts {
            if conflict.owner != last { lines.append("conflicts with \(conflict.owner.description):") }
            last = conflict.owner
            lines.append("- " + conflict.path.pathText)
        }
        return "Apply failed with \(conflicts.count) conflicts: " + lines.joined(separator: "\n")
    }
}
