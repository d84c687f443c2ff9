import APICore
import APIMachinery
import Codec

extension Volume {
    mutating func setDefaults() {
        if !hasSource { emptyDir = EmptyDirVolumeSource() }
        if hostPath != nil { hostPath?.setDefaults() }
        if secret != nil, secret?.defaultMode == nil { secret?.defaultMode = Self.defaultMode }
        if configMap != nil, configMap?.defaultMode == nil { configMap?.defaultMode = Self.defaultMode }
        if downwardAPI != nil { downwardAPI?.setDefaults() }
        if projected != nil { projected?.setDefaults() }
        if ephemeral?.volumeClaimTemplate != nil { ephemeral?.volumeClaimTemplate?.spec.setDefaults() }
        if let reference = image?.reference, image?.pullPolicy == "" {
            image?.pullPolicy = ImageReference.defaultPullPolicy(reference)
        }
        setLegacyDefaults()
    }

    /// rw-r--r--
    static let defaultMode: Int = 0o644

    private mutating func setLegacyDefaults() {
        if iscsi != nil, iscsi?.iscsiInterface == "" { iscsi?.iscsiInterface = "default" }
        if rbd != nil {
            if rbd?.pool == "" { rbd?.pool = "rbd" }
            if rbd?.user == "" { rbd?.user = "admin" }
            if rbd?.keyring == "" { rbd?.keyring = "/etc/ceph/keyring" }
        }
        if azureDisk != nil { azureDisk?.setDefaults() }
        if scaleIO != nil {
            if scaleIO?.storageMode == "" { scaleIO?.storageMode = "ThinProvisioned" }
            if scaleIO?.fsType == "" { scaleIO?.fsType = "xfs" }
        }
    }

    /// Whether the volume says where it comes from.
    private var hasSource: Bool {
        if hostPath != nil || emptyDir != nil || secret != nil || configMap != nil || projected != nil { return true }
        if persistentVolumeClaim != nil || downwardAPI != nil || csi != nil || ephemeral != nil { return true }
        if image != nil || nfs != nil || iscsi != nil || gcePersistentDisk != nil { return true }
        if awsElasticBlockStore != nil || gitRepo != nil || glusterfs != nil || rbd != nil { return true }
        if flexVolume != nil || cinder != nil || cephfs != nil || flocker != nil || fc != nil { return true }
        if azureFile != nil || vsphereVolume != nil || quobyte != nil || azureDisk != nil { return true }
        return photonPersistentDisk != nil || portworxVolume != nil || scaleIO != nil || storageos != nil
    }
}

extension HostPathVolumeSource {
    mutating func setDefaults() {
        if type == nil { type = "" }
    }
}

extension AzureDiskVolumeSource {
    mutating func setDefaults() {
        if cachingMode == nil { cachingMode = "ReadWrite" }
        if kind.isEmpty { kind = "Shared" }
        if fsType == nil { fsType = "ext4" }
        if readOnly == nil { readOnly = false }
    }
}

extension DownwardAPIVolumeSource {
    mutating func setDefaults() {
        if defaultMode == nil { defaultMode = Volume.defaultMode }
        for index in items.indices where items[index].fieldRef != nil { items[index].fieldRef?.setDefaults() }
    }
}

extension ProjectedVolumeSource {
    mutating func setDefaults() {
        if defaultMode == nil { defaultMode = Volume.defaultMode }
        for index in sources.indices {
            if let items = sources[index].downwardAPI?.items {
                for item in items.indices where items[item].fieldRef != nil {
                    sources[index].downwardAPI?.items[item].fieldRef?.setDefaults()
                }
            }
            if sources[index].serviceAccountToken != nil,
                sources[index].serviceAccountToken?.expirationSeconds == nil
            {
                sources[index].serviceAccountToken?.expirationSeconds = 3_600
            }
        }
    }
}
