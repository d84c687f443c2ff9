import Codec

extension TypedValue {
    /// The value without the fields of the set and what is below them. What is one value goes only as a whole.
    func removing(_ set: FieldSet) -> TypedValue {
        TypedValue(Self.remove(set, from: value, shape) ?? .emptyObject, schema)
    }

    /// Nil if nothing remains.
    private static func remove(_ set: FieldSet, from value: JSONValue, _ shape: Shape) -> JSONValue? {
        switch shape {
        case .scalar, .atomicList, .atomicMap: return value
        case .set: return removeElements(set, value, nil, .scalar(.any))
        case .keyedList(let keys, let element): return removeElements(set, value, keys, element)
        case .map, .structure: return removeMembers(set, value, shape)
        case .open: return value.object == nil ? value : removeMembers(set, value, .map(.open))
        }
    }

    private static func removeMembers(_ set: FieldSet, _ value: JSONValue, _ shape: Shape) -> JSONValue? {
        guard let object = value.object, !object.isEmpty else { return nil }
        var rest = JSONObject()
        for (name, member) in object {
            guard let entry = set.entry(.field(name)) else {
                rest[name] = member
                continue
            }
            if entry.isMember { continue }
            // As upstream: what is emptied remains as null.
            rest[name] = shape.member(name).map { remove(entry.children, from: member, $0) ?? .null } ?? member
        }
        return rest.isEmpty ? nil : .object(rest)
    }

    private static func removeElements(
        _ set: FieldSet, _ value: JSONValue, _ keys: [Shape.ListKey]?, _ shape: Shape
    ) -> JSONValue? {
        guard let array = value.array, !array.isEmpty else { return nil }
        var rest: [JSONValue] = []
        for child in array {
            guard let element = try? PathElement(of: child, keys), let entry = set.entry(element) else {
                rest.append(child)
                continue
            }
            if entry.isMember { continue }
            rest.append(entry.children.isEmpty ? child : remove(entry.children, from: child, shape) ?? .null)
        }
        return rest.isEmpty ? nil : .array(rest)
    }
}
