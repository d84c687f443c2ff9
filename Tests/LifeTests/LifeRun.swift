import APIMachinery
import APIServer
import Client
import ClientHTTP
import Codec
import Testing

/// One resource being put through its life.
struct LifeRun: Sendable {
    let server: LifeServer
    let life: Life
    let info: ResourceInfo

    var name: String { life.names[0] }
    /// Of the collection.
    var path: String {
        let gvr: GroupVersionResource = info.gvr
        let root: String = gvr.group.isEmpty ? "/api/\(gvr.version)" : "/apis/\(gvr.group)/\(gvr.version)"
        return root + (info.namespaced ? "/namespaces/default/" : "/") + gvr.resource
    }
    var own: String { path + "/" + name }

    func object(_ name: String? = nil, labels: [String: String] = [:]) -> JSONValue {
        life.object(name ?? self.name, kind: info.gvk.kind, labels: labels)
    }

    // MARK: - Calls

    static let json = "application/json"

    func call(
        _ method: String, _ path: String, _ body: JSONValue? = nil, type: String = json, accept: String = json
    ) async throws(StatusError) -> (code: Int, body: JSONValue, warnings: [String]) {
        let raw: RawResponse = try await server.transport.send(
            RawRequest(method, path, body: body?.jsonBytes ?? [], contentType: type, accept: accept))
        do throws(JSONError) {
            return (raw.code, try JSONValue(parsing: raw.body), raw.warnings)
        } catch {
            throw .internalError("the answer to \(method) \(path) is no JSON: \(error)")
        }
    }

    func get(_ suffix: String = "") async throws -> JSONValue { try await call("GET", own + suffix).body }

    /// A call that must fail.
    func refusal(
        _ method: String, _ path: String, _ body: JSONValue? = nil, type: String = json,
        location: SourceLocation = #_sourceLocation
    ) async -> StatusError? {
        do throws(StatusError) {
            _ = try await call(method, path, body, type: type)
            Issue.record("\(method) \(path) succeeded", sourceLocation: location)
            return nil
        } catch {
            return error
        }
    }

    static func revision(_ object: JSONValue) -> String { object.text("metadata", "resourceVersion") }

    static func annotation(_ object: JSONValue, _ name: String) -> String? {
        object["metadata"]?["annotations"]?[name]?.string
    }

    /// What an object would be after a merge patch.
    static func merged(_ object: JSONValue, _ patch: String) -> JSONValue { MergePatch.apply(parse(patch), to: object) }

    /// Whether the object that is stored is still at this revision.
    func expectUntouched(_ revision: String, _ what: Comment, location: SourceLocation = #_sourceLocation) async throws
    {
        #expect(try await Self.revision(get()) == revision, what, sourceLocation: location)
    }
}

extension LifeRun {
    /// The writes that were seen by the writer, to be compared with what a watch saw.
    struct History {
        private(set) var revisions: [String] = []

        mutating func wrote(_ object: JSONValue) {
            let revision: String = LifeRun.revision(object)
            if revision != revisions.last { revisions.append(revision) }
        }
    }

    /// From nothing to nothing.
    func whole() async throws {
        var history = History()
        try await beforeBirth()
        let start: String = try await call("GET", path).body.text("metadata", "resourceVersion")
        let watch: any WatchStream = try await server.transport.watch(
            APIRequest(
                .watch, info.gvr, namespace: info.namespaced ? "default" : "",
                query: [
                    // The server ends it when an event never comes.
                    ("resourceVersion", start), ("fieldSelector", "metadata.name=\(name)"), ("timeoutSeconds", "60"),
                ]))
        try await birth(&history)
        try await reading()
        try await updates(&history)
        try await patches(&history)
        try await applying(&history)
        if info.subresource("status") != nil { try await status(&history) }
        if info.subresource("scale") != nil { try await scaling(&history) }
        try await death(&history)
        try await compare(watch, history)
        watch.cancel()
        try await collection()
    }

    /// The watch saw each write once, in order, and the deletion last.
    private func compare(_ watch: any WatchStream, _ history: History) async throws {
        var seen: [String] = []
        var wanted: [String] = history.revisions.enumerated().map { index, revision in
            "\(index == 0 ? "ADDED" : "MODIFIED") \(revision)"
        }
        wanted.append("DELETED")
        loop: while let events = try await watch.next() {
            for event in events {
                #expect(event.object.name == name)
                if event.kind == .deleted {
                    seen.append("DELETED")
                    #expect(event.object.revision > Int64(history.revisions.last ?? "") ?? .max)
                    break loop
                }
                seen.append("\(event.kind.rawValue) \(event.object.revision)")
            }
        }
        #expect(seen == wanted)
    }
}
