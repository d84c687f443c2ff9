import APICore
import APIMachinery
import Client
import Codec

extension TransportConformance {
    func configMap(_ name: String, _ data: StringMap<String> = [:], label: String = "x") -> ConfigMap {
        ConfigMap.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = prefix + "-" + name
            $0.metadata.labels = ["conformance": label, "run": prefix]
            $0.data = data
        }
    }

    func remove(_ map: ConfigMap) async {
        do throws(StatusError) {
            try await client.delete(ConfigMap.self, map.key)
        } catch {
            // Best effort: a check that failed for another reason says so.
        }
    }

    func createAndGet() async throws {
        let map: ConfigMap = configMap("create", ["k": "<&>\u{2028}ü"])
        let made: ConfigMap = try await client.create(map)
        try require(!made.metadata.uid.isEmpty, "a created object has a UID")
        try require(Int64(made.metadata.resourceVersion) ?? 0 > 0, "a created object has a resourceVersion")
        try require(made.metadata.creationTimestamp != nil, "a created object has a time")
        try require(made.data == map.data, "data comes back as it was sent: \(made.data)")
        let got: ConfigMap = try await client.get(ConfigMap.self, map.key)
        try require(got == made, "get answers what create answered")
        let view: ObjectMetadataView = try await client.metadata(ObjectTarget(map))
        try require(view.kind == "ConfigMap" && view.apiVersion == "v1", "an object says what it is")
        try require(view.metadata == made.metadata, "metadata decodes by itself")
        await remove(map)
    }

    func failures() async throws {
        let map: ConfigMap = configMap("failures")
        let missing: StatusError = try await failure("getting what is not there") { () async throws(StatusError) in
            _ = try await client.get(ConfigMap.self, map.key)
        }
        try require(missing.isNotFound && missing.code == 404, "what is not there is not found: \(missing)")
        try require(
            missing.message == "configmaps \"\(map.metadata.name)\" not found", "in upstream's words: \(missing)")
        try await client.create(map)
        let twice: StatusError = try await failure("creating twice") { () async throws(StatusError) in
            try await client.create(map)
        }
        try require(twice.isAlreadyExists && twice.code == 409, "what is there already exists: \(twice)")
        var invalid: ConfigMap = map
        invalid.metadata.name = "Not_Valid"
        let bad: ConfigMap = invalid
        let refused: StatusError = try await failure("creating with an invalid name") { () async throws(StatusError) in
            try await client.create(bad)
        }
        try require(refused.isInvalid && refused.code == 422, "an invalid name is invalid: \(refused)")
        try require(refused.causes.contains { $0.field == "metadata.name" }, "the cause names the field")
        await remove(map)
    }

    func conflict() async throws {
        let map: ConfigMap = try await client.create(configMap("conflict"))
        var newer: ConfigMap = map
        newer.data["a"] = "1"
        let updated: ConfigMap = try await client.update(newer)
        try require(updated.metadata.resourceVersion != map.metadata.resourceVersion, "an update has a new revision")
        let same: ConfigMap = try await client.update(updated)
        try require(
            same.metadata.resourceVersion == updated.metadata.resourceVersion,
            "an update that changes nothing writes nothing")
        let late: ConfigMap = newer
        let error: StatusError = try await failure("updating from an old revision") { () async throws(StatusError) in
            try await client.update(late)
        }
        try require(error.isConflict && error.code == 409, "an old revision is a conflict: \(error)")
        await remove(map)
    }

    func patches() async throws {
        let map: ConfigMap = try await client.create(configMap("patch", ["a": "1"]))
        let patches: [(PatchType, String)] = [
            (.merge, #"{"data":{"b":"2"}}"#), (.strategic, #"{"data":{"c":"3"}}"#),
            (.json, #"[{"op":"remove","path":"/data/a"}]"#),
        ]
        for (type, text) in patches {
            try await client.patch(ConfigMap.self, map.key, type, Array(text.utf8))
        }
        let result: ConfigMap = try await client.get(ConfigMap.self, map.key)
        try require(result.data == ["b": "2", "c": "3"], "all patches are applied: \(result.data)")
        await remove(map)
    }

    func dryRun() async throws {
        let map: ConfigMap = configMap("dry")
        try await client.create(map, WriteOptions(dryRun: true))
        let error: StatusError = try await failure("getting what was made dry") { () async throws(StatusError) in
            _ = try await client.get(ConfigMap.self, map.key)
        }
        try require(error.isNotFound, "a dry run makes nothing")
    }
}
