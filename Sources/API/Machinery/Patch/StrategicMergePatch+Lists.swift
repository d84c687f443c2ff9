import Codec

/// Lists that merge: of scalars as sets, of objects by their merge key.
extension StrategicMergePatch {
    static func mergeList(
        _ patch: [JSONValue], into original: [JSONValue], _ field: Field, isDeletion: Bool
    ) throws(PatchError) -> [JSONValue] {
        guard let sample = original.first ?? patch.first else { return original }
        try checkKinds(original + patch, sample)
        guard sample.object != nil else {
            if isDeletion {
                let leaving: Set<JSONValue> = Set(patch)
                return original.filter { !leaving.contains($0) }
            }
            var seen: Set<JSONValue> = []
            let merged: [JSONValue] = (original + patch).filter { seen.insert($0).inserted }
            return try ordered(merged, by: patch, server: original, "")
        }
        let key: String = field.mergeKey
        if key.isEmpty { throw .unclassified("cannot merge lists without merge key for type struct") }
        let (kept, changes) = try applySpecialElements(patch, to: original, key)
        var merged: [JSONValue] = kept
        // The first place of each key's value: lists may be as long as a request allows.
        var places: [JSONValue: Int] = [:]
        for (index, element) in merged.enumerated() {
            if let value = element[key], places[value] == nil { places[value] = index }
        }
        for change in changes {
            guard case .object(let object) = change else { continue }
            guard let value = object[key] else { throw noMergeKey(object, key) }
            if let index = places[value] {
                guard case .object(let before) = merged[index] else { continue }
                merged[index] = .object(try merge(object, into: before, field.shape))
            } else {
                places[value] = merged.count
                merged.append(clean(change))
            }
        }
        return try ordered(merged, by: changes, server: kept, key)
    }

    /// Elements with `$patch`: `delete` removes the elements of the same key, `replace` all there were.
    private static func applySpecialElements(
        _ patch: [JSONValue], to original: [JSONValue], _ key: String
    ) throws(PatchError) -> (kept: [JSONValue], changes: [JSONValue]) {
        var leaving: Set<JSONValue> = []
        var changes: [JSONValue] = []
        var replaces: Bool = false
        for element in patch {
            guard case .object(let object) = element, let directive = object[patchDirective] else {
                changes.append(element)
                continue
            }
            switch directive.string {
            case "delete":
                guard let value = object[key] else { throw noMergeKey(object, key) }
                leaving.insert(value)
            case "replace": replaces = true
            case "merge": throw .unclassified("merging lists cannot yet be specified in the patch")
            default:
                throw .unclassified("unknown patch type: \(plain(directive)) in map: \(JSONValue.object(object))")
            }
        }
        if replaces { return (cleanList(changes), []) }
        let kept: [JSONValue] = original.filter { element in element[key].map { !leaving.contains($0) } ?? true }
        return (kept, changes)
    }

    private static func noMergeKey(_ object: JSONObject, _ key: String) -> PatchError {
        .unclassified("map: \(JSONValue.object(object)) does not contain declared merge key: \(key)")
    }

    private static func checkKinds(_ items: [JSONValue], _ sample: JSONValue) throws(PatchError) {
        for item in items {
            if item.array != nil { throw .unprocessable("lists of lists are not supported") }
            guard (item.object != nil) == (sample.object != nil) else {
                throw .unclassified("list element types are not identical: \(JSONValue.array(items))")
            }
        }
    }

    // MARK: - Order

    /// What tells elements apart: the merge key's value, or the scalar itself.
    private static func identity(_ item: JSONValue, _ key: String) throws(PatchError) -> JSONValue {
        if key.isEmpty { return item }
        guard case .object(let object) = item else { throw badType(expected: "map", item) }
        guard let value = object[key] else { throw noMergeKey(object, key) }
        return value
    }

    /// Two orders are woven together, each kept as it is: that of the patch for the elements it names, and the
    /// server's for the others. An element that only the server has stays before the one it was before, if it can.
    ///
    ///     server a b c d, patch d b  →  a c d b
    static func ordered(
        _ items: [JSONValue], by order: [JSONValue], server: [JSONValue], _ key: String
    ) throws(PatchError) -> [JSONValue] {
        let orderIndex: [JSONValue: Int] = try positions(order, key)
        let serverIndex: [JSONValue: Int] = try positions(server, key)
        var named: [(item: JSONValue, place: Int, server: Int?)] = []
        var others: [(item: JSONValue, place: Int)] = []
        for item in items {
            let identity: JSONValue = try identity(item, key)
            if let place = orderIndex[identity] {
                named.append((item, place, serverIndex[identity]))
            } else {
                others.append((item, serverIndex[identity] ?? Int.max))
            }
        }
        named.sort { $0.place < $1.place }
        others.sort { $0.place < $1.place }
        var result: [JSONValue] = []
        result.reserveCapacity(items.count)
        var next: Int = 0
        for element in named {
            while next < others.count, let place = element.server, others[next].place < place {
                result.append(others[next].item)
                next += 1
            }
            result.append(element.item)
        }
        result += others[next...].map { $0.item }
        return result
    }

    /// The first place of each element. Elements of an order list may lack the key; they order nothing then.
    private static func positions(_ items: [JSONValue], _ key: String) throws(PatchError) -> [JSONValue: Int] {
        var result: [JSONValue: Int] = [:]
        for (index, item) in items.enumerated() {
            guard let identity = key.isEmpty ? item : item[key] else { continue }
            if result[identity] == nil { result[identity] = index }
        }
        return result
    }

    /// The elements of the patch must stand in the order that it gives, and be named there.
    static func checkOrder(of patch: [JSONValue], _ order: [JSONValue], _ key: String) throws(PatchError) {
        let elements: [JSONValue] = patch.filter { $0[patchDirective] == nil }
        if elements.isEmpty || order.isEmpty { return }
        var at: Int = 0
        for place in order where at < elements.count {
            if try identity(elements[at], key) == identity(place, key) { at += 1 }
        }
        guard at == elements.count else {
            throw .unclassified(
                "The order in patch list:\n\(JSONValue.array(patch))\n doesn't match \(setElementOrder) list:\n"
                    + "\(JSONValue.array(order))\n")
        }
    }
}
