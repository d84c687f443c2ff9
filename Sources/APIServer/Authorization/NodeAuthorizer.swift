import APICore
import APIMachinery
package import APIRBAC
import APIStorage
import Store
import Synchronization

/// The node that a user is.
package enum NodeIdentity: Sendable, Equatable {
    static let userPrefix: String = "system:node:"
    static let group: String = "system:nodes"

    /// One of the nodes, but nobody knows which.
    case unnamed
    case node(String)

    /// Nil for everybody else.
    package init?(_ user: UserInfo) {
        guard user.name.hasPrefix(Self.userPrefix), user.groups.contains(Self.group) else { return nil }
        let name: Substring = user.name.dropFirst(Self.userPrefix.utf8.count)
        self = name.isEmpty ? .unnamed : .node(String(name))
    }
}

/// Allows kubelets what concerns their own node: its object and lease, the pods bound to it, and what these name.
package final class NodeAuthorizer: Authorizer, RuleResolver {
    private struct State {
        var graph = NodeGraph()
        var pods: Revision?
        var volumes: Revision?
        var attachments: Revision?
    }

    private static let leaseNamespace: String = "kube-node-lease"

    private let rules: CompiledRole
    private let pods: ResourceCache?
    private let volumes: ResourceCache?
    private let attachments: ResourceCache?
    /// Caches are locked within this lock.
    private let state = Mutex(State())

    /// - Parameter rules: what every node may do to everything that is not looked at more closely;
    ///   `BootstrapPolicy.nodeRules`.
    package init(registry: ResourceRegistry, rules: [PolicyRule]) {
        self.rules = CompiledRole(rules)
        pods = registry.resource(kind: Pod.gvk)?.cache
        volumes = registry.resource(kind: PersistentVolume.gvk)?.cache
        attachments = registry.resource(kind: VolumeAttachment.gvk)?.cache
    }

    package func rules(for user: UserInfo, namespace: String) -> ResolvedRules {
        var resolved = ResolvedRules()
        guard NodeIdentity(user) != nil else { return resolved }
        resolved.isIncomplete = true
        resolved.errors = ["node authorizer does not support user rule resolution"]
        return resolved
    }

    package func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        let node: String
        switch NodeIdentity(attributes.user) {
        case nil: return .noOpinion(reason: "")
        case .unnamed: return .noOpinion(reason: "unknown node for user \(GoText.quoted(attributes.user.name))")
        case .node(let name): node = name
        }
        guard attributes.isResourceRequest else { return byRules(attributes) }
        switch (attributes.group, attributes.resource) {
        case ("", "secrets"): return read(.secret, attributes, node)
        case ("", "configmaps"): return read(.configMap, attributes, node)
        case ("", "persistentvolumeclaims"):
            return attributes.subresource == "status"
                ? updateStatus(.claim, attributes, node) : get(.claim, attributes, node)
        case ("", "persistentvolumes"): return get(.volume, attributes, node)
        case ("resource.k8s.io", "resourceclaims"): return get(.resourceClaim, attributes, node)
        case ("storage.k8s.io", "volumeattachments"): return get(.attachment, attributes, node)
        case ("", "serviceaccounts"): return serviceAccount(attributes, node)
        case ("coordination.k8s.io", "leases"): return lease(attributes, node)
        case ("storage.k8s.io", "csinodes"): return csiNode(attributes, node)
        case ("", "nodes"): return nodeObject(attributes, node)
        case ("", "pods"): return pod(attributes, node)
        default: return byRules(attributes)
        }
    }

    private static let allowed: AuthorizationDecision = .allow(reason: "")

    private func byRules(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        rules.allows(attributes) ? Self.allowed : .noOpinion(reason: "")
    }

    // MARK: - By relation

    private func related(_ kind: NodeGraph.Kind, _ attributes: AuthorizationAttributes, _ node: String)
        -> AuthorizationDecision
    {
        guard !attributes.name.isEmpty else { return .noOpinion(reason: "No Object name found") }
        let isRelated: Bool = state.withLock { state in
            update(&state)
            return state.graph.relates(node, to: kind, namespace: attributes.namespace, name: attributes.name)
        }
        return isRelated
            ? Self.allowed : .noOpinion(reason: "no relationship found between node '\(node)' and this object")
    }

    private func read(_ kind: NodeGraph.Kind, _ attributes: AuthorizationAttributes, _ node: String)
        -> AuthorizationDecision
    {
        guard ["get", "list", "watch"].contains(attributes.verb) else {
            return .noOpinion(reason: "can only read resources of this type")
        }
        guard attributes.subresource.isEmpty else { return .noOpinion(reason: "cannot read subresource") }
        guard !attributes.namespace.isEmpty else {
            return .noOpinion(reason: "can only read namespaced object of this type")
        }
        return related(kind, attributes, node)
    }

    private func get(_ kind: NodeGraph.Kind, _ attributes: AuthorizationAttributes, _ node: String)
        -> AuthorizationDecision
    {
        guard attributes.verb == "get" else {
            return .noOpinion(reason: "can only get individual resources of this type")
        }
        guard attributes.subresource.isEmpty else { return .noOpinion(reason: "cannot get subresource") }
        return related(kind, attributes, node)
    }

    private func updateStatus(_ kind: NodeGraph.Kind, _ attributes: AuthorizationAttributes, _ node: String)
        -> AuthorizationDecision
    {
        guard ["update", "patch"].contains(attributes.verb) else {
            return .noOpinion(reason: "can only get/update/patch this type")
        }
        return related(kind, attributes, node)
    }

    private func serviceAccount(_ attributes: AuthorizationAttributes, _ node: String) -> AuthorizationDecision {
        if attributes.verb == "get", attributes.subresource.isEmpty { return read(.serviceAccount, attributes, node) }
        guard attributes.verb == "create", !attributes.name.isEmpty else {
            return .noOpinion(reason: "can only create tokens for individual service accounts")
        }
        guard attributes.subresource == "token" else {
            return .noOpinion(reason: "can only create token subresource of serviceaccount")
        }
        return related(.serviceAccount, attributes, node)
    }

    // MARK: - By name

    private static let ownVerbs: [String] = ["get", "create", "update", "patch", "delete"]

    private func lease(_ attributes: AuthorizationAttributes, _ node: String) -> AuthorizationDecision {
        guard Self.ownVerbs.contains(attributes.verb) else {
            return .noOpinion(reason: "can only get, create, update, patch, or delete a node lease")
        }
        guard attributes.namespace == Self.leaseNamespace else {
            return .noOpinion(
                reason: "can only access leases in the \(GoText.quoted(Self.leaseNamespace)) system namespace")
        }
        // The name is not known on create; NodeRestriction looks at it.
        guard attributes.verb == "create" || attributes.name == node else {
            return .noOpinion(reason: "can only access node lease with the same name as the requesting node")
        }
        return Self.allowed
    }

    private func csiNode(_ attributes: AuthorizationAttributes, _ node: String) -> AuthorizationDecision {
        guard Self.ownVerbs.contains(attributes.verb) else {
            return .noOpinion(reason: "can only get, create, update, patch, or delete a CSINode")
        }
        guard attributes.subresource.isEmpty else {
            return .noOpinion(reason: "cannot authorize CSINode subresources")
        }
        guard attributes.verb == "create" || attributes.name == node else {
            return .noOpinion(reason: "can only access CSINode with the same name as the requesting node")
        }
        return Self.allowed
    }

    private func nodeObject(_ attributes: AuthorizationAttributes, _ node: String) -> AuthorizationDecision {
        switch (attributes.subresource, attributes.verb) {
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"):
            return Self.allowed
        case ("", "get"), ("", "list"), ("", "watch"):
            if attributes.name == node { return Self.allowed }
            return .noOpinion(
                reason: attributes.name.isEmpty
                    ? "node '\(node)' cannot read all nodes, only its own Node object"
                    : "node '\(node)' cannot read '\(attributes.name)', only its own Node object")
        default: return .noOpinion(reason: "")
        }
    }

    private func pod(_ attributes: AuthorizationAttributes, _ node: String) -> AuthorizationDecision {
        switch (attributes.subresource, attributes.verb) {
        case ("", "get"): return get(.pod, attributes, node)
        case ("", "list"), ("", "watch"):
            if attributes.fields.requiredValue(of: "spec.nodeName") == node { return Self.allowed }
            if !attributes.name.isEmpty { return related(.pod, attributes, node) }
            return .noOpinion(reason: "can only list/watch pods with spec.nodeName field selector")
        // NodeRestriction looks at whose they are.
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"):
            return Self.allowed
        default: return .noOpinion(reason: "")
        }
    }

    // MARK: - The graph

    private func update(_ state: inout State) {
        if let pods {
            let changes: ResourceCache.Changes = pods.changes(since: &state.pods)
            changes.apply(to: &state.graph, as: Pod.self) {
                $0.removePods()
            } set: {
                $0.set($1)
            } remove: {
                $0.removePod(namespace: $1.namespace, name: $1.name)
            }
        }
        if let volumes {
            let changes: ResourceCache.Changes = volumes.changes(since: &state.volumes)
            changes.apply(to: &state.graph, as: PersistentVolume.self) {
                $0.removeVolumes()
            } set: {
                $0.set($1)
            } remove: {
                $0.removeVolume($1.name)
            }
        }
        if let attachments {
            let changes: ResourceCache.Changes = attachments.changes(since: &state.attachments)
            changes.apply(to: &state.graph, as: VolumeAttachment.self) {
                $0.removeAttachments()
            } set: {
                $0.set($1)
            } remove: {
                $0.removeAttachment($1.name)
            }
        }
    }
}
