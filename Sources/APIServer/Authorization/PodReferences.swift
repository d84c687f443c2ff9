import APICore
import APIMachinery

/// The objects that a pod names, as upstream's node authorizer and node restriction see them.
struct PodReferences {
    private(set) var secrets: Set<String> = []
    private(set) var configMaps: Set<String> = []
    private(set) var claims: Set<String> = []
    private(set) var resourceClaims: Set<String> = []
    private(set) var hasTrustBundles: Bool = false

    init(_ pod: Pod) {
        for reference in pod.spec.imagePullSecrets { addSecret(reference.name) }
        for container in pod.spec.initContainers + pod.spec.containers { add(container.env, container.envFrom) }
        for container in pod.spec.ephemeralContainers { add(container.env, container.envFrom) }
        for volume in pod.spec.volumes {
            add(volume)
            if volume.ephemeral != nil { claims.insert(pod.metadata.name + "-" + volume.name) }
        }
        addResourceClaims(pod)
    }

    private mutating func addSecret(_ name: String?) {
        if let name, !name.isEmpty { secrets.insert(name) }
    }

    private mutating func addConfigMap(_ name: String?) {
        if let name, !name.isEmpty { configMaps.insert(name) }
    }

    private mutating func add(_ env: [EnvVar], _ from: [EnvFromSource]) {
        for source in from {
            addSecret(source.secretRef?.name)
            addConfigMap(source.configMapRef?.name)
        }
        for variable in env {
            addSecret(variable.valueFrom?.secretKeyRef?.name)
            addConfigMap(variable.valueFrom?.configMapKeyRef?.name)
        }
    }

    private mutating func add(_ volume: Volume) {
        addSecret(volume.secret?.secretName)
        addConfigMap(volume.configMap?.name)
        if let claim = volume.persistentVolumeClaim { claims.insert(claim.claimName) }
        addSecret(volume.azureFile?.secretName)
        addSecret(volume.cephfs?.secretRef?.name)
        addSecret(volume.cinder?.secretRef?.name)
        addSecret(volume.flexVolume?.secretRef?.name)
        addSecret(volume.rbd?.secretRef?.name)
        addSecret(volume.scaleIO?.secretRef?.name)
        addSecret(volume.iscsi?.secretRef?.name)
        addSecret(volume.storageos?.secretRef?.name)
        addSecret(volume.csi?.nodePublishSecretRef?.name)
        for source in volume.projected?.sources ?? [] {
            addSecret(source.secret?.name)
            addConfigMap(source.configMap?.name)
            if source.clusterTrustBundle != nil { hasTrustBundles = true }
        }
    }

    private mutating func addResourceClaims(_ pod: Pod) {
        for claim in pod.spec.resourceClaims {
            if let name = claim.resourceClaimName { resourceClaims.insert(name) }
        }
        for status in pod.status.resourceClaimStatuses {
            if let name = status.resourceClaimName { resourceClaims.insert(name) }
        }
    }
}
