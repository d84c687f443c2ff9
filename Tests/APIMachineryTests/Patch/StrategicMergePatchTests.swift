import Codec
import Testing

@testable import APIMachinery

@Suite struct StrategicMergePatchTests {
    private static let port = Schema("test.Port", "port|int32|n=1||\nname|string|n=2||")
    private static let container = Schema(
        "test.Container", types: [{ port }],
        """
        name|string|n=1||
        image|string|n=2||
        args|[string]|n=3 list=atomic||
        ports|[#0]|n=4 list=map keys=port patch=merge patchKey=port||
        """)
    private static let strategy = Schema(
        "test.Strategy", "type|string|n=1||\nrollingUpdate|{string}|n=2||")
    private static let spec = Schema(
        "test.Spec", types: [{ container }, { strategy }],
        """
        replicas|int32|n=1 pointer||
        containers|[#0]|n=2 list=map keys=name patch=merge patchKey=name||
        finalizers|[string]|n=3 list=set patch=merge||
        strategy|#1|n=4 patch=retainKeys||
        labels|{string}|n=5||
        whole|#1|n=6 patch=replace||
        anything|RawExtension|n=7||
        """)

    private static func apply(_ patch: String, to document: String) throws -> JSONValue {
        try StrategicMergePatch.apply(Array(patch.utf8), to: JSONValue(parsing: document), schema: spec)
    }

    @Test(arguments: [
        // Objects and maps merge, null removes.
        (#"{"labels":{"a":"1","b":"2"}}"#, #"{"labels":{"b":null,"c":"3"}}"#, #"{"labels":{"a":"1","c":"3"}}"#),
        (#"{"replicas":1}"#, #"{"replicas":null,"labels":null}"#, "{}"),
        (
            #"{"kind":"X","apiVersion":"v1"}"#, #"{"kind":"X","replicas":2}"#,
            #"{"kind":"X","apiVersion":"v1","replicas":2}"#
        ),
        (
            #"{"anything":{"a":{"b":1},"l":[1,2]}}"#, #"{"anything":{"a":{"c":2},"l":[3]}}"#,
            #"{"anything":{"a":{"b":1,"c":2},"l":[3]}}"#
        ),
        (
            #"{"whole":{"type":"A"}}"#, #"{"whole":{"rollingUpdate":{"x":"1"}}}"#,
            #"{"whole":{"rollingUpdate":{"x":"1"}}}"#
        ),
        // Directives of objects.
        (#"{"labels":{"a":"1"}}"#, #"{"labels":{"$patch":"replace","b":"2"}}"#, #"{"labels":{"b":"2"}}"#),
        (#"{"labels":{"a":"1"}}"#, #"{"labels":{"$patch":"delete"}}"#, #"{"labels":{}}"#),
        (
            #"{"strategy":{"type":"RollingUpdate","rollingUpdate":{"x":"1"}}}"#,
            #"{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}"#, #"{"strategy":{"type":"Recreate"}}"#
        ),
        // New members lose their directives and nulls.
        (
            "{}", #"{"strategy":{"$retainKeys":["type"],"type":"R","rollingUpdate":null}}"#,
            #"{"strategy":{"type":"R"}}"#
        ),
        ("{}", #"{"containers":[{"name":"a"},{"name":"b","$patch":"delete"}]}"#, #"{"containers":[{"name":"a"}]}"#),
        // Lists of objects merge by key; new elements come where the patch has them.
        (
            #"{"containers":[{"name":"a","image":"1","args":["x"]},{"name":"b","image":"1"}]}"#,
            #"{"containers":[{"name":"b","image":"2"},{"name":"c","image":"3"}]}"#,
            #"{"containers":[{"name":"a","image":"1","args":["x"]},{"name":"b","image":"2"},{"name":"c","image":"3"}]}"#
        ),
        (
            #"{"containers":[{"name":"a","args":["x","y"],"ports":[{"port":1},{"port":2}]}]}"#,
            #"{"containers":[{"name":"a","args":["z"],"ports":[{"port":2,"name":"two"}]}]}"#,
            #"{"containers":[{"name":"a","args":["z"],"ports":[{"port":1},{"port":2,"name":"two"}]}]}"#
        ),
        (
            #"{"containers":[{"name":"a"},{"name":"b"}]}"#, #"{"containers":[{"$patch":"delete","name":"a"}]}"#,
            #"{"containers":[{"name":"b"}]}"#
        ),
        (
            #"{"containers":[{"name":"a"},{"name":"b"}]}"#, #"{"containers":[{"name":"c"},{"$patch":"replace"}]}"#,
            #"{"containers":[{"name":"c"}]}"#
        ),
        // Sets of scalars.
        (#"{"finalizers":["a","b"]}"#, #"{"finalizers":["c","a"]}"#, #"{"finalizers":["c","a","b"]}"#),
        (
            #"{"finalizers":["a","b","c"]}"#, #"{"$deleteFromPrimitiveList/finalizers":["a","c"]}"#,
            #"{"finalizers":["b"]}"#
        ),
        ("{}", #"{"$deleteFromPrimitiveList/finalizers":["a"]}"#, "{}"),
        // Order.
        (
            #"{"finalizers":["a","b","c","d"]}"#,
            #"{"$setElementOrder/finalizers":["d","b"],"finalizers":["d"]}"#, #"{"finalizers":["a","c","d","b"]}"#
        ),
        (
            #"{"containers":[{"name":"a"},{"name":"b"},{"name":"s"}]}"#,
            #"{"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"a"}],"containers":[{"name":"c"}]}"#,
            #"{"containers":[{"name":"c"},{"name":"b"},{"name":"a"},{"name":"s"}]}"#
        ),
        (
            #"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            #"{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"$patch":"delete","name":"a"}]}"#,
            #"{"containers":[{"name":"b"}]}"#
        ),
        (
            #"{"finalizers":["a"]}"#,
            #"{"$setElementOrder/finalizers":["b"],"finalizers":["b"],"$deleteFromPrimitiveList/finalizers":["a"]}"#,
            #"{"finalizers":["b"]}"#
        ),
        // Another type replaces.
        (#"{"labels":{"a":"1"}}"#, #"{"labels":"x"}"#, #"{"labels":"x"}"#),
    ])
    func `merges`(document: String, patch: String, expected: String) throws {
        #expect(try Self.apply(patch, to: document) == JSONValue(parsing: expected))
    }

    @Test(arguments: [
        ("{}", "[]", 400, "invalid JSON document"),
        (
            #"{"labels":{}}"#, #"{"labels":{"$patch":"merge"}}"#, 500,
            #"unknown patch type: merge in map: {"$patch":"merge"}"#
        ),
        (
            #"{"strategy":{}}"#, #"{"strategy":{"$retainKeys":["a"],"type":"x"}}"#, 400,
            "invalid patch format of retainKeys"
        ),
        (#"{"strategy":{}}"#, #"{"strategy":{"$retainKeys":"a"}}"#, 400, "invalid patch format of retainKeys"),
        ("{}", #"{"$deleteFromPrimitiveListx":["a"]}"#, 400, "invalid patch format of primitive list"),
        ("{}", #"{"$setElementOrder":["a"]}"#, 400, "invalid patch format of setElementOrder list"),
        (
            #"{"containers":[{"name":"a"}]}"#, #"{"containers":[{"image":"x"}]}"#, 500,
            #"map: {"image":"x"} does not contain declared merge key: name"#
        ),
        (
            #"{"containers":[{"name":"a"}]}"#, #"{"containers":[{"name":"a","$patch":"merge"}]}"#, 500,
            "merging lists cannot yet be specified in the patch"
        ),
        (
            #"{"unknown":{}}"#, #"{"unknown":{"a":1}}"#, 500,
            #"unable to find api field in struct Spec for the json field "unknown""#
        ),
        (#"{"finalizers":["a"]}"#, #"{"finalizers":[["b"]]}"#, 422, "lists of lists are not supported"),
        (
            #"{"finalizers":["a","b"]}"#, #"{"$setElementOrder/finalizers":["a","b"],"finalizers":["b","a"]}"#, 500,
            "The order in patch list:\n[\"b\",\"a\"]\n doesn't match $setElementOrder list:\n[\"a\",\"b\"]\n"
        ),
    ])
    func `errors`(document: String, patch: String, code: Int, message: String) {
        let error = #expect(throws: PatchError.self) { try Self.apply(patch, to: document) }
        #expect(error?.description == message)
        #expect(error?.statusError.code == code)
    }

    @Test func `generated types say how their lists merge`() throws {
        let document: JSONValue = [
            "labels": ["a": "1"], "finalizers": ["x/a"], "ownerReferences": [["uid": "1", "name": "one"]],
        ]
        let patch: JSONValue = [
            "labels": ["b": "2"], "finalizers": ["x/b"], "ownerReferences": [["uid": "2"], ["uid": "1", "kind": "K"]],
        ]
        let result: JSONValue = try StrategicMergePatch.apply(patch, to: document, schema: ObjectMeta.schema)
        let expected: JSONValue = [
            "labels": ["a": "1", "b": "2"], "finalizers": ["x/b", "x/a"],
            "ownerReferences": [["uid": "2"], ["uid": "1", "name": "one", "kind": "K"]],
        ]
        #expect(result == expected)
    }

    @Test func `a merge patch without lists and directives means the same both ways`() throws {
        let schema = Schema("test.Free", "a|RawExtension|n=1||\nb|RawExtension|n=2||")
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<500 {
            let old: JSONValue = Self.tree(3, &generator)
            let new: JSONValue = Self.tree(3, &generator)
            let patch: JSONValue = MergePatch.difference(from: old, to: new)
            #expect(try StrategicMergePatch.apply(patch, to: old, schema: schema) == new)
        }
    }

    private static func tree(_ depth: Int, _ generator: inout SeededGenerator) -> JSONValue {
        var object = JSONObject()
        for key in ["a", "b"] where Bool.random(using: &generator) {
            let isLeaf: Bool = depth == 0 || Bool.random(using: &generator)
            object[key] = isLeaf ? .int(Int64.random(in: 0...1, using: &generator)) : tree(depth - 1, &generator)
        }
        return .object(object)
    }
}
