import APICore
import APIDefaults
import APIMachinery
import APIValidation
import Codec

/// Persistent volumes and the claims on them.
enum VolumeKinds {
    static let volumes = PlainStrategy<PersistentVolume>(
        ResourceInfo(
            PersistentVolume.gvk, resource: "persistentvolumes", shortNames: ["pv"], namespaced: false,
            subresources: [ResourceInfo.status(of: PersistentVolume.gvk)]),
        parts: ObjectParts(uncounted: \PersistentVolume.spec, status: \PersistentVolume.status), table: volumeTable
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.fields = (["name"], { [$0.metadata.name] })
        strategy.defaults = { $0.setDefaults() }
        strategy.onCreate = { volume, context in
            volume.status.phase = "Pending"
            volume.status.lastPhaseTransitionTime = context.now
        }
        strategy.warn = { volume, _ in volumeWarnings(volume) }
        strategy.onStatus = { volume, old, context in
            if volume.status.phase != old.status.phase { volume.status.lastPhaseTransitionTime = context.now }
        }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    private static func volumeWarnings(_ volume: PersistentVolume) -> [String] {
        var warnings: [String] = []
        if volume.metadata.annotations[classAnnotation] != nil {
            warnings.append(
                "metadata.annotations[\(classAnnotation)]: deprecated since v1.8; use \"storageClassName\" attribute "
                    + "instead")
        }
        if volume.spec.persistentVolumeReclaimPolicy == "Recycle" {
            warnings.append(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the "
                    + "recommended approach is to use dynamic provisioning.")
        }
        return warnings
    }

    private static let volumeTable = TableDefinition<PersistentVolume>([
        .name, TableColumn("Capacity"), TableColumn("Access Modes"), TableColumn("Reclaim Policy"),
        TableColumn("Status"), TableColumn("Claim"), TableColumn("StorageClass"), TableColumn("VolumeAttributesClass"),
        TableColumn("Reason"), .age, TableColumn("VolumeMode", priority: 1),
    ]) { volume, now in
        let claim: String = volume.spec.claimRef.map { $0.namespace + "/" + $0.name } ?? ""
        let isGoing: Bool = volume.metadata.deletionTimestamp != nil
        return [
            .string(volume.metadata.name), .string(volume.spec.capacity["storage"]?.description ?? "0"),
            .string(modes(volume.spec.accessModes)), .string(volume.spec.persistentVolumeReclaimPolicy),
            .string(isGoing ? "Terminating" : volume.status.phase), .string(claim),
            .string(volume.metadata.annotations[classAnnotation] ?? volume.spec.storageClassName),
            .string(volume.spec.volumeAttributesClassName ?? CellText.unset), .string(volume.status.reason),
            CellText.age(volume.metadata, now), .string(volume.spec.volumeMode ?? CellText.unset),
        ]
    }

    static let claims = PlainStrategy<PersistentVolumeClaim>(
        ResourceInfo(
            PersistentVolumeClaim.gvk, resource: "persistentvolumeclaims", shortNames: ["pvc"], namespaced: true,
            subresources: [ResourceInfo.status(of: PersistentVolumeClaim.gvk)]),
        parts: ObjectParts(uncounted: \PersistentVolumeClaim.spec, status: \PersistentVolumeClaim.status),
        table: claimTable
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.fields = (["name"], { [$0.metadata.name] })
        strategy.defaults = { $0.setDefaults() }
        strategy.onCreate = { claim, _ in
            claim.status.phase = "Pending"
            claim.spec.alignDataSources()
        }
        strategy.onUpdate = { claim, old, _ in
            if old.spec.dataSourceRef == nil { claim.spec.alignDataSources() }
        }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
        strategy.checkStatus = { claim, _ in claim.validateStatus() }
    }

    private static let claimTable = TableDefinition<PersistentVolumeClaim>([
        .name, TableColumn("Status"), TableColumn("Volume"), TableColumn("Capacity"), TableColumn("Access Modes"),
        TableColumn("StorageClass"), TableColumn("VolumeAttributesClass"), .age,
        TableColumn("VolumeMode", priority: 1),
    ]) { claim, now in
        let isGoing: Bool = claim.metadata.deletionTimestamp != nil
        let isBound: Bool = !claim.spec.volumeName.isEmpty
        let capacity: String = isBound ? claim.status.capacity["storage"]?.description ?? "0" : ""
        return [
            .string(claim.metadata.name), .string(isGoing ? "Terminating" : claim.status.phase),
            .string(claim.spec.volumeName), .string(capacity),
            .string(isBound ? modes(claim.status.accessModes) : ""),
            .string(claim.metadata.annotations[classAnnotation] ?? claim.spec.storageClassName ?? ""),
            .string(claim.spec.volumeAttributesClassName ?? CellText.unset), CellText.age(claim.metadata, now),
            .string(claim.spec.volumeMode ?? CellText.unset),
        ]
    }

    private static let classAnnotation = "volume.beta.kubernetes.io/storage-class"

    /// `RWO,RWX`, in a fixed order.
    private static func modes(_ modes: [String]) -> String {
        let known: [(mode: String, text: String)] = [
            ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP"),
        ]
        return known.filter { modes.contains($0.mode) }.map { $0.text }.joined(separator: ",")
    }
}

extension PersistentVolumeClaimSpec {
    /// Both fields say where the data comes from, the older one only for what it can name.
    fileprivate mutating func alignDataSources() {
        if let source = dataSource, dataSourceRef == nil {
            dataSourceRef = TypedObjectReference.with {
                $0.apiGroup = source.apiGroup
                $0.kind = source.kind
                $0.name = source.name
            }
        } else if let reference = dataSourceRef, dataSource == nil, reference.namespace == nil {
            dataSource = TypedLocalObjectReference.with {
                $0.apiGroup = reference.apiGroup
                $0.kind = reference.kind
                $0.name = reference.name
            }
        }
    }
}

/// Quotas and limits of namespaces.
enum QuotaKinds {
    static let quotas = PlainStrategy<ResourceQuota>(
        ResourceInfo(
            ResourceQuota.gvk, resource: "resourcequotas", shortNames: ["quota"], namespaced: true,
            subresources: [ResourceInfo.status(of: ResourceQuota.gvk)]),
        parts: ObjectParts(uncounted: \ResourceQuota.spec, status: \ResourceQuota.status),
        table: TableDefinition([.name, TableColumn("Request"), TableColumn("Limit"), .age]) { quota, now in
            var texts: (requests: [String], limits: [String]) = ([], [])
            for (name, hard) in quota.status.hard {
                let used: Quantity = quota.status.used[name] ?? Quantity()
                let text: String = "\(name): \(used)/\(hard)"
                if name.hasPrefix("limits.") { texts.limits.append(text) } else { texts.requests.append(text) }
            }
            return [
                .string(quota.metadata.name), .string(texts.requests.joined(separator: ", ")),
                .string(texts.limits.joined(separator: ", ")), CellText.age(quota.metadata, now),
            ]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
        strategy.checkStatus = { quota, _ in quota.validateStatus() }
    }

    static let limitRanges = PlainStrategy<LimitRange>(
        ResourceInfo(LimitRange.gvk, resource: "limitranges", shortNames: ["limits"], namespaced: true),
        table: .nameAndAge()
    ) { strategy in
        strategy.allowsCreateOnUpdate = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
    }
}
