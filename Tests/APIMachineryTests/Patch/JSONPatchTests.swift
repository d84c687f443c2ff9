import Codec
import Testing

@testable import APIMachinery

@Suite struct JSONPatchTests {
    private static func apply(_ patch: String, to document: String) throws -> JSONValue {
        try JSONPatch(JSONValue(parsing: patch)).apply(to: JSONValue(parsing: document))
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"[{"op":"add","path":"/b","value":2}]"#, #"{"a":1,"b":2}"#),
        (#"{"a":[1,3]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2,3]}"#),
        (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/-","value":[2]}]"#, #"{"a":[1,[2]]}"#),
        (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/-1","value":2}]"#, #"{"a":[1,2]}"#),
        (#"{"a":[1,2,3]}"#, #"[{"op":"remove","path":"/a/-1"}]"#, #"{"a":[1,2]}"#),
        (#"{"a":{"b":1}}"#, #"[{"op":"remove","path":"/a/b"}]"#, #"{"a":{}}"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"/a","value":null}]"#, #"{"a":null}"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"","value":[1]}]"#, #"[1]"#),
        (#"{"a":{"b":1},"c":{}}"#, #"[{"op":"move","from":"/a/b","path":"/c/d"}]"#, #"{"a":{},"c":{"d":1}}"#),
        (#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/c"}]"#, #"{"a":{"b":1},"c":{"b":1}}"#),
        (
            #"{"a/b":1,"m~n":2}"#, #"[{"op":"test","path":"/a~1b","value":1},{"op":"remove","path":"/m~0n"}]"#,
            #"{"a/b":1}"#
        ),
        (#"{"a":{"x":[1,2.0]}}"#, #"[{"op":"test","path":"/a","value":{"x":[1.0,2]}}]"#, #"{"a":{"x":[1,2.0]}}"#),
        (#"{"a":{}}"#, #"[{"op":"test","path":"/a/gone","value":null}]"#, #"{"a":{}}"#),
        (#"{}"#, #"[{"op":"add","path":"/a","value":{}},{"op":"add","path":"/a/b","value":1}]"#, #"{"a":{"b":1}}"#),
        (#"{"a":1}"#, "[]", #"{"a":1}"#),
    ])
    func `operations`(document: String, patch: String, expected: String) throws {
        #expect(try Self.apply(patch, to: document) == JSONValue(parsing: expected))
    }

    @Test(arguments: [
        (#"{}"#, #"[{"op":"remove","path":"/a"}]"#), (#"{}"#, #"[{"op":"replace","path":"/a","value":1}]"#),
        (#"{}"#, #"[{"op":"add","path":"/a/b","value":1}]"#),
        (#"{"a":[]}"#, #"[{"op":"add","path":"/a/1","value":1}]"#),
        (#"{"a":[]}"#, #"[{"op":"add","path":"/a/x","value":1}]"#),
        (#"{"a":[]}"#, #"[{"op":"remove","path":"/a/-1"}]"#),
        (#"{"a":1}"#, #"[{"op":"test","path":"/a","value":2}]"#), (#"{}"#, #"[{"op":"test","path":"/a","value":1}]"#),
        (#"{}"#, #"[{"op":"test","path":"/a/b","value":null}]"#),
        (#"{"a":1}"#, #"[{"op":"add","path":"/a/b","value":1}]"#),
        (#"{"a":{"b":{}}}"#, #"[{"op":"move","from":"/a","path":"/a/b/c"}]"#),
        (#"{}"#, #"[{"op":"copy","from":"/x","path":"/y"}]"#),
    ])
    func `what does not fit the object is unprocessable`(document: String, patch: String) throws {
        let error = #expect(throws: PatchError.self) { try Self.apply(patch, to: document) }
        guard case .unprocessable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.statusError.code == 422)
        #expect(error?.statusError.message == "the server rejected our request due to an error in our request")
    }

    @Test(arguments: [
        "{", "{}", "[1]", #"[{"op":"jump","path":"/a"}]"#, #"[{"path":"/a"}]"#, #"[{"op":"add","value":1}]"#,
        #"[{"op":"move","path":"/a"}]"#, #"[{"op":"add","path":"a","value":1}]"#,
    ])
    func `what is no patch is a bad request`(patch: String) {
        let error = #expect(throws: PatchError.self) { try JSONPatch(parsing: Array(patch.utf8)) }
        #expect(error?.statusError.code == 400)
    }

    @Test func `operations and copies are limited`() throws {
        let operation: JSONValue = ["op": "test", "path": "", "value": nil]
        let error = #expect(throws: PatchError.self) {
            try JSONPatch(.array(Array(repeating: operation, count: 10_001)))
        }
        #expect(error?.statusError.code == 413)
        #expect(error?.description == "The allowed maximum operations in a JSON patch is 10000, got 10001")

        let nest: String = Array(repeating: #"{"op":"copy","from":"","path":"/a"}"#, count: 1_200).joined(
            separator: ",")
        let nesting = try JSONPatch(parsing: Array("[\(nest)]".utf8))
        let nested = #expect(throws: PatchError.self) { try nesting.apply(to: ["a": 1]) }
        #expect(nested?.description == "the result is nested more than 1000 levels deep")
        #expect(try JSONPatch(Array(nesting.operations.prefix(900))).apply(to: ["a": 1]).depth == 902)

        let bomb: String = (1...30).map { _ in #"{"op":"copy","from":"/a","path":"/a/-"}"# }.joined(separator: ",")
        let patch = try JSONPatch(parsing: Array("[\(bomb)]".utf8))
        let copied = #expect(throws: PatchError.self) { try patch.apply(to: ["a": [1]]) }
        #expect(copied?.description.hasPrefix("Unable to complete the copy") == true)
    }
}

@Suite struct MergePatchTests {
    /// The examples of RFC 7386, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func `RFC 7386`(document: String, patch: String, expected: String) throws {
        let result: JSONValue = try MergePatch.apply(JSONValue(parsing: patch), to: JSONValue(parsing: document))
        #expect(try result == JSONValue(parsing: expected))
    }

    @Test func `applying a difference gives the target`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let old: JSONValue = Self.object(depth: 3, &generator)
            let new: JSONValue = Self.object(depth: 3, &generator)
            let patch: JSONValue = MergePatch.difference(from: old, to: new)
            #expect(MergePatch.apply(patch, to: old) == new)
            #expect(MergePatch.difference(from: new, to: new) == .emptyObject)
        }
    }

    @Test func `a server takes objects only`() {
        let error = #expect(throws: PatchError.self) { try MergePatch.apply(Array("[]".utf8), to: .emptyObject) }
        #expect(error == .badRequest("Invalid JSON Patch"))
        #expect(throws: PatchError.self) { try MergePatch.apply(Array("{".utf8), to: .emptyObject) }
    }

    private static func object(depth: Int, _ generator: inout SeededGenerator) -> JSONValue {
        var object = JSONObject()
        for key in ["a", "b", "c", "d"] where Bool.random(using: &generator) {
            object[key] = value(depth: depth - 1, &generator)
        }
        return .object(object)
    }

    private static func value(depth: Int, _ generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 3), using: &generator) {
        case 0: return .int(Int64.random(in: 0...2, using: &generator))
        case 1: return .string("x")
        case 2: return .array([.int(Int64.random(in: 0...1, using: &generator))])
        default: return object(depth: depth, &generator)
        }
    }
}
