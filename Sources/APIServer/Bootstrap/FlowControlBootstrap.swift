import APIFlowControl
package import APIMachinery
import APIValidation
import Codec

/// Keeps the flow schemas and priority levels that every cluster begins with.
///
/// Mandatory ones always are what they should be. Suggested ones are kept until somebody takes them over: by the
/// annotation `apf.kubernetes.io/autoupdate-spec: "false"`, or by a change where there is no such annotation.
package struct FlowControlBootstrap: Sendable {
    static let autoUpdate: String = "apf.kubernetes.io/autoupdate-spec"

    package init() {}

    /// - Parameter transport: of `system:masters`.
    /// - Returns: the number of objects written.
    @discardableResult
    package func ensure(over transport: any Transport) async throws(StatusError) -> Int {
        let ensurer = ObjectEnsurer(transport)
        return try await ensurer.ensure { () async throws(StatusError) in
            // Levels first: schemas refer to them.
            var steps: [ObjectEnsurer.Step] = try await Self.steps(
                ensurer, "prioritylevelconfigurations", mandatory: FlowControlPresets.mandatoryLevels,
                suggested: FlowControlPresets.suggestedLevels, spec: \.spec)
            steps += try await Self.steps(
                ensurer, "flowschemas", mandatory: FlowControlPresets.mandatorySchemas,
                suggested: FlowControlPresets.suggestedSchemas, spec: \.spec)
            return steps
        }
    }

    private static func steps<Object: APIObject, Spec: Equatable>(
        _ ensurer: ObjectEnsurer, _ resource: String, mandatory: [Object], suggested: [Object],
        spec: WritableKeyPath<Object, Spec>
    ) async throws(StatusError) -> [ObjectEnsurer.Step] {
        let fixed: Set<String> = Set(mandatory.map { $0.metadata.name })
        let names: Set<String> = fixed.union(suggested.map { $0.metadata.name })
        let steps: [ObjectEnsurer.Step] = try await ensurer.differences(mandatory + suggested, resource) {
            reconciled($0, $1, spec, isFixed: fixed.contains($0.metadata.name))
        }
        let removals: [ObjectEnsurer.Step] = try await ensurer.removals(Object.self, resource) {
            $0.metadata.annotations[autoUpdate] == "true" && !names.contains($0.metadata.name)
        }
        return steps + removals
    }

    /// The object to write instead of `existing` (nil: there is none); nil if nothing has to change.
    static func reconciled<Object: APIObject, Spec: Equatable>(
        _ wanted: Object, _ existing: Object?, _ spec: WritableKeyPath<Object, Spec>, isFixed: Bool
    ) -> Object? {
        guard let existing else {
            var fresh: Object = wanted
            fresh.metadata.annotations[autoUpdate] = "true"
            return fresh
        }
        let isOurs: Bool
        switch existing.metadata.annotations[autoUpdate] {
        case "true": isOurs = true
        case nil: isOurs = existing.metadata.generation == 1
        default: isOurs = false
        }
        var result: Object = existing
        if isFixed || isOurs {
            result.metadata.annotations[autoUpdate] = "true"
            result[keyPath: spec] = wanted[keyPath: spec]
        } else if existing.metadata.annotations[autoUpdate] == nil {
            result.metadata.annotations[autoUpdate] = "false"
        }
        return result == existing ? nil : result
    }
}
