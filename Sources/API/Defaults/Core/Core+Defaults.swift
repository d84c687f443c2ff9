package import APICore
import APIMachinery
import Codec

extension Namespace {
    package static let nameLabel = "kubernetes.io/metadata.name"

    package mutating func setDefaults() {
        if !metadata.name.isEmpty, metadata.labels[Self.nameLabel] != metadata.name {
            metadata.labels[Self.nameLabel] = metadata.name
        }
        if status.phase.isEmpty { status.phase = "Active" }
    }
}

extension Secret {
    /// Also what a new secret's `stringData` means: it is written over `data`.
    package mutating func setDefaults() {
        if type.isEmpty { type = "Opaque" }
        if !stringData.isEmpty {
            for (key, value) in stringData { data[key] = Array(value.utf8) }
            stringData = StringMap()
        }
    }
}

extension Node {
    package mutating func setDefaults() {
        status.capacity.roundUpToMilli()
        status.allocatable.roundUpToMilli()
        if status.allocatable.isEmpty, !status.capacity.isEmpty { status.allocatable = status.capacity }
    }
}

extension ReplicationController {
    package mutating func setDefaults() {
        if let labels = spec.template?.metadata.labels, !labels.isEmpty {
            if spec.selector.isEmpty { spec.selector = labels }
            if metadata.labels.isEmpty { metadata.labels = labels }
        }
        if spec.replicas == nil { spec.replicas = 1 }
        if spec.template != nil { spec.template?.setDefaults() }
    }
}

extension PersistentVolumeClaim {
    package mutating func setDefaults() {
        if status.phase.isEmpty { status.phase = "Pending" }
        spec.setDefaults()
        status.capacity.roundUpToMilli()
    }
}

extension PersistentVolumeClaimSpec {
    mutating func setDefaults() {
        if volumeMode == nil { volumeMode = "Filesystem" }
        resources.limits.roundUpToMilli()
        resources.requests.roundUpToMilli()
    }
}

extension PersistentVolume {
    package mutating func setDefaults() {
        if status.phase.isEmpty { status.phase = "Pending" }
        if spec.persistentVolumeReclaimPolicy.isEmpty { spec.persistentVolumeReclaimPolicy = "Retain" }
        spec.setDefaults()
    }
}

extension PersistentVolumeSpec {
    /// Those of the sources, which an inline volume of an attachment has, too.
    package mutating func setDefaults() {
        if volumeMode == nil { volumeMode = "Filesystem" }
        capacity.roundUpToMilli()
        if hostPath != nil { hostPath?.setDefaults() }
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
}

extension ResourceQuota {
    package mutating func setDefaults() {
        spec.hard.roundUpToMilli()
        status.hard.roundUpToMilli()
        status.used.roundUpToMilli()
    }
}

extension LimitRange {
    package mutating func setDefaults() {
        for index in spec.limits.indices { spec.limits[index].setDefaults() }
    }
}

extension LimitRangeItem {
    fileprivate mutating func setDefaults() {
        max.roundUpToMilli()
        min.roundUpToMilli()
        `default`.roundUpToMilli()
        defaultRequest.roundUpToMilli()
        maxLimitRequestRatio.roundUpToMilli()
        guard type == "Container" else { return }
        `default`.fill(from: max)
        defaultRequest.fill(from: `default`)
        defaultRequest.fill(from: min)
    }
}
