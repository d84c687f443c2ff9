import Codec
import Testing

/// What the life of one resource needs to be told: the smallest valid object, and what may be done to it.
///
/// All JSON is without `kind`, `apiVersion` and `metadata.name`; `$NAME` stands for the object's name, `$STEM` for the
/// name up to its first dot, `$REST` for what comes after.
struct Life: Sendable, CustomTestStringConvertible {
    /// How an object goes when it is deleted.
    enum Ending: Sendable {
        /// At once.
        case removed
        /// It waits for its finalizers, which somebody takes off: protection in use, or the orphaning of dependents that
        /// is the default of some old kinds.
        case finalizers
        /// It waits for `spec.finalizers`, which the subresource `finalize` takes off.
        case finalize
    }

    /// `apps/v1 deployments`
    var resource: String
    var object: String
    /// A merge patch to another valid object.
    var change: String
    /// A status to be written, for kinds with that subresource.
    var status: String?
    /// A merge patch that a status update must ignore; default: `change`.
    var otherSpec: String?
    /// A merge patch that makes the object invalid, and the beginnings of the causes, each `field: message`.
    var invalid: String
    var causes: [String]
    /// Upstream's columns, those of `-o wide` included, separated by bars.
    var columns: String
    var names: [String] = ["a", "b", "c"]
    var ending: Ending = .removed

    var testDescription: String { resource }

    /// The object under a name, with labels.
    func object(_ name: String, kind: String, labels: [String: String] = [:]) -> JSONValue {
        let stem: String = String(name.prefix { $0 != "." })
        let text: String = object.replacing("$NAME", with: name).replacing("$STEM", with: stem)
            .replacing("$REST", with: String(name.dropFirst(stem.count + 1)))
        var value: JSONObject = parse(text).object ?? JSONObject()
        let apiVersion: String = String(resource.prefix { $0 != " " })
        value["apiVersion"] = .string(apiVersion)
        value["kind"] = .string(kind)
        var metadata: JSONObject = value["metadata"]?.object ?? JSONObject()
        metadata["name"] = .string(name)
        if !labels.isEmpty {
            var members = JSONObject()
            for (key, value) in labels { members[key] = .string(value) }
            metadata["labels"] = .object(members)
        }
        value["metadata"] = .object(metadata)
        return .object(value)
    }
}

/// JSON that a table holds.
func parse(_ text: String) -> JSONValue {
    do {
        return try JSONValue(parsing: text)
    } catch {
        preconditionFailure("a table holds what is no JSON: \(error): \(text)")
    }
}

extension JSONValue {
    /// Whether all of another value's members are here; lists must be equal in length.
    func covers(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.object(let own), .object(let wanted)):
            return wanted.allSatisfy { key, value in own[key]?.covers(value) ?? false }
        case (.array(let own), .array(let wanted)):
            return own.count == wanted.count && zip(own, wanted).allSatisfy { $0.covers($1) }
        default:
            return self == other
        }
    }

    func text(_ path: String...) -> String { self[path: path]?.string ?? "" }

    /// With one member set.
    func setting(_ path: [String], _ value: JSONValue) -> JSONValue {
        guard let first = path.first else { return value }
        var object: JSONObject = self.object ?? JSONObject()
        object[first] = (object[first] ?? .emptyObject).setting(Array(path.dropFirst()), value)
        return .object(object)
    }
}

enum Lives {
    /// One row per resource of `../shared/facts/resources.yaml` that can be created and deleted.
    static let all: [Life] = core + workloads + networking + access + storage + extensions

    static let template = #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
    /// Of a job.
    static let task = #"{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}"#
    static let annotated = #"{"metadata":{"annotations":{"changed":"yes"}}}"#
    static let condition =
        #"{"conditions":[{"type":"Ready","status":"True","reason":"R","message":"m","#
        + #""lastTransitionTime":"2026-01-01T00:00:00Z"}]}"#
    static let subdomain = "a lowercase RFC 1123 subdomain must consist of"
}
