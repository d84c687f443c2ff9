import APIApply
import APIMachinery
import Codec
import Testing

@Suite struct OwnershipTests {
    @Test func `a writer owns what it changed, and takes it from the others`() throws {
        var story = try Story()
        try story.update("a", #"{"spec":{"replicas":1,"enabled":true},"status":{}}"#)
        story.now = Thing.later
        try story.update("b", #"{"spec":{"replicas":2,"notes":{"x":"y"}},"status":{}}"#)
        #expect(story.entries.map(\.manager) == ["b"])
        #expect(story.fields("b", "Update") == #"{"f:spec":{"f:notes":{".":{},"f:x":{}},"f:replicas":{}}}"#)
        let entry = try #require(story.entries.first)
        #expect(entry.operation == "Update" && entry.apiVersion == "test/v1" && entry.fieldsType == "FieldsV1")
        #expect(entry.time == Thing.later)
    }

    @Test func `a write that changes nothing, or only removes, keeps the times`() throws {
        var story = try Story()
        try story.update("a", #"{"spec":{"replicas":1,"enabled":true},"status":{}}"#)
        story.now = Thing.later
        #expect(try !story.update("a", #"{"spec":{"enabled":true,"replicas":1},"status":{}}"#))
        #expect(try story.update("b", #"{"spec":{"replicas":1},"status":{}}"#))
        #expect(story.entries.count == 1)
        #expect(story.entries.first?.time == Thing.now)
        #expect(story.fields("a", "Update") == #"{"f:spec":{"f:replicas":{}}}"#)
    }

    @Test func `an applier loses what an updater changes`() throws {
        var story = try Story()
        try story.apply("a", #"{"spec":{"replicas":1,"enabled":true}}"#)
        try story.update("u", #"{"spec":{"replicas":2,"enabled":true},"status":{}}"#)
        #expect(story.fields("a") == #"{"f:spec":{"f:enabled":{}}}"#)
        #expect(story.fields("u", "Update") == #"{"f:spec":{"f:replicas":{}}}"#)
    }

    @Test func `what an endpoint does not write is not owned by its writers`() throws {
        var story = try Story()
        let main = ResetFields(excluding: [[.field("status")]])
        try story.update("u", #"{"spec":{"replicas":2},"status":{"ready":1}}"#, reset: main)
        #expect(story.fields("u", "Update") == #"{"f:spec":{"f:replicas":{}}}"#)
        let status = ResetFields(excluding: [[.field("spec")]])
        try story.update("k", #"{"spec":{"replicas":3},"status":{"ready":2}}"#, subresource: "status", reset: status)
        #expect(story.fields("k", "Update") == #"{"f:status":{"f:ready":{}}}"#)
        #expect(story.entries.first { $0.manager == "k" }?.subresource == "status")
        #expect(story.fields("u", "Update") == #"{"f:spec":{"f:replicas":{}}}"#)
        let args = ResetFields(
            includingOnly: [[.field("spec"), .field("containers"), nil, .field("args")]])
        try story.update(
            "r", #"{"spec":{"replicas":9,"containers":[{"name":"w","args":["x"],"image":"i"}]},"status":{}}"#,
            reset: args)
        #expect(
            story.fields("r", "Update")
                == #"{"f:spec":{"f:containers":{".":{},"k:{\"name\":\"w\"}":{".":{},"f:args":{}}}}}"#)
    }

    @Test func `one manager writes under several names: by operation, version and subresource`() throws {
        var story = try Story()
        try story.update("m", #"{"spec":{"replicas":1},"status":{}}"#)
        try story.update("m", #"{"spec":{"replicas":1},"status":{"ready":1}}"#, subresource: "status")
        try story.apply("m", #"{"spec":{"enabled":true}}"#)
        #expect(story.entries.map { "\($0.operation) \($0.subresource)" } == ["Apply ", "Update ", "Update status"])
    }

    @Test func `owners in a version that is not served are forgotten, others are brought up to it`() throws {
        // Version v2 calls `replicas` `count`.
        let other = Schema(
            "test.Spec2",
            """
            count|int32|n=1||
            enabled|bool|n=2||
            """)
        let v2 = Schema(
            "test.Thing2", types: [{ other }],
            """
            spec|#0|n=1||
            """)
        let convert: VersionConverter = { object, _, version in
            guard version == "test/v2" else { return nil }
            var spec = object["spec"]?.object ?? [:]
            spec["count"] = spec.removeValue(forKey: "replicas")
            return TypedValue(["spec": .object(spec)], v2)
        }
        var story = try Story(#"{"spec":{"replicas":1,"enabled":true},"status":{}}"#)
        story.entries = [
            .with {
                $0.manager = "two"
                $0.operation = "Update"
                $0.apiVersion = "test/v2"
                $0.fieldsType = "FieldsV1"
                $0.fieldsV1 = #"{"f:spec":{"f:count":{},"f:enabled":{}}}"#
            },
            .with {
                $0.manager = "zero"
                $0.operation = "Update"
                $0.apiVersion = "test/v0"
                $0.fieldsType = "FieldsV1"
                $0.fieldsV1 = #"{"f:spec":{"f:enabled":{}}}"#
            },
        ]
        try story.update("u", #"{"spec":{"replicas":2,"enabled":true},"status":{}}"#, convert: convert)
        #expect(story.entries.map(\.manager) == ["two", "u"])
        #expect(story.fields("two", "Update") == #"{"f:spec":{"f:enabled":{}}}"#)
    }

    @Test func `more than ten updaters are merged, the oldest first`() throws {
        var story = try Story()
        for index in 0..<13 {
            story.now = Time(seconds: Int64(1_000 + index))
            let notes: String = (0...index).map { #""k\#($0)":"1""# }.joined(separator: ",")
            try story.update("m\(index)", #"{"spec":{"notes":{\#(notes)}},"status":{}}"#)
        }
        #expect(story.entries.count == 10)
        #expect(story.entries.map(\.manager) == ["ancient-changes"] + (4..<13).map { "m\($0)" })
        #expect(
            story.fields("ancient-changes", "Update")
                == #"{"f:spec":{"f:notes":{".":{},"f:k0":{},"f:k1":{},"f:k2":{},"f:k3":{}}}}"#)
        #expect(story.entries.first?.time == Time(seconds: 1_003))
    }

    @Test func `entries that cannot be understood are told in upstream's words`() {
        func problem(_ fill: (inout ManagedFieldsEntry) -> Void) -> String? {
            var entry = ManagedFieldsEntry.with {
                $0.manager = "m"
                $0.operation = "Update"
                $0.apiVersion = "v1"
                $0.fieldsType = "FieldsV1"
            }
            fill(&entry)
            do throws(ManagedFieldsProblem) {
                _ = try Ownership([entry])
                return nil
            } catch {
                return error.text
            }
        }
        #expect(problem { _ in } == nil)
        #expect(problem { $0.operation = "Delete" } == "operation must be `Apply` or `Update`")
        #expect(problem { $0.apiVersion = "" } == "apiVersion must not be empty")
        #expect(problem { $0.fieldsType = "" } == "missing fieldsType in managed fields entry 0")
        #expect(problem { $0.fieldsType = "V2" } == #"invalid fieldsType "V2" in managed fields entry 0"#)
        #expect(problem { $0.fieldsV1 = #"{"x":{}}"# } != nil)
    }

    @Test func `entries are sorted by operation, time and name`() throws {
        let entries: [ManagedFieldsEntry] = [
            ("b", "Update", 5), ("a", "Update", 5), ("z", "Update", 1), ("c", "Apply", 9), ("d", "Apply", nil),
        ].map { (name: String, operation: String, seconds: Int64?) in
            .with {
                $0.manager = name
                $0.operation = operation
                $0.apiVersion = "v1"
                $0.time = seconds.map { Time(seconds: $0) }
                $0.fieldsType = "FieldsV1"
                $0.fieldsV1 = #"{"f:x":{}}"#
            }
        }
        #expect(try Ownership(entries).entries.map(\.manager) == ["d", "c", "z", "a", "b"])
        #expect(
            entries.isSame(
                butForTimes: entries.reversed().map { entry in
                    var entry = entry
                    entry.time = nil
                    return entry
                }))
        #expect(!entries.isSame(butForTimes: Array(entries.dropLast())))
        #expect([ManagedFieldsEntry()].isReset && !entries.isReset)
    }

    @Test func `a manager's name comes from the user agent`() {
        #expect(FieldOwner.manager(userAgent: "kubectl/v1.34.0 (linux/amd64) kubernetes/abc") == "kubectl")
        #expect(FieldOwner.manager(userAgent: "my agent") == "my agent")
        #expect(FieldOwner.manager(userAgent: "a\u{7}b\u{200B}c/1") == "abc")
        #expect(FieldOwner.manager(userAgent: String(repeating: "é", count: 100)).utf8.count == 128)
        #expect(FieldOwner(FieldOwner.manager(userAgent: ""), .update, apiVersion: "v1").manager == "unknown")
    }

    // MARK: - Scale

    @Test func `the owners of a scale are those of its object's number`() throws {
        func entry(_ manager: String, _ fields: FieldsV1, subresource: String = "") -> ManagedFieldsEntry {
            .with {
                $0.manager = manager
                $0.operation = "Update"
                $0.apiVersion = "test/v1"
                $0.time = Thing.now
                $0.fieldsType = "FieldsV1"
                $0.fieldsV1 = fields
                $0.subresource = subresource
            }
        }
        let parent = try Ownership([
            entry("a", #"{"f:spec":{"f:enabled":{},"f:replicas":{}}}"#), entry("b", #"{"f:spec":{"f:enabled":{}}}"#),
        ])
        let mapping = ScaleOwnership(parent: parent, apiVersion: "test/v1") { $0 == "test/v1" }
        let scale: Ownership = mapping.scale
        #expect(scale.entries.map { "\($0.manager) \($0.apiVersion)" } == ["a autoscaling/v1"])
        // Nobody took it.
        #expect(mapping.parent(after: scale).entries == parent.entries)
        // Somebody took it.
        let taken = try Ownership([
            .with {
                $0.manager = "s"
                $0.operation = "Update"
                $0.apiVersion = "autoscaling/v1"
                $0.time = Thing.later
                $0.fieldsType = "FieldsV1"
                $0.fieldsV1 = #"{"f:spec":{"f:replicas":{}}}"#
                $0.subresource = "scale"
            }
        ])
        let after: [ManagedFieldsEntry] = mapping.parent(after: taken).entries
        #expect(
            after.map { "\($0.manager) \($0.apiVersion) \($0.subresource)" } == [
                "s test/v1 scale", "a test/v1 ", "b test/v1 ",
            ])
        #expect(
            after.map { $0.fieldsV1?.description ?? "" } == [
                #"{"f:spec":{"f:replicas":{}}}"#, #"{"f:spec":{"f:enabled":{}}}"#, #"{"f:spec":{"f:enabled":{}}}"#,
            ])
    }
}
