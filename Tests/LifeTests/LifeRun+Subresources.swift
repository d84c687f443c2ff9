import APIMachinery
import APIServer
import Codec
import Testing

extension LifeRun {
    /// The status endpoint changes the status alone, the main one everything else.
    func status(_ history: inout History) async throws {
        guard let status = life.status else {
            Issue.record("the row has no status although the resource has that subresource")
            return
        }
        let before: JSONValue = try await get()
        let wanted: JSONValue = Self.merged(
            Self.merged(before, life.otherSpec ?? life.change), #"{"status":\#(status)}"#)
        #expect(wanted["spec"] != before["spec"], "the row's other spec is another one")
        let rehearsed: JSONValue = try await call("PUT", own + "/status?dryRun=All", wanted).body
        #expect(Self.revision(rehearsed) == Self.revision(before) || rehearsed["status"] != before["status"])
        try await expectUntouched(Self.revision(before), "a dry run of a status")
        let after: JSONValue = try await call("PUT", own + "/status", wanted).body
        history.wrote(after)
        #expect(after["spec"] == before["spec"], "the status endpoint leaves the spec")
        #expect(after["status"]?.covers(Self.merged(.emptyObject, status)) == true)
        #expect(try await get("/status") == after)
        #expect(try await get() == after)

        let main: JSONValue = Self.merged(after, #"{"status":null,"metadata":{"annotations":{"main":"yes"}}}"#)
        let kept: JSONValue = try await call("PUT", own, main).body
        history.wrote(kept)
        #expect(kept["status"] == after["status"], "the main endpoint leaves the status")
        let patch: JSONValue = parse(#"{"status":\#(status),"spec":{"bogusField":1}}"#)
        let patched: JSONValue = try await call("PATCH", own + "/status", patch, type: "application/merge-patch+json")
            .body
        history.wrote(patched)
        #expect(patched["spec"] == before["spec"] && patched["status"] == after["status"])
        let stale = await refusal("PUT", own + "/status", before)
        #expect(stale?.code == 409)
    }

    func scaling(_ history: inout History) async throws {
        let scale: JSONValue = try await get("/scale")
        #expect(scale.text("kind") == "Scale" && scale.text("apiVersion") == "autoscaling/v1")
        #expect(scale["metadata"]?["uid"] == (try await get())["metadata"]?["uid"])
        #expect(scale.text("status", "selector") == "a=b")
        let three: JSONValue = scale.setting(["spec", "replicas"], 3)
        _ = try await call("PUT", own + "/scale?dryRun=All", three)
        try await expectUntouched(Self.revision(scale), "a dry run of a scale")
        let scaled: JSONValue = try await call("PUT", own + "/scale", three).body
        history.wrote(scaled)
        #expect(try await get()["spec"]?["replicas"] == 3)
        let patched: JSONValue = try await call(
            "PATCH", own + "/scale", parse(#"{"spec":{"replicas":4}}"#), type: "application/merge-patch+json"
        ).body
        history.wrote(patched)
        #expect(patched["spec"]?["replicas"] == 4)
        #expect(try await get()["spec"]?["replicas"] == 4)
        let negative = await refusal("PUT", own + "/scale", patched.setting(["spec", "replicas"], -1))
        #expect(negative?.code == 422 && negative?.message.contains("spec.replicas: Invalid value: -1") == true)
        let stale = await refusal("PUT", own + "/scale", three)
        #expect(stale?.code == 409)
    }

    // MARK: - Ends

    func death(_ history: inout History) async throws {
        let last: JSONValue = try await get()
        _ = try await call("DELETE", own + "?dryRun=All")
        try await expectUntouched(Self.revision(last), "a dry run of a deletion")
        let options: JSONValue = parse(
            #"{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"other"}}"#)
        let foreign = await refusal("DELETE", own, options)
        #expect(foreign?.code == 409 && foreign?.reason == "Conflict")
        try await expectUntouched(Self.revision(last), "a deletion of another object")

        let right: JSONValue = options.setting(["preconditions", "uid"], .string(last.text("metadata", "uid")))
        let gone = try await call("DELETE", own, right)
        #expect(gone.code == 200)
        try await release(name, &history)
        let missing = await refusal("GET", own)
        #expect(missing?.code == 404)
        let again = await refusal("DELETE", own)
        #expect(again?.code == 404 && again?.reason == "NotFound")
    }

    /// Takes off what keeps a deleted object.
    private func release(_ name: String, _ history: inout History) async throws {
        guard life.ending != .removed else { return }
        let marked: JSONValue = try await call("GET", path + "/" + name).body
        #expect(!marked.text("metadata", "deletionTimestamp").isEmpty, "it is marked and waits")
        history.wrote(marked)
        switch life.ending {
        case .removed: break
        case .finalizers:
            _ = try await call(
                "PATCH", path + "/" + name, parse(#"{"metadata":{"finalizers":null}}"#),
                type: "application/merge-patch+json")
        case .finalize:
            _ = try await call("PUT", path + "/\(name)/finalize", marked.setting(["spec", "finalizers"], []))
        }
    }

    /// Deletes what a selector chooses and nothing else.
    func collection() async throws {
        guard info.verbs.contains(.deletecollection) else {
            let refused = await refusal("DELETE", path + "?labelSelector=x%3Dy")
            #expect(refused?.code == 405 && refused?.reason == "MethodNotAllowed")
            return
        }
        let (kept, dropped): (String, String) = (life.names[1], life.names[2])
        _ = try await call("POST", path, object(kept, labels: ["set": "kept"]))
        _ = try await call("POST", path, object(dropped, labels: ["set": "dropped"]))
        let selector: String = "?labelSelector=set%3Ddropped"
        #expect(try await names(selector) == [dropped])
        _ = try await call("DELETE", path + selector + "&dryRun=All")
        #expect(try await names("?labelSelector=set") == [kept, dropped])
        let wrong = await refusal("DELETE", path + "?labelSelector=%3D%3D")
        #expect(wrong?.code == 400)
        let answer = try await call("DELETE", path + selector)
        #expect(answer.code == 200)
        var history = History()
        try await release(dropped, &history)
        #expect(try await names("?labelSelector=set") == [kept])
        let keeper: JSONValue = try await call("GET", path + "/" + kept).body
        #expect(keeper.text("metadata", "deletionTimestamp").isEmpty)
    }

    private func names(_ query: String) async throws -> [String] {
        let list: JSONValue = try await call("GET", path + query).body
        return list["items"]?.array?.map { $0.text("metadata", "name") } ?? []
    }
}
