import Codec

extension TypedValue {
    /// The value with all that the other one gives: what is one value is replaced, maps, objects and lists of elements
    /// are merged. Both must be of their type (`problems`).
    package func merging(_ other: TypedValue) -> TypedValue {
        TypedValue(Self.merge(value, other.value, shape) ?? .null, schema)
    }

    /// Nil if nothing remains.
    private static func merge(_ live: JSONValue?, _ given: JSONValue?, _ shape: Shape) -> JSONValue? {
        switch shape {
        case .scalar, .atomicList, .atomicMap: return given ?? live
        case .set: return mergeLists(live, given, nil, .scalar(.any))
        case .keyedList(let keys, let element): return mergeLists(live, given, keys, element)
        case .map, .structure: return mergeMembers(live, given, shape)
        case .open:
            let isMap: Bool = (given ?? live)?.object != nil && (given == nil || live?.object != nil)
            return isMap ? mergeMembers(live, given, .map(.open)) : given ?? live
        }
    }

    private static func mergeMembers(_ live: JSONValue?, _ given: JSONValue?, _ shape: Shape) -> JSONValue? {
        let old: JSONObject = live?.object ?? JSONObject()
        let new: JSONObject = given?.object ?? JSONObject()
        // Absent, null and empty stay different.
        if old.isEmpty, new.isEmpty { return given ?? live }
        if new.isEmpty { return live }
        var merged: JSONObject = old
        for (name, member) in new {
            merged[name] = merge(old[name], member, shape.member(name) ?? .open)
        }
        return .object(merged)
    }

    private static func mergeLists(
        _ live: JSONValue?, _ given: JSONValue?, _ keys: [Shape.ListKey]?, _ shape: Shape
    ) -> JSONValue? {
        let old: [JSONValue] = live?.array ?? []
        let new: [JSONValue] = given?.array ?? []
        if old.isEmpty, new.isEmpty { return given ?? live }
        if new.isEmpty { return live }
        return .array(ListMerge(old, new, keys).merged { merge($0, $1, shape) })
    }
}

/// Two lists of elements as one: those of the configuration in its order, and what only the live list has where it was.
///
///     live    a b c d        b and d are in both; the order that is wanted is d, x, b
///     given   d x b
///     merged  a c d x b      what stands before `d` in the live list stays before it
private struct ListMerge {
    private let live: [JSONValue]
    private let given: [JSONValue]
    private let liveElements: [PathElement?]
    private let givenElements: [PathElement?]
    /// Nil for elements that share their key: they are replaced, not merged.
    private var liveValues: [PathElement: JSONValue?] = [:]

    init(_ live: [JSONValue], _ given: [JSONValue], _ keys: [Shape.ListKey]?) {
        self.live = live
        self.given = given
        liveElements = live.map { try? PathElement(of: $0, keys) }
        givenElements = given.map { try? PathElement(of: $0, keys) }
        for (value, element) in zip(live, liveElements) {
            guard let element else { continue }
            liveValues[element] = liveValues[element] == nil ? .some(value) : .some(nil)
        }
    }

    func merged(_ merge: (JSONValue?, JSONValue?) -> JSONValue?) -> [JSONValue] {
        let wanted: Set<PathElement> = Set(givenElements.compactMap { $0 })
        var shared: ArraySlice<PathElement> = givenElements.compactMap { $0 }.filter { liveValues[$0] != nil }[...]
        var done: Set<PathElement> = []
        var out: [JSONValue] = []
        var liveIndex: Int = 0
        var givenIndex: Int = 0
        while liveIndex < live.count || givenIndex < given.count {
            if liveIndex < live.count {
                let element: PathElement? = liveElements[liveIndex]
                guard let element, wanted.contains(element) else {
                    // Only the live list has it.
                    if let value = merge(live[liveIndex], nil) { out.append(value) }
                    liveIndex += 1
                    continue
                }
                // Its turn comes with the configuration's order.
                if done.contains(element) || shared.first.map({ $0 != element }) ?? true {
                    liveIndex += 1
                    continue
                }
            }
            guard givenIndex < given.count else { continue }
            let element: PathElement? = givenElements[givenIndex]
            let old: JSONValue? = element.flatMap { liveValues[$0] ?? nil }
            if let value = merge(old, given[givenIndex]) { out.append(value) }
            if let element {
                done.insert(element)
                if shared.first == element {
                    shared.removeFirst()
                    if liveIndex < live.count, liveElements[liveIndex] == element { liveIndex += 1 }
                }
            }
            givenIndex += 1
        }
        return out
    }
}
