import APIApply
import APIMachinery
import Codec
import Testing

@Suite struct ChangesTests {
    /// What a change of the spec takes and removes, as FieldsV1.
    private static func spec(_ old: String, _ new: String) throws -> (taken: String, removed: String) {
        let changes = try #require(try Thing.changes(#"{"spec":\#(old)}"#, #"{"spec":\#(new)}"#))
        return (
            String(decoding: changes.taken.jsonBytes, as: UTF8.self),
            String(decoding: changes.removed.jsonBytes, as: UTF8.self)
        )
    }

    @Test(arguments: [
        // Scalars
        ("{}", #"{"replicas":1}"#, #"{"f:spec":{"f:replicas":{}}}"#, "{}"),
        (#"{"replicas":1}"#, #"{"replicas":2}"#, #"{"f:spec":{"f:replicas":{}}}"#, "{}"),
        (#"{"replicas":1}"#, #"{"replicas":1}"#, "{}", "{}"),
        (#"{"replicas":1}"#, "{}", "{}", #"{"f:spec":{"f:replicas":{}}}"#),
        // Maps: each key; the map itself when it comes and goes
        ("{}", #"{"notes":{"a":"1"}}"#, #"{"f:spec":{"f:notes":{".":{},"f:a":{}}}}"#, "{}"),
        (
            #"{"notes":{"a":"1","b":"2"}}"#, #"{"notes":{"b":"3","c":"4"}}"#,
            #"{"f:spec":{"f:notes":{"f:b":{},"f:c":{}}}}"#, #"{"f:spec":{"f:notes":{"f:a":{}}}}"#
        ),
        (#"{"notes":{"a":"1"}}"#, "{}", "{}", #"{"f:spec":{"f:notes":{".":{},"f:a":{}}}}"#),
        (#"{"notes":null}"#, #"{"notes":{"a":"1"}}"#, #"{"f:spec":{"f:notes":{"f:a":{}}}}"#, "{}"),
        (#"{"notes":null}"#, #"{"notes":{}}"#, #"{"f:spec":{"f:notes":{}}}"#, "{}"),
        // A null where a type is known is nothing: manifests of generators have `creationTimestamp: null`.
        (#"{"replicas":null}"#, "{}", "{}", "{}"),
        ("{}", #"{"replicas":null}"#, "{}", "{}"),
        (#"{"replicas":1}"#, #"{"replicas":null}"#, "{}", #"{"f:spec":{"f:replicas":{}}}"#),
        // Order does not matter
        (#"{"replicas":1,"enabled":true}"#, #"{"enabled":true,"replicas":1}"#, "{}", "{}"),
        // What is one value
        (#"{"nodes":{"a":"1"}}"#, #"{"nodes":{"a":"1","b":"2"}}"#, #"{"f:spec":{"f:nodes":{}}}"#, "{}"),
        (#"{"nodes":{"a":"1","b":"2"}}"#, #"{"nodes":{"b":"2","a":"1"}}"#, "{}", "{}"),
        (
            #"{"selector":{"matchLabels":{"a":"1"}}}"#, #"{"selector":{"matchLabels":{"a":"2"}}}"#,
            #"{"f:spec":{"f:selector":{}}}"#, "{}"
        ),
        // Sets
        (
            #"{"tags":["a","b"]}"#, #"{"tags":["b","c"]}"#, #"{"f:spec":{"f:tags":{"v:\"c\"":{}}}}"#,
            #"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#
        ),
        ("{}", #"{"tags":["a"]}"#, #"{"f:spec":{"f:tags":{".":{},"v:\"a\"":{}}}}"#, "{}"),
        // Lists with keys
        (
            "{}", #"{"containers":[{"name":"w","image":"i","args":["x"]}]}"#,
            #"{"f:spec":{"f:containers":{".":{},"k:{\"name\":\"w\"}":{".":{},"f:args":{},"f:image":{},"f:name":{}}}}}"#,
            "{}"
        ),
        (
            #"{"containers":[{"name":"w","image":"i"},{"name":"x"}]}"#,
            #"{"containers":[{"name":"x"},{"name":"w","image":"j"}]}"#,
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"w\"}":{"f:image":{}}}}}"#, "{}"
        ),
        (
            #"{"containers":[{"name":"w"},{"name":"x"}]}"#, #"{"containers":[{"name":"w"}]}"#, "{}",
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}"#
        ),
        // A key that is not given is what it is by default
        (
            #"{"containers":[{"name":"w","ports":[{"port":80}]}]}"#,
            #"{"containers":[{"name":"w","ports":[{"port":80,"protocol":"TCP"},{"port":80,"protocol":"UDP"}]}]}"#,
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"w\"}":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:protocol":{}},"#
                + #""k:{\"port\":80,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}}}}}}"#, "{}"
        ),
        // Elements that share their key
        (
            #"{"tags":["a"]}"#, #"{"tags":["a","a"]}"#, #"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#,
            #"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#
        ),
        (#"{"tags":["a","a"]}"#, #"{"tags":["a","a"]}"#, "{}", "{}"),
        // What has no type: objects by member, all else as a whole
        (
            #"{"extra":{"a":{"b":1},"l":[1]}}"#, #"{"extra":{"a":{"b":2,"c":3},"l":[1,2]}}"#,
            #"{"f:spec":{"f:extra":{"f:a":{"f:b":{},"f:c":{}},"f:l":{}}}}"#, "{}"
        ),
        // Text that is escaped
        (#"{"notes":{"a\"b":"1"}}"#, #"{"notes":{"a\"b":"2"}}"#, #"{"f:spec":{"f:notes":{"f:a\"b":{}}}}"#, "{}"),
    ])
    func `what changed is what was added, altered or removed`(
        _ item: (old: String, new: String, taken: String, removed: String)
    ) throws {
        let found = try Self.spec(item.old, item.new)
        #expect(found.taken == item.taken)
        #expect(found.removed == item.removed)
    }

    @Test func `what the server sets is nobody's`() throws {
        let changes = try #require(
            try Thing.changes(
                #"{"apiVersion":"test/v1","metadata":{"name":"a","creationTimestamp":null}}"#,
                #"{"kind":"Thing","apiVersion":"test/v1","metadata":{"name":"b","generation":2,"uid":"u","managedFields":[{}],"#
                    + #""resourceVersion":"7","labels":{"x":"y"},"ownerReferences":[{"uid":"1","name":"o"}]}}"#))
        #expect(
            String(decoding: changes.taken.jsonBytes, as: UTF8.self)
                == #"{"f:metadata":{"f:labels":{".":{},"f:x":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"1\"}":{}}}}"#
        )
        #expect(changes.removed.isEmpty)
    }

    @Test func `a field of a template is owned even if the object's own is not`() throws {
        let schema = Schema(
            "test.Holder", types: [{ ObjectMeta.schema }],
            """
            template|#0|n=1||
            """)
        let changes = FieldChanges(
            from: ObjectBytes(Array(#"{"template":{}}"#.utf8)),
            to: ObjectBytes(Array(#"{"template":{"name":"x","metadata":7}}"#.utf8)), schema: schema)
        #expect(changes?.taken == [[.field("template"), .field("name")]])
    }

    @Test func `what is no JSON is not compared`() throws {
        for text in ["", "{", #"{"a":}"#, "nope", #"{"a" 1}"#, #"["x]"#] {
            #expect(try Thing.changes("{}", text) == nil)
        }
        let deep: String = String(repeating: "[", count: 100_000)
        #expect(try Thing.changes("{}", #"{"spec":{"extra":"# + deep) == nil)
    }

    // MARK: - By chance

    @Test func `a change and its way back mirror each other, and a copy has none`() throws {
        var random = RandomThing(seed: 5)
        for round in 0..<500 {
            let (old, new) = (random.object().description, random.object().description)
            let there = try #require(try Thing.changes(old, new))
            let back = try #require(try Thing.changes(new, old))
            let note: Comment = "round \(round):\n\(old)\n\(new)"
            // What was altered is taken both ways; what was added there is removed on the way back.
            #expect(there.removed.isSubset(of: back.taken), note)
            #expect(back.removed.isSubset(of: there.taken), note)
            #expect(there.taken.subtracting(back.removed) == back.taken.subtracting(there.removed), note)
            #expect(try #require(try Thing.changes(old, old)).isEmpty, note)
        }
    }
}
