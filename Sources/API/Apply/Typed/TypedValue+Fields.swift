import Codec

extension TypedValue {
    /// The fields that a configuration names: what its applier wants to own.
    package func fields() -> FieldSet {
        Self.fields(value, shape).children
    }

    /// Whether the value is one that is owned as a whole, and what is below it.
    private static func fields(_ value: JSONValue, _ shape: Shape) -> (isMember: Bool, children: FieldSet) {
        switch shape {
        case .scalar, .atomicList, .atomicMap: return (true, FieldSet())
        case .set: return (false, elements(value, nil, .scalar(.any)))
        case .keyedList(let keys, let element): return (false, elements(value, keys, element))
        case .map, .structure: return (false, members(value, shape))
        case .open:
            if value.object == nil { return (true, FieldSet()) }
            return (false, members(value, .map(.open)))
        }
    }

    private static func members(_ value: JSONValue, _ shape: Shape) -> FieldSet {
        var set = FieldSet()
        guard let object = value.object else { return set }
        for (name, member) in object {
            guard let inner = shape.member(name) else { continue }
            let (isMember, children): (Bool, FieldSet) = fields(member, inner)
            // Keys of maps are fields of their own; so is what is there but empty.
            let isBare: Bool = member.isNull || member.object?.isEmpty == true
            set.add(.field(name), isMember: isMember || isBare || !shape.hasField(name), children: children)
        }
        return set
    }

    private static func elements(_ value: JSONValue, _ keys: [Shape.ListKey]?, _ shape: Shape) -> FieldSet {
        var set = FieldSet()
        guard let array = value.array else { return set }
        let elements: [PathElement?] = array.map { try? PathElement(of: $0, keys) }
        var counts: [PathElement: Int] = [:]
        for element in elements {
            if let element { counts[element, default: 0] += 1 }
        }
        for (child, element) in zip(array, elements) {
            guard let element else { continue }
            // Elements that share their key are owned together.
            let isShared: Bool = counts[element] != 1
            set.add(element, isMember: true, children: isShared ? FieldSet() : fields(child, shape).children)
        }
        return set
    }

    /// The set with the fields above its own ones that the type names; keys of maps and elements of lists only if they
    /// are in it.
    func withNamedFields(_ set: FieldSet) -> FieldSet {
        Self.withNamedFields(set, shape)
    }

    private static func withNamedFields(_ set: FieldSet, _ shape: Shape) -> FieldSet {
        var result: FieldSet = set
        for index in result.entries.indices {
            let entry: FieldSet.Entry = result.entries[index]
            if entry.children.isEmpty { continue }
            var inner: Shape?
            switch entry.element {
            case .field(let name):
                inner = shape.member(name)
                if shape.hasField(name) { result.entries[index].isMember = true }
            case .key, .value, .index:
                if case .keyedList(_, let element) = shape { inner = element }
            }
            if let inner { result.entries[index].children = withNamedFields(entry.children, inner) }
        }
        return result
    }
}
