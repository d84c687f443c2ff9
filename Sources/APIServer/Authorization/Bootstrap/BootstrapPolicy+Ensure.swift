import APICore
package import APIMachinery
import APIRBAC

extension BootstrapPolicy {
    private static let namespaces: [String] = ["kube-system", "kube-public"]

    /// Brings what the server has up to the policy, through a transport of `system:masters`. Writes what differs only.
    ///
    /// - Returns: the number of objects written.
    @discardableResult
    package func ensure(over transport: any Transport) async throws(StatusError) -> Int {
        let ensurer = ObjectEnsurer(transport)
        let made: Int = try await ensurer.ensure { () async throws(StatusError) in
            try await Self.namespaceSteps(ensurer)
        }
        let written: Int = try await ensurer.ensure { () async throws(StatusError) in try await steps(ensurer) }
        return made + written
    }

    private static func namespaceSteps(_ ensurer: ObjectEnsurer) async throws(StatusError) -> [ObjectEnsurer.Step] {
        var steps: [ObjectEnsurer.Step] = []
        for name in namespaces {
            steps += try await ensurer.missing(Namespace.with { $0.metadata.name = name }, "namespaces")
        }
        return steps
    }

    private func steps(_ ensurer: ObjectEnsurer) async throws(StatusError) -> [ObjectEnsurer.Step] {
        var steps: [ObjectEnsurer.Step] = []
        steps += try await ensurer.differences(clusterRoles, "clusterroles") { Self.reconciled($0, $1) }
        steps += try await ensurer.differences(roles, "roles") { Self.reconciled($0, $1) }
        steps += try await ensurer.differences(clusterRoleBindings, "clusterrolebindings") {
            Self.reconciled($0, $1)
        } replaces: {
            $0.roleRef != $1.roleRef
        }
        steps += try await ensurer.differences(roleBindings, "rolebindings") {
            Self.reconciled($0, $1)
        } replaces: {
            $0.roleRef != $1.roleRef
        }
        return steps
    }
}
