import APIApply
import APIMachinery
import Codec
import Testing

@Suite struct ApplyTests {
    @Test func `an applier owns what it names`() throws {
        var story = try Story()
        #expect(
            try story.apply(
                "a",
                #"{"apiVersion":"test/v1","kind":"Thing","metadata":{"name":"t","labels":{"x":"y"}},"spec":{"replicas":1,"notes":{},"containers":[{"name":"w","ports":[{"port":80}]}]}}"#
            ))
        #expect(
            story.fields("a")
                == #"{"f:metadata":{"f:labels":{"f:x":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"w\"}":{".":{},"f:name":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}},"f:notes":{},"f:replicas":{}}}"#
        )
        #expect(story.entries.first?.time == Thing.now)
        #expect(story.object["spec"]?["replicas"] == 1)
    }

    @Test func `the name and what else the server sets is not owned`() throws {
        var story = try Story()
        try story.apply("a", #"{"metadata":{"name":"t","namespace":"n","uid":"u"},"spec":{"enabled":true}}"#)
        #expect(story.fields("a") == #"{"f:spec":{"f:enabled":{}}}"#)
    }

    @Test func `the last label goes alone, and the name stays`() throws {
        var story = try Story()
        try story.apply("a", #"{"metadata":{"name":"t","labels":{"x":"y"}},"spec":{"enabled":true}}"#)
        try story.apply("a", #"{"metadata":{"name":"t"},"spec":{"enabled":true}}"#)
        #expect(story.object["metadata"]?["name"] == "t")
        #expect(story.object["metadata"]?["labels"]?["x"] == nil)
        #expect(story.object["spec"]?["enabled"] == true)
        #expect(story.fields("a") == #"{"f:spec":{"f:enabled":{}}}"#)
    }

    @Test func `to apply the same again changes nothing`() throws {
        var random = RandomThing(seed: 3)
        for round in 0..<300 {
            var story = try Story()
            try story.update("u", random.object().description)
            let text: String = random.object().description
            try story.apply("a", text, force: true)
            let (object, entries) = (story.object, story.entries)
            story.now = Thing.later
            let isChanged: Bool = try story.apply("a", text)
            #expect(!isChanged && story.object == object && story.entries == entries, "round \(round): \(text)")
        }
    }

    @Test func `the last of several applies decides, and nothing of the earlier ones remains`() throws {
        var random = RandomThing(seed: 9)
        for round in 0..<300 {
            var story = try Story("{}")
            try story.apply("a", random.object().description)
            try story.apply("a", random.object().description)
            let last: JSONValue = random.object()
            try story.apply("a", last.description)
            var fresh = try Story("{}")
            try fresh.apply("a", last.description)
            #expect(story.fields("a") == fresh.fields("a"), "round \(round)")
            let left: FieldSet = TypedValue(story.object, Thing.schema).fields()
            let wanted: FieldSet = TypedValue(fresh.object, Thing.schema).fields()
            // An object or list that is emptied stays behind as such; no value does.
            let extra: [[PathElement]] = left.subtracting(wanted).paths
            for path in extra {
                var value: JSONValue? = story.object
                for step in path {
                    if case .field(let name) = step { value = value?[name] } else { value = nil }
                }
                #expect(value == .null || value?.object?.isEmpty == true, "round \(round): \(path.pathText)")
            }
            #expect(wanted.isSubset(of: left), "round \(round)")
        }
    }

    @Test func `what an applier gives up goes, unless somebody else has it`() throws {
        var story = try Story()
        try story.apply(
            "a",
            #"{"spec":{"replicas":1,"notes":{"x":"1","y":"1"},"tags":["p","q"],"containers":[{"name":"w"},{"name":"v","image":"i"}]}}"#
        )
        try story.apply("b", #"{"spec":{"notes":{"x":"1"},"containers":[{"name":"v"}]}}"#)
        try story.apply("a", #"{"spec":{"tags":["q"],"containers":[{"name":"w"}]}}"#)
        #expect(
            story.object == [
                "spec": ["notes": ["x": "1"], "tags": ["q"], "containers": [["name": "w"], ["name": "v"]]],
                "status": [:],
            ])
        #expect(
            story.fields("b")
                == #"{"f:spec":{"f:containers":{"k:{\"name\":\"v\"}":{".":{},"f:name":{}}},"f:notes":{"f:x":{}}}}"#)
    }

    @Test func `an element goes with whoever has its key, although others wrote into it`() throws {
        var story = try Story()
        try story.apply("a", #"{"spec":{"containers":[{"name":"w","image":"i"}]}}"#)
        try story.update("u", #"{"spec":{"containers":[{"name":"w","image":"i","args":["x"]}]},"status":{}}"#)
        try story.apply("a", #"{"spec":{"enabled":true}}"#)
        // Its key was the applier's, so the element goes, as upstream has it.
        #expect(story.object["spec"]?["containers"] == .null)
        #expect(story.fields("u", "Update") == nil)
    }

    @Test func `another value for somebody else's field is a conflict`() throws {
        var story = try Story()
        try story.update("u", #"{"spec":{"replicas":3,"enabled":true},"status":{}}"#)
        let one = try #require(try story.refusal("a", #"{"spec":{"replicas":5}}"#))
        #expect(one.code == 409 && one.reason == "Conflict")
        #expect(one.message == #"Apply failed with 1 conflict: conflict with "u" using test/v1: .spec.replicas"#)
        #expect(one.causes.count == 1)
        #expect(one.causes.first?.reason == "FieldManagerConflict")
        #expect(one.causes.first?.message == #"conflict with "u" using test/v1"#)
        #expect(one.causes.first?.field == ".spec.replicas")
        try story.apply("b", #"{"spec":{"notes":{"k":"1"}}}"#)
        let many = try #require(
            try story.refusal("a", #"{"spec":{"replicas":5,"enabled":false,"notes":{"k":"2"}}}"#))
        #expect(
            many.message == """
                Apply failed with 3 conflicts: conflicts with "b":
                - .spec.notes.k
                conflicts with "u" using test/v1:
                - .spec.enabled
                - .spec.replicas
                """)
    }

    @Test func `the same value is owned by both, and kept by whoever remains`() throws {
        var story = try Story()
        try story.update("u", #"{"spec":{"replicas":3},"status":{}}"#)
        #expect(try !story.apply("a", #"{"spec":{"replicas":3}}"#))
        #expect(story.fields("a") == #"{"f:spec":{"f:replicas":{}}}"#)
        #expect(story.fields("u", "Update") == #"{"f:spec":{"f:replicas":{}}}"#)
        try story.apply("a", #"{"spec":{"enabled":true}}"#)
        #expect(story.object["spec"]?["replicas"] == 3)
    }

    @Test func `force takes the field and its ownership`() throws {
        var story = try Story()
        try story.update("u", #"{"spec":{"replicas":3,"enabled":true},"status":{}}"#)
        try story.apply("a", #"{"spec":{"replicas":5}}"#, force: true)
        #expect(story.object["spec"]?["replicas"] == 5)
        #expect(story.fields("u", "Update") == #"{"f:spec":{"f:enabled":{}}}"#)
        try story.apply("b", #"{"spec":{"enabled":false}}"#, force: true)
        #expect(story.fields("u", "Update") == nil)
        #expect(story.entries.map(\.manager) == ["a", "b"])
    }

    @Test func `the elements of the configuration come in its order, the others where they were`() throws {
        func merged(_ live: [String], _ given: [String]) throws -> [String] {
            func spec(_ names: [String]) -> String {
                #"{"spec":{"tags":[\#(names.map { #""\#($0)""# }.joined(separator: ","))]}}"#
            }
            let value = try Thing.value(spec(live)).merging(try Thing.value(spec(given))).value
            return value["spec"]?["tags"]?.array?.compactMap(\.string) ?? []
        }
        #expect(try merged(["a", "b", "c", "d"], ["d", "x", "b"]) == ["a", "c", "d", "x", "b"])
        #expect(try merged(["a", "b"], ["a", "b"]) == ["a", "b"])
        #expect(try merged(["a", "b"], ["b", "a"]) == ["b", "a"])
        #expect(try merged([], ["x"]) == ["x"])
        #expect(try merged(["a"], []) == ["a"])
        #expect(try merged(["a", "b"], ["x"]) == ["a", "b", "x"])
        #expect(try merged(["a", "b", "c"], ["x", "b", "y"]) == ["a", "x", "b", "c", "y"])
        var random = RandomThing(seed: 21)
        for _ in 0..<500 {
            let live: [String] = (0..<6).map { "\($0)" }.filter { _ in random.coin() }
            let given: [String] = (0..<8).map { "\($0)" }.filter { _ in random.coin() }.reversed()
            let result: [String] = try merged(live, given)
            #expect(result.filter { given.contains($0) } == given)
            #expect(result.filter { !given.contains($0) } == live.filter { !given.contains($0) })
        }
    }

    @Test(arguments: [
        (#"{"spec":{"foo":1}}"#, ".spec.foo: field not declared in schema"),
        (#"{"spec":{"replicas":"x"}}"#, ".spec.replicas: expected numeric (int or float), got string"),
        (#"{"spec":{"notes":{"a":true}}}"#, ".spec.notes.a: expected string, got &value.valueUnstructured{Value:true}"),
        (#"{"spec":{"notes":{"a":8}}}"#, ".spec.notes.a: expected string, got &value.valueUnstructured{Value:8}"),
        (#"{"spec":{"enabled":"x"}}"#, ".spec.enabled: expected boolean, got &{x}"),
        (#"{"spec":[]}"#, ".spec: expected map, got &{[]}"),
        (#"{"spec":{"containers":{"a":1}}}"#, ".spec.containers: expected list, got &{map[a:1]}"),
        (
            #"{"spec":{"containers":[{"name":"w"},{"name":"w"}]}}"#,
            #".spec.containers: duplicate entries for key [name="w"]"#
        ),
        (#"{"spec":{"tags":["a","a"]}}"#, #".spec.tags: duplicate entries for key [="a"]"#),
        (
            #"{"spec":{"containers":[{"image":"w"}]}}"#,
            #".spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)"#
        ),
        (
            #"{"spec":{"containers":[null]}}"#,
            ".spec.containers: element 0: associative list with keys may not have a null element"
        ),
        (
            #"{"spec":{"bar":1,"containers":[{"name":"w","baz":2}]}}"#,
            "errors:\n  .spec.bar: field not declared in schema\n  .spec.containers[name=\"w\"].baz: field not declared in schema"
        ),
    ])
    func `what does not fit the type is told in upstream's words`(_ item: (text: String, message: String)) throws {
        #expect(TypeProblem.text(try Thing.value(item.text).problems()) == item.message)
    }

    @Test func `numbers that default to text, nulls and free objects fit`() throws {
        let value = try Thing.value(
            #"{"apiVersion":"test/v1","kind":"Thing","metadata":null,"spec":{"strategy":{"surge":"25%"},"extra":{"x":[1,{"y":null}]},"containers":[{"name":"w","limits":{"cpu":1}}]}}"#
        )
        #expect(value.problems() == [])
    }

    // MARK: - From client-side apply

    private static func annotated(_ configuration: String, replicas: Int) -> String {
        let text: String = JSONValue.string(configuration).description
        return
            #"{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":\#(text)}},"spec":{"replicas":\#(replicas)},"status":{}}"#
    }

    @Test func `kubectl takes over what it applied on the client's side`() throws {
        let first =
            #"{"apiVersion":"test/v1","kind":"Thing","metadata":{"annotations":{},"name":"t"},"spec":{"replicas":1}}"#
        let second = #"{"apiVersion":"test/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"replicas":2}}"#
        var story = try Story()
        try story.update("kubectl-client-side-apply", Self.annotated(first, replicas: 1))
        // Another manager is not upgraded.
        #expect(try story.refusal("other", second)?.code == 409)
        try story.apply("kubectl", second)
        #expect(story.object["spec"]?["replicas"] == 2)
        #expect(story.fields("kubectl") == #"{"f:spec":{"f:replicas":{}}}"#)
        // Somebody else's change since is no longer kubectl's.
        var changed = try Story()
        try changed.update("kubectl-client-side-apply", Self.annotated(first, replicas: 1))
        try changed.update("scaler", Self.annotated(first, replicas: 7))
        let error = try #require(try changed.refusal("kubectl", second))
        #expect(error.message == #"Apply failed with 1 conflict: conflict with "scaler" using test/v1: .spec.replicas"#)
    }

    @Test func `the annotation of client-side apply is kept up to date where there is one`() throws {
        let object = try JSONValue(parsing: Self.annotated("{}", replicas: 1))
        let configuration = try JSONValue(
            parsing:
                #"{"spec":{"replicas":2},"metadata":{"annotations":{"a":"b","kubectl.kubernetes.io/last-applied-configuration":"old"}}}"#
        )
        let updated = LastApplied.update(object, with: configuration)
        #expect(
            updated["metadata"]?["annotations"]?[LastApplied.annotation]
                == .string(#"{"metadata":{"annotations":{"a":"b"}},"spec":{"replicas":2}}"# + "\n"))
        let bare: JSONValue = ["metadata": [:]]
        #expect(LastApplied.update(bare, with: configuration) == bare)
        let large: JSONValue = ["spec": .string(String(repeating: "x", count: 300_000))]
        #expect(LastApplied.update(object, with: large)["metadata"]?["annotations"] == [:])
    }
}
