package import Codec

/// A JSON patch (RFC 6902). As in upstream, negative indices count from the end, and a member that is not there
/// passes a test for `null`.
package struct JSONPatch: Sendable, Equatable {
    package enum Action: String, Sendable {
        case add, remove, replace, move, copy, test
    }

    package struct Operation: Sendable, Equatable {
        package var action: Action
        package var path: JSONPointer
        /// The source of `move` and `copy`.
        package var from: JSONPointer
        /// Of `add`, `replace` and `test`.
        package var value: JSONValue

        package init(_ action: Action, _ path: JSONPointer, from: JSONPointer = .root, value: JSONValue = .null) {
            self.action = action
            self.path = path
            self.from = from
            self.value = value
        }
    }

    /// Upstream's limit.
    package static let maximumOperations: Int = 10_000
    /// How many bytes all `copy` operations of one patch may add: upstream's limit of a request's body.
    package static let copyLimit: Int = 3 * 1024 * 1024

    /// As deep as a document may be that is read. Copies into copies could make it any depth.
    static let depthLimit: Int = 1_000

    package var operations: [Operation]

    package init(_ operations: [Operation]) {
        self.operations = operations
    }

    package init(parsing bytes: [UInt8]) throws(PatchError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .badRequest("error decoding JSON patch: \(error.message)")
        }
        try self.init(value)
    }

    package init(_ value: JSONValue) throws(PatchError) {
        guard let elements = value.array else {
            throw .badRequest("error decoding JSON patch: expected an array, found \(value.kindName)")
        }
        guard elements.count <= JSONPatch.maximumOperations else {
            throw .tooLarge(
                "The allowed maximum operations in a JSON patch is \(JSONPatch.maximumOperations), "
                    + "got \(elements.count)")
        }
        operations = []
        operations.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() { operations.append(try JSONPatch.operation(element, index)) }
    }

    private static func operation(_ element: JSONValue, _ index: Int) throws(PatchError) -> Operation {
        let place: String = "error decoding JSON patch: operation \(index)"
        guard let object = element.object else { throw .badRequest("\(place): expected an object") }
        let name: String = object["op"]?.string ?? ""
        guard let action = Action(rawValue: name) else {
            throw .badRequest("\(place): unexpected kind: \(name.isEmpty ? "unknown" : name)")
        }
        guard let path = object["path"]?.string else { throw .badRequest("\(place): missing path") }
        var operation = Operation(action, try JSONPointer(path), value: object["value"] ?? .null)
        if action == .move || action == .copy {
            guard let from = object["from"]?.string else { throw .badRequest("\(place): missing from") }
            operation.from = try JSONPointer(from)
        }
        return operation
    }

    /// The patched document; none of the operations counts if one fails.
    package func apply(
        to document: JSONValue, copyLimit: Int = JSONPatch.copyLimit
    ) throws(PatchError) -> JSONValue {
        var result: JSONValue = document
        var copied: Int = 0
        // At least the depth of `result`.
        var depth: Int = document.depth
        for operation in operations {
            depth = max(depth, operation.depthAfter(depth))
            switch operation.action {
            case .add: try result.edit(operation.path.tokens[...], .add(operation.value))
            case .remove: try result.edit(operation.path.tokens[...], .remove)
            case .replace: try result.edit(operation.path.tokens[...], .replace(operation.value))
            case .test: try JSONPatch.test(operation, in: result)
            case .move:
                guard !operation.path.isInside(operation.from) else {
                    throw .unprocessable("cannot move \(operation.from) into itself")
                }
                let moved: JSONValue = try result.at(operation.from)
                if operation.from == operation.path { continue }
                try result.edit(operation.from.tokens[...], .remove)
                try result.edit(operation.path.tokens[...], .add(moved))
            case .copy:
                let value: JSONValue = try result.at(operation.from)
                copied += value.jsonBytes.count
                guard copied <= copyLimit else {
                    throw .unprocessable(
                        "Unable to complete the copy, the accumulated size increase of copy is \(copied), "
                            + "exceeding the limit \(copyLimit)")
                }
                try result.edit(operation.path.tokens[...], .add(value))
            }
            guard depth > JSONPatch.depthLimit else { continue }
            depth = result.depth
            if depth > JSONPatch.depthLimit {
                throw .unprocessable("the result is nested more than \(JSONPatch.depthLimit) levels deep")
            }
        }
        return result
    }

    private static func test(_ operation: Operation, in document: JSONValue) throws(PatchError) {
        let found: JSONValue
        do throws(PatchError) {
            found = try document.at(operation.path)
        } catch {
            // A member that is not there, of an object that is.
            guard operation.value.isNull, !operation.path.tokens.isEmpty,
                try document.at(operation.path.parent).object != nil
            else { throw error }
            return
        }
        guard found.isSameJSON(as: operation.value) else {
            throw .unprocessable("testing value \(operation.path) failed: test failed")
        }
    }
}

extension JSONPatch.Operation {
    /// How deep the place of the change can be, in a document that is at most `depth` deep before.
    fileprivate func depthAfter(_ depth: Int) -> Int {
        switch action {
        case .remove, .test: return 0
        case .add, .replace: return path.tokens.count + value.depth
        case .move, .copy: return path.tokens.count + max(1, depth - from.tokens.count)
        }
    }
}

extension JSONValue {
    /// 1 for scalars and empty containers.
    var depth: Int {
        switch self {
        case .array(let items): return 1 + (items.lazy.map { $0.depth }.max() ?? 0)
        case .object(let object): return 1 + (object.lazy.map { $0.value.depth }.max() ?? 0)
        default: return 1
        }
    }

    /// Equality by value, where `1` and `1.0` are the same number.
    func isSameJSON(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.int(let one), .double(let two)): return Double(one) == two
        case (.double(let one), .int(let two)): return one == Double(two)
        case (.array(let one), .array(let two)):
            return one.count == two.count && zip(one, two).allSatisfy { $0.isSameJSON(as: $1) }
        case (.object(let one), .object(let two)):
            return one.count == two.count
                && one.allSatisfy { member in two[member.key].map { $0.isSameJSON(as: member.value) } ?? false }
        default: return self == other
        }
    }
}
