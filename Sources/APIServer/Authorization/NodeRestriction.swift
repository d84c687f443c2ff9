import APIAuthentication
import APICoordination
import APICore
package import APIMachinery
import APIStorage
import Codec

/// Limits kubelets to what is theirs: their own node object, lease and CSI node, the status of pods bound to them,
/// mirror pods, and tokens for pods that they run.
package struct NodeRestriction: AdmissionPlugin {
    package init() {}

    package let name = "NodeRestriction"

    private static let mirrorAnnotation: String = "kubernetes.io/config.mirror"
    private static let leaseNamespace: String = "kube-node-lease"

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation != .connect && attributes.user.name.hasPrefix(NodeIdentity.userPrefix)
            && NodeIdentity(attributes.user) != nil
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        let node: String
        switch NodeIdentity(attributes.user) {
        case nil: return
        case .unnamed:
            throw Self.refusal(
                attributes, "could not determine node from user \(GoText.quoted(attributes.user.name))")
        case .node(let name): node = name
        }
        let request = NodeRequest(node: node, attributes: attributes)
        switch (attributes.info.gvr.group, attributes.info.gvr.resource) {
        case ("", "pods"):
            switch attributes.subresource {
            case "": try request.checkPod()
            case "status": try request.checkPodStatus()
            case "eviction": try request.checkEviction()
            default:
                throw Self.refusal(
                    attributes,
                    "unexpected pod subresource \(GoText.quoted(attributes.subresource)), only 'status' and 'eviction' "
                        + "are allowed")
            }
        case ("", "nodes"): try request.checkNode()
        case ("", "persistentvolumeclaims"): try request.checkClaim()
        case ("", "serviceaccounts"): try request.checkToken()
        case ("coordination.k8s.io", "leases"):
            guard attributes.namespace == Self.leaseNamespace else {
                throw Self.refusal(
                    attributes,
                    "can only access leases in the \(GoText.quoted(Self.leaseNamespace)) system namespace")
            }
            try request.checkName("can only access node lease with the same name as the requesting node")
        case ("storage.k8s.io", "csinodes"):
            try request.checkName("can only access CSINode with the same name as the requesting node")
        default: return
        }
    }

    static func refusal(_ attributes: AdmissionAttributes, _ why: String) -> StatusError {
        .forbidden(attributes.info.gvr, attributes.name, why)
    }

    static func isMirror(_ pod: Pod) -> Bool { pod.metadata.annotations.contains(key: mirrorAnnotation) }
}

/// One write of one kubelet.
private struct NodeRequest {
    let node: String
    let attributes: AdmissionAttributes

    private var shown: String { GoText.quoted(node) }

    private func refusal(_ why: String) -> StatusError { NodeRestriction.refusal(attributes, why) }

    private var unexpected: StatusError {
        refusal("unexpected operation \(GoText.quoted(attributes.operation.rawValue))")
    }

    // MARK: - Pods

    private func existingPod(_ name: String) throws(StatusError) -> Pod {
        guard let pod = attributes.caches.get(Pod.self, namespace: attributes.namespace, name: name) else {
            throw .notFound(GroupVersionResource(group: "", version: "v1", resource: "pods"), name)
        }
        return pod
    }

    func checkPod() throws(StatusError) {
        switch attributes.operation {
        case .create: try checkNewPod()
        case .delete:
            guard try podBeingDeleted().spec.nodeName == node else {
                throw refusal("node \(shown) can only delete pods with spec.nodeName set to itself")
            }
        default:
            throw refusal(
                "unexpected operation \(GoText.quoted(attributes.operation.rawValue)), node \(shown) can only create "
                    + "and delete mirror pods")
        }
    }

    private func podBeingDeleted() throws(StatusError) -> Pod {
        if let pod = attributes.oldObject(as: Pod.self) { return pod }
        return try existingPod(attributes.name)
    }

    private func checkNewPod() throws(StatusError) {
        guard let pod = attributes.object(as: Pod.self) else { throw unexpected }
        guard NodeRestriction.isMirror(pod) else {
            throw refusal(
                "pod does not have \"kubernetes.io/config.mirror\" annotation, node \(shown) can only create mirror "
                    + "pods")
        }
        guard pod.spec.nodeName == node else {
            throw refusal("node \(shown) can only create pods with spec.nodeName set to itself")
        }
        try checkOwner(pod)
        guard pod.spec.serviceAccountName.isEmpty else {
            throw refusal("node \(shown) can not create pods that reference a service account")
        }
        let named = PodReferences(pod)
        for (isNamed, what) in [
            (!named.secrets.isEmpty, "secrets"), (!named.configMaps.isEmpty, "configmaps"),
            (named.hasTrustBundles, "clustertrustbundles"), (!named.resourceClaims.isEmpty, "resourceclaims"),
            (!named.claims.isEmpty, "persistentvolumeclaims"),
        ] where isNamed {
            throw refusal("node \(shown) can not create pods that reference \(what)")
        }
    }

    private func checkOwner(_ pod: Pod) throws(StatusError) {
        let owners: [OwnerReference] = pod.metadata.ownerReferences
        guard owners.count <= 1 else {
            throw refusal("node \(shown) can only create pods with a single owner reference set to itself")
        }
        guard let owner = owners.first, owner.apiVersion == "v1", owner.kind == "Node", owner.name == node else {
            throw refusal("node \(shown) can only create pods with an owner reference set to itself")
        }
        guard owner.controller == true else {
            throw refusal("node \(shown) can only create pods with a controller owner reference set to itself")
        }
        guard owner.blockOwnerDeletion != true else {
            throw refusal("node \(shown) must not set blockOwnerDeletion on an owner reference")
        }
        guard let object = attributes.caches.get(Node.self, namespace: "", name: node) else {
            throw .notFound(GroupVersionResource(group: "", version: "v1", resource: "nodes"), node)
        }
        guard owner.uid == object.metadata.uid else {
            throw refusal("node \(node) UID mismatch: expected \(owner.uid) got \(object.metadata.uid)")
        }
    }

    func checkPodStatus() throws(StatusError) {
        guard attributes.operation == .update, let old = attributes.oldObject(as: Pod.self),
            let new = attributes.object(as: Pod.self)
        else { throw unexpected }
        guard old.spec.nodeName == node else {
            throw refusal("node \(shown) can only update pod status for pods with spec.nodeName set to itself")
        }
        guard old.metadata.labels == new.metadata.labels else {
            throw refusal("node \(shown) cannot update labels through pod status")
        }
        guard old.status.resourceClaimStatuses == new.status.resourceClaimStatuses else {
            throw refusal("node \(shown) cannot update resource claim statues")
        }
    }

    func checkEviction() throws(StatusError) {
        guard attributes.operation == .create else { throw unexpected }
        let name: String = attributes.name.isEmpty ? attributes.object?.metadata.name ?? "" : attributes.name
        guard !name.isEmpty else { throw refusal("could not determine pod from request data") }
        guard try existingPod(name).spec.nodeName == node else {
            throw refusal("node \(node) can only evict pods with spec.nodeName set to itself")
        }
    }

    // MARK: - The node itself

    func checkNode() throws(StatusError) {
        let requested: String =
            attributes.name.isEmpty ? attributes.object?.metadata.name ?? "" : attributes.name
        guard requested == node else {
            throw refusal("node \(shown) is not allowed to modify node \(GoText.quoted(requested))")
        }
        guard let new = attributes.object(as: Node.self) else { return }
        switch attributes.operation {
        case .create:
            guard new.spec.configSource == nil else {
                throw refusal("node \(shown) is not allowed to create pods with a non-nil configSource")
            }
            let labels: [String] = NodeLabels.forbidden(new.metadata.labels, old: [:])
            guard labels.isEmpty else {
                throw refusal(
                    "node \(shown) is not allowed to set the following labels: "
                        + labels.joined(separator: ", "))
            }
        case .update:
            guard let old = attributes.oldObject(as: Node.self) else { return }
            guard new.spec.configSource == nil || new.spec.configSource == old.spec.configSource else {
                throw refusal("node \(shown) is not allowed to update configSource to a new non-nil configSource")
            }
            guard new.spec.taints == old.spec.taints else {
                throw refusal("node \(shown) is not allowed to modify taints")
            }
            let labels: [String] = NodeLabels.forbidden(new.metadata.labels, old: old.metadata.labels)
            guard labels.isEmpty else {
                throw refusal("is not allowed to modify labels: " + labels.joined(separator: ", "))
            }
        default: return
        }
    }

    /// The name is that of the node. On create it is the object's.
    func checkName(_ why: String) throws(StatusError) {
        let name: String =
            attributes.operation == .create
            ? attributes.object?.metadata.name ?? attributes.name : attributes.name
        guard name == node else { throw refusal(why) }
    }

    // MARK: - What pods use

    func checkClaim() throws(StatusError) {
        guard attributes.subresource == "status" else { throw refusal("may only update PVC status") }
        guard attributes.operation == .update, var old = attributes.oldObject(as: PersistentVolumeClaim.self),
            let new = attributes.object(as: PersistentVolumeClaim.self)
        else { throw unexpected }
        old.status.capacity = new.status.capacity
        old.status.conditions = new.status.conditions
        old.status.allocatedResources = new.status.allocatedResources
        old.status.allocatedResourceStatuses = new.status.allocatedResourceStatuses
        old.metadata.managedFields = new.metadata.managedFields
        old.metadata.resourceVersion = new.metadata.resourceVersion
        guard old == new else {
            throw refusal(
                "node \(shown) is not allowed to update fields other than status.capacity and status.conditions")
        }
    }

    func checkToken() throws(StatusError) {
        guard attributes.operation == .create, attributes.subresource == "token" else { return }
        guard let request = attributes.object(as: TokenRequest.self) else { throw unexpected }
        guard let reference = request.spec.boundObjectRef, reference.apiVersion == "v1", reference.kind == "Pod",
            !reference.name.isEmpty
        else { throw refusal("node requested token not bound to a pod") }
        guard !reference.uid.isEmpty else {
            throw refusal("node requested token with a pod binding without a uid")
        }
        let pod: Pod = try existingPod(reference.name)
        guard reference.uid == pod.metadata.uid else {
            throw refusal(
                "the UID in the bound object reference (\(reference.uid)) does not match the UID in record. The "
                    + "object might have been deleted and then recreated")
        }
        guard pod.spec.nodeName == node else {
            throw refusal("node requested token bound to a pod scheduled on a different node")
        }
    }
}
