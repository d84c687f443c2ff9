package import APIMachinery
package import Codec

/// An object as a tree, with its type: what a configuration is checked, merged and pruned as.
package struct TypedValue: Sendable {
    package var value: JSONValue
    package var schema: Schema

    package init(_ value: JSONValue, _ schema: Schema) {
        self.value = value
        self.schema = schema
    }

    var shape: Shape { .structure(schema) }
}

/// Why a configuration does not fit its type.
package struct TypeProblem: Sendable, Equatable, CustomStringConvertible {
    var path: [PathElement]
    var text: String

    package var description: String { path.isEmpty ? text : path.pathText + ": " + text }

    /// Upstream's text for all of them.
    package static func text(_ problems: [TypeProblem]) -> String {
        if problems.count == 1, let only = problems.first { return only.description }
        return (["errors:"] + problems.map { "  " + $0.description }).joined(separator: "\n")
    }
}

extension TypedValue {
    /// Everything in which the value is not of its type; duplicates of keys are wrong, too.
    package func problems() -> [TypeProblem] {
        var check = TypeCheck()
        check.check(value, shape)
        return check.problems
    }
}

private struct TypeCheck {
    var problems: [TypeProblem] = []
    private var path: [PathElement] = []

    private mutating func report(_ text: String) {
        problems.append(TypeProblem(path: path, text: text))
    }

    mutating func check(_ value: JSONValue, _ shape: Shape) {
        if value.isNull { return }
        switch shape {
        case .open: return
        case .scalar(let scalar): check(value, scalar)
        case .atomicList:
            guard value.array != nil else { return report("expected list, got \(GoValue.pointer(value))") }
        case .set: elements(value, nil, .scalar(.any))
        case .keyedList(let keys, let element): elements(value, keys, element)
        case .atomicMap, .map, .structure: members(value, shape)
        }
    }

    private mutating func check(_ value: JSONValue, _ scalar: Shape.Scalar) {
        switch (scalar, value) {
        case (.string, .string), (.bool, .bool), (.number, .int), (.number, .double): return
        case (.any, .string), (.any, .bool), (.any, .int), (.any, .double): return
        case (.string, _): report("expected string, got &value.valueUnstructured{Value:\(GoValue.literal(value))}")
        case (.bool, _): report("expected boolean, got \(GoValue.pointer(value))")
        case (.number, _): report("expected numeric (int or float), got \(GoValue.type(value))")
        case (.any, _): report("expected any scalar, got \(GoValue.pointer(value))")
        }
    }

    private mutating func members(_ value: JSONValue, _ shape: Shape) {
        guard let object = value.object else { return report("expected map, got \(GoValue.pointer(value))") }
        for (name, member) in object.sorted {
            path.append(.field(name))
            if let inner = shape.member(name) {
                check(member, inner)
            } else {
                report("field not declared in schema")
            }
            path.removeLast()
        }
    }

    private mutating func elements(_ value: JSONValue, _ keys: [Shape.ListKey]?, _ shape: Shape) {
        guard let array = value.array else { return report("expected list, got \(GoValue.pointer(value))") }
        var seen: Set<PathElement> = []
        for (index, child) in array.enumerated() {
            let element: PathElement
            do throws(ElementProblem) {
                element = try PathElement(of: child, keys)
            } catch {
                report("element \(index): \(error.text)")
                continue
            }
            if !seen.insert(element).inserted { report("duplicate entries for key \(element)") }
            path.append(element)
            check(child, shape)
            path.removeLast()
        }
    }
}

/// Why something can be no element of a list that is merged by element; upstream's texts.
struct ElementProblem: Error {
    var text: String
}

extension PathElement {
    /// What identifies an element of a list; keys are nil for a set.
    init(of child: JSONValue, _ keys: [Shape.ListKey]?) throws(ElementProblem) {
        guard let keys else {
            switch child {
            case .object: throw ElementProblem(text: "associative list without keys has an element that's a map type")
            case .array: throw ElementProblem(text: "not supported: associative list with lists as elements")
            case .null:
                throw ElementProblem(text: "associative list without keys has an element that's an explicit null")
            case .bool, .int, .double, .string: self = .value(child)
            }
            return
        }
        if child.isNull { throw ElementProblem(text: "associative list with keys may not have a null element") }
        guard let object = child.object else {
            throw ElementProblem(text: "associative list with keys may not have non-map elements")
        }
        let given: [KeyPart] = keys.compactMap { key in object[key.name].map { KeyPart(key.name, $0) } }
        guard let element = PathElement(keys: keys, given: given) else {
            let names: String = keys.map { "\"\($0.name)\"" }.joined(separator: " ")
            throw ElementProblem(
                text: "associative list with keys has an element that omits all key fields [\(names)] "
                    + "(and doesn't have default values for any key fields)")
        }
        self = element
    }
}

/// Values as Go prints them in upstream's messages.
private enum GoValue {
    /// `%T`
    static func type(_ value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .bool: "bool"
        case .int: "int64"
        case .double: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    /// `%v` of the value in its wrapper.
    static func pointer(_ value: JSONValue) -> String { "&{\(plain(value))}" }

    /// `%v`
    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .string(let text): text
        case .array(let elements): "[" + elements.map { plain($0) }.joined(separator: " ") + "]"
        case .object(let object):
            "map[" + object.sorted.map { "\($0.key):\(plain($0.value))" }.joined(separator: " ") + "]"
        case .bool, .int, .double: value.description
        }
    }

    /// `%#v`
    static func literal(_ value: JSONValue) -> String {
        switch value {
        case .null: "interface {}(nil)"
        case .array(let elements): "[]interface {}{" + elements.map { literal($0) }.joined(separator: ", ") + "}"
        case .object(let object):
            "map[string]interface {}{"
                + object.sorted.map { "\"\($0.key)\":\(literal($0.value))" }.joined(separator: ", ") + "}"
        case .string, .bool, .int, .double: value.description
        }
    }
}
