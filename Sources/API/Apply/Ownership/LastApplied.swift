import APIMachinery
package import Codec

/// The way from client-side apply to server-side apply: upstream lets `kubectl` take over what it applied before, as the
/// annotation that client-side apply keeps tells, and keeps the annotation up to date for clients that still use it.
package enum LastApplied {
    package static let annotation: String = "kubectl.kubernetes.io/last-applied-configuration"
    /// Only the manager of this name is upgraded; others say by their name that they do not want it.
    package static let manager: String = "kubectl"
    /// Upstream's limit of all annotations of an object.
    private static let annotationsLimit: Int = 256 * 1024

    static func text(of object: JSONValue) -> String? {
        guard let text = object["metadata"]?["annotations"]?[annotation]?.string, !text.isEmpty else { return nil }
        return text
    }

    /// The fields that client-side apply set last and that are still as it set them.
    static func fields(in live: TypedValue, apiVersion: String) -> FieldSet? {
        guard let text = text(of: live.value), let value = try? JSONValue(parsing: text),
            value["apiVersion"]?.string == apiVersion
        else { return nil }
        let applied = TypedValue(value, live.schema)
        guard applied.problems().isEmpty,
            let changes = FieldChanges(
                from: ObjectBytes(value.jsonBytes), to: ObjectBytes(live.value.jsonBytes), schema: live.schema)
        else { return nil }
        return applied.fields().subtracting(changes.taken).subtracting(changes.removed)
    }

    /// The object with the configuration as its annotation, if it has one already.
    package static func update(_ object: JSONValue, with configuration: JSONValue) -> JSONValue {
        guard text(of: object) != nil else { return object }
        var bare: JSONValue = configuration
        bare["metadata"]?["annotations"]?[annotation] = nil
        var result: JSONValue = object
        result["metadata"]?["annotations"]?[annotation] = .string(bare.description + "\n")
        let size: Int =
            result["metadata"]?["annotations"]?.object?.reduce(0) {
                $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 0)
            } ?? 0
        if size > annotationsLimit { result["metadata"]?["annotations"]?[annotation] = nil }
        return result
    }
}

extension Application {
    /// As `apply`, and what only stands against client-side apply of the same manager is taken from it.
    package func applyUpgrading(_ ownership: Ownership) throws(ApplyConflict) -> Result {
        let conflict: ApplyConflict
        do throws(ApplyConflict) {
            return try apply(to: ownership)
        } catch {
            conflict = error
        }
        guard applier.manager == LastApplied.manager,
            let allowed = LastApplied.fields(in: live, apiVersion: applier.apiVersion)
        else { throw conflict }
        let rest: ApplyConflict = conflict.subtracting(allowed)
        guard rest.conflicts.isEmpty else { throw rest }
        var forced: Application = self
        forced.force = true
        return try forced.apply(to: ownership)
    }
}
