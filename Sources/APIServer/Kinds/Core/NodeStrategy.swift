package import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

/// Nodes: the kubelet creates them with a status, and sets labels through the status endpoint.
package struct NodeStrategy: KindStrategy {
    package let info = ResourceInfo(
        Node.gvk, resource: "nodes", shortNames: ["no"], namespaced: false,
        subresources: [
            ResourceInfo.Subresource(
                "proxy", gvk: GroupVersionKind(group: "", version: "v1", kind: "NodeProxyOptions"),
                verbs: ["create", "delete", "get", "patch", "update"]), ResourceInfo.status(of: Node.gvk),
        ])

    package init() {}

    package var parts: ObjectParts<Node> {
        var parts = ObjectParts(uncounted: \Node.spec, status: \Node.status)
        parts.clearStatus = nil
        return parts
    }

    package func setDefaults(_ node: inout Node) { node.setDefaults() }

    package func validateCreate(_ node: Node, context: RequestContext) -> FieldErrors { node.validate() }
    package func validateUpdate(_ node: Node, old: Node, context: RequestContext) -> FieldErrors {
        node.validateUpdate(of: old)
    }
    package func validateStatusUpdate(_ node: Node, old: Node, context: RequestContext) -> FieldErrors {
        node.validateUpdate(of: old)
    }

    package var selectableFields: [String] { ["spec.unschedulable"] }
    package func selectableValues(_ node: Node) -> [String] { [String(node.spec.unschedulable)] }

    package var table: TableDefinition<Node> {
        TableDefinition([
            .name, TableColumn("Status"), TableColumn("Roles"), .age, TableColumn("Version"),
            TableColumn("Internal-IP", priority: 1), TableColumn("External-IP", priority: 1),
            TableColumn("OS-Image", priority: 1), TableColumn("Kernel-Version", priority: 1),
            TableColumn("Container-Runtime", priority: 1),
        ]) { node, now in
            let info: NodeSystemInfo = node.status.nodeInfo
            return [
                .string(node.metadata.name), .string(node.statusText), .string(node.rolesText),
                CellText.age(node.metadata, now), .string(info.kubeletVersion),
                CellText.orNone(node.address("InternalIP")), CellText.orNone(node.address("ExternalIP")),
                .string(info.osImage.isEmpty ? "<unknown>" : info.osImage),
                .string(info.kernelVersion.isEmpty ? "<unknown>" : info.kernelVersion),
                .string(info.containerRuntimeVersion.isEmpty ? "<unknown>" : info.containerRuntimeVersion),
            ]
        }
    }
}

extension Node {
    private static let rolePrefix = "node-role.kubernetes.io/"

    fileprivate var statusText: String {
        let ready: NodeCondition? = status.conditions.first { $0.type == "Ready" }
        let health: String = ready.map { $0.status == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        return spec.unschedulable ? health + ",SchedulingDisabled" : health
    }

    fileprivate var rolesText: String {
        var roles: Set<String> = []
        for (key, value) in metadata.labels {
            if key.hasPrefix(Self.rolePrefix) {
                let role: String = String(key.dropFirst(Self.rolePrefix.count))
                if !role.isEmpty { roles.insert(role) }
            } else if key == "kubernetes.io/role", !value.isEmpty {
                roles.insert(value)
            }
        }
        return roles.isEmpty ? CellText.none : roles.sorted().joined(separator: ",")
    }

    fileprivate func address(_ type: String) -> String {
        status.addresses.first { $0.type == type }?.address ?? ""
    }
}
