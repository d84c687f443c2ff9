package import APICore
import APIMachinery
package import APIStorage
import Codec

/// Which node has to do with which object: through the pods that are bound to it, and the volumes of their claims.
///
///     secret, config map, service account, claim, resource claim ← pod ← node
///     volume ← claim ← pod;  secret ← volume ← claim ← pod
///     volume attachment ← node
package struct NodeGraph: Sendable {
    package enum Kind: String, Sendable {
        case pod, secret, configMap, claim, volume, serviceAccount, resourceClaim, attachment
    }

    private struct PodEntry: Sendable {
        let node: String
        let references: [String]
    }

    private struct VolumeEntry: Sendable {
        let claim: String
        let secrets: [String]
    }

    private static let mirrorAnnotation: String = "kubernetes.io/config.mirror"

    private var pods: [String: PodEntry] = [:]
    /// How many pods of which node use something.
    private var users: [String: [String: Int]] = [:]
    private var volumes: [String: VolumeEntry] = [:]
    /// By secret, the volumes that name it.
    private var volumesOfSecret: [String: Set<String>] = [:]
    private var attachments: [String: String] = [:]

    package init() {}

    private static func key(_ kind: Kind, _ namespace: String, _ name: String) -> String {
        "\(kind.rawValue)/\(namespace)/\(name)"
    }

    // MARK: - Changing

    package mutating func set(_ pod: Pod) {
        let namespace: String = pod.metadata.namespace
        removePod(namespace: namespace, name: pod.metadata.name)
        guard !pod.spec.nodeName.isEmpty else { return }
        var references: [String] = []
        // What a node makes itself must not give it rights.
        if !pod.metadata.annotations.contains(key: Self.mirrorAnnotation) {
            let named = PodReferences(pod)
            if !pod.spec.serviceAccountName.isEmpty {
                references.append(Self.key(.serviceAccount, namespace, pod.spec.serviceAccountName))
            }
            references += named.secrets.map { Self.key(.secret, namespace, $0) }
            references += named.configMaps.map { Self.key(.configMap, namespace, $0) }
            references += named.claims.map { Self.key(.claim, namespace, $0) }
            references += named.resourceClaims.map { Self.key(.resourceClaim, namespace, $0) }
        }
        for reference in references { users[reference, default: [:]][pod.spec.nodeName, default: 0] += 1 }
        pods[namespace + "/" + pod.metadata.name] = PodEntry(node: pod.spec.nodeName, references: references)
    }

    package mutating func removePod(namespace: String, name: String) {
        guard let entry = pods.removeValue(forKey: namespace + "/" + name) else { return }
        for reference in entry.references {
            guard let count = users[reference]?[entry.node] else { continue }
            users[reference]?[entry.node] = count > 1 ? count - 1 : nil
            if users[reference]?.isEmpty ?? false { users[reference] = nil }
        }
    }

    package mutating func set(_ volume: PersistentVolume) {
        removeVolume(volume.metadata.name)
        guard let claim = volume.spec.claimRef else { return }
        let secrets: [String] = Self.secrets(volume.spec, claim.namespace)
        for secret in secrets { volumesOfSecret[secret, default: []].insert(volume.metadata.name) }
        volumes[volume.metadata.name] = VolumeEntry(
            claim: Self.key(.claim, claim.namespace, claim.name), secrets: secrets)
    }

    package mutating func removeVolume(_ name: String) {
        guard let entry = volumes.removeValue(forKey: name) else { return }
        for secret in entry.secrets {
            volumesOfSecret[secret]?.remove(name)
            if volumesOfSecret[secret]?.isEmpty ?? false { volumesOfSecret[secret] = nil }
        }
    }

    package mutating func set(_ attachment: VolumeAttachment) {
        attachments[attachment.metadata.name] = attachment.spec.nodeName
    }

    package mutating func removeAttachment(_ name: String) { attachments[name] = nil }

    package mutating func removePods() {
        pods = [:]
        users = [:]
    }

    package mutating func removeVolumes() {
        volumes = [:]
        volumesOfSecret = [:]
    }

    package mutating func removeAttachments() { attachments = [:] }

    /// The secrets of a volume that a kubelet needs. Where the volume does not say, they are in the claim's namespace.
    private static func secrets(_ spec: PersistentVolumeSpec, _ claimNamespace: String) -> [String] {
        var references: [SecretReference?] = [
            spec.cephfs?.secretRef, spec.cinder?.secretRef, spec.flexVolume?.secretRef, spec.rbd?.secretRef,
            spec.scaleIO?.secretRef, spec.iscsi?.secretRef, spec.csi?.nodePublishSecretRef,
            spec.csi?.nodeStageSecretRef, spec.csi?.nodeExpandSecretRef,
        ]
        if let azure = spec.azureFile {
            references.append(
                SecretReference.with {
                    $0.name = azure.secretName
                    $0.namespace = azure.secretNamespace ?? ""
                })
        }
        if let storage = spec.storageos?.secretRef {
            references.append(
                SecretReference.with {
                    $0.name = storage.name
                    $0.namespace = storage.namespace
                })
        }
        return references.compactMap { $0 }.filter { !$0.name.isEmpty }.map { reference in
            key(.secret, reference.namespace.isEmpty ? claimNamespace : reference.namespace, reference.name)
        }
    }

    // MARK: - Asking

    package func relates(_ node: String, to kind: Kind, namespace: String, name: String) -> Bool {
        let key: String = Self.key(kind, namespace, name)
        switch kind {
        case .pod: return pods[namespace + "/" + name]?.node == node
        case .attachment: return attachments[name] == node
        case .volume: return volumes[name].map { uses($0.claim, node) } ?? false
        case .secret:
            if uses(key, node) { return true }
            let found: Set<String> = volumesOfSecret[key] ?? []
            return found.contains { volume in volumes[volume].map { uses($0.claim, node) } ?? false }
        case .configMap, .claim, .serviceAccount, .resourceClaim: return uses(key, node)
        }
    }

    private func uses(_ key: String, _ node: String) -> Bool { users[key]?[node] != nil }
}
