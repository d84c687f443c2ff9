package import Codec

/// Strategic merge patch: a merge patch that knows, from the type's schema, which lists merge and by which key.
///
/// Directives in the patch:
///
///     $patch: replace | delete            of an object, or of an element of a list
///     $retainKeys: [a, b]                 members that stay; all others go
///     $deleteFromPrimitiveList/x: […]     values that leave the list x
///     $setElementOrder/x: […]             the order of the list x
package enum StrategicMergePatch {
    static let patchDirective = "$patch"
    static let retainKeys = "$retainKeys"
    static let deleteFromPrimitiveList = "$deleteFromPrimitiveList"
    static let setElementOrder = "$setElementOrder"

    package static func apply(
        _ patch: [UInt8], to document: JSONValue, schema: Schema
    ) throws(PatchError) -> JSONValue {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: patch)
        } catch {
            throw .badRequest("error decoding patch: \(error.message)")
        }
        return try apply(value, to: document, schema: schema)
    }

    package static func apply(
        _ patch: JSONValue, to document: JSONValue, schema: Schema
    ) throws(PatchError) -> JSONValue {
        guard case .object(let changes) = patch else { throw .badRequest("invalid JSON document") }
        return .object(try merge(changes, into: document.object ?? JSONObject(), .message(schema)))
    }

    // MARK: - Objects

    static func merge(
        _ patch: JSONObject, into original: JSONObject, _ shape: Shape
    ) throws(PatchError) -> JSONObject {
        if let directive = patch[patchDirective] { return try replaced(by: patch, directive) }
        var patch: JSONObject = patch
        var result: JSONObject = original
        try applyRetainKeys(&result, &patch)
        try applyElementOrders(&result, &patch, shape)
        for (name, change) in patch {
            let isDeletion: Bool = name.hasPrefix(deleteFromPrimitiveList)
            let key: String = isDeletion ? try target(of: name, deleteFromPrimitiveList) : name
            if change.isNull {
                result.removeValue(forKey: key)
                continue
            }
            guard let current = result[key], current.isSameKind(as: change) else {
                if !isDeletion { result[key] = clean(change) }
                continue
            }
            switch (current, change) {
            case (.object(let before), .object(let changes)):
                let field: Field = try shape.field(key)
                let isReplaced: Bool = field.strategies.contains("replace")
                result[key] = .object(isReplaced ? changes : try merge(changes, into: before, field.shape))
            case (.array(let before), .array(let changes)):
                let field: Field = try shape.field(key)
                if field.merges {
                    result[key] = .array(try mergeList(changes, into: before, field, isDeletion: isDeletion))
                } else {
                    result[key] = change
                }
            default:
                result[key] = change
            }
        }
        return result
    }

    private static func replaced(by patch: JSONObject, _ directive: JSONValue) throws(PatchError) -> JSONObject {
        switch directive.string {
        case "replace":
            var rest: JSONObject = patch
            rest.removeValue(forKey: patchDirective)
            return rest
        case "delete": return JSONObject()
        default: throw .unclassified("unknown patch type: \(plain(directive)) in map: \(JSONValue.object(patch))")
        }
    }

    /// Removes what the directive does not name; every member of the patch must be named.
    private static func applyRetainKeys(_ result: inout JSONObject, _ patch: inout JSONObject) throws(PatchError) {
        guard let directive = patch.removeValue(forKey: retainKeys) else { return }
        guard let list = directive.array else { throw .badRequest("invalid patch format of retainKeys") }
        let kept: Set<JSONValue> = Set(list)
        for (key, value) in patch {
            let isDirective: Bool = key.hasPrefix(deleteFromPrimitiveList) || key.hasPrefix(setElementOrder)
            guard value.isNull || isDirective || kept.contains(.string(key)) else {
                throw .badRequest("invalid patch format of retainKeys")
            }
        }
        for (key, _) in result where !kept.contains(.string(key)) { result.removeValue(forKey: key) }
    }

    /// Merges and orders the lists for which the patch gives an order, and takes them out of the patch.
    private static func applyElementOrders(
        _ result: inout JSONObject, _ patch: inout JSONObject, _ shape: Shape
    ) throws(PatchError) {
        for (name, directive) in patch where name.hasPrefix(setElementOrder) {
            patch.removeValue(forKey: name)
            guard let order = directive.array else { throw badType(expected: "list", directive) }
            let key: String = try target(of: name, setElementOrder)
            let before: [JSONValue]? = try list(result[key])
            let changes: [JSONValue]? = try list(patch[key])
            let field: Field = try shape.field(key)
            try checkOrder(of: changes ?? [], order, field.mergeKey)
            let merged: [JSONValue]
            switch (before, changes) {
            case (nil, nil): continue
            case (let before?, nil): merged = before
            case (nil, let changes?): merged = cleanList(changes)
            case (let before?, let changes?):
                merged = field.merges ? try mergeList(changes, into: before, field, isDeletion: false) : changes
            }
            patch.removeValue(forKey: key)
            result[key] = .array(try ordered(merged, by: order, server: before ?? [], field.mergeKey))
        }
    }

    private static func list(_ value: JSONValue?) throws(PatchError) -> [JSONValue]? {
        guard let value else { return nil }
        guard let list = value.array else { throw badType(expected: "list", value) }
        return list
    }

    /// The `x` of `$directive/x`.
    private static func target(of name: String, _ directive: String) throws(PatchError) -> String {
        let rest: Substring = name.dropFirst(directive.count)
        guard rest.first == "/" else {
            let what: String = directive == setElementOrder ? "setElementOrder" : "primitive"
            throw .badRequest("invalid patch format of \(what) list")
        }
        return String(rest.dropFirst())
    }

    static func badType(expected: String, _ value: JSONValue) -> PatchError {
        .unclassified("expected a \(expected), but received \(value.kindName)")
    }

    /// A value in a message: strings without quotes.
    static func plain(_ value: JSONValue) -> String { value.string ?? value.description }

    // MARK: - What is new

    /// A value that is new in the object: without the nulls and directives that have nothing to act on.
    static func clean(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            if object[patchDirective]?.string == "delete" { return .emptyObject }
            var result = JSONObject()
            for (key, member) in object where !member.isNull && !isDirective(key) { result[key] = clean(member) }
            return .object(result)
        case .array(let items): return .array(cleanList(items))
        default: return value
        }
    }

    static func cleanList(_ items: [JSONValue]) -> [JSONValue] {
        items.filter { $0[patchDirective] == nil }.map { clean($0) }
    }

    private static func isDirective(_ key: String) -> Bool {
        key == patchDirective || key == retainKeys || key.hasPrefix(setElementOrder + "/")
            || key.hasPrefix(deleteFromPrimitiveList + "/")
    }
}

// MARK: - Schema

extension StrategicMergePatch {
    /// What the members of an object are.
    enum Shape {
        case message(Schema)
        case map(SchemaType)
        /// Without a schema: objects merge, lists are replaced.
        case free

        init(_ type: SchemaType) {
            switch type {
            case .message(let reference): self = .message(reference.schema)
            case .map(let element): self = .map(element)
            case .list(let element): self = Shape(element)
            default: self = .free
            }
        }

        func field(_ name: String) throws(PatchError) -> Field {
            switch self {
            case .free: return Field(shape: .free, strategies: [], mergeKey: "")
            case .map(let element): return Field(shape: Shape(element), strategies: [], mergeKey: "")
            case .message(let schema):
                guard let field = schema.field(name) else {
                    throw .unclassified(
                        "unable to find api field in struct \(schema.shortName) for the json field "
                            + GoText.quoted(name))
                }
                return Field(
                    shape: Shape(field.type), strategies: field.patchStrategy, mergeKey: field.patchMergeKey ?? "")
            }
        }
    }

    struct Field {
        /// Of the object, or of the objects in the list.
        var shape: Shape
        var strategies: [String]
        /// Empty for lists of scalars.
        var mergeKey: String

        var merges: Bool { strategies.contains("merge") }
    }
}

extension JSONValue {
    fileprivate func isSameKind(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.int, .double), (.double, .int): return true
        default: return kindName == other.kindName
        }
    }
}
