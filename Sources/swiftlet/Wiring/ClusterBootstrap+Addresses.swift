import API
import APIMachinery
import APINetworking
import Client

/// The range of cluster addresses as an object, and who may keep the objects of single ones.
extension ClusterBootstrap {
    private static let addressRole: String = "system:swiftlet:ip-address-controller"

    /// Upstream's name of the cluster's own ServiceCIDR.
    static let serviceRange: String = "kubernetes"

    func makeServiceRange() async throws(StatusError) {
        try await make(
            ServiceCIDR.with {
                $0.metadata.name = Self.serviceRange
                $0.spec.cidrs = configuration.network.serviceRanges
            })
        // Upstream's API server writes them as itself.
        try await make(
            ClusterRole.with { role in
                role.metadata.name = Self.addressRole
                role.rules = [
                    PolicyRule.with {
                        $0.apiGroups = ["networking.k8s.io"]
                        $0.resources = ["ipaddresses"]
                        $0.verbs = ["get", "list", "watch", "create", "update", "delete"]
                    }
                ]
            })
        try await make(
            ClusterRoleBinding.with { binding in
                binding.metadata.name = Self.addressRole
                binding.roleRef = RoleRef.with {
                    $0.apiGroup = "rbac.authorization.k8s.io"
                    $0.kind = "ClusterRole"
                    $0.name = Self.addressRole
                }
                binding.subjects = [
                    Subject.with {
                        $0.kind = "ServiceAccount"
                        $0.name = "ip-address-controller"
                        $0.namespace = "kube-system"
                    }
                ]
            })
    }
}
