package import APICore
package import APIMachinery
import Codec

extension PersistentVolume {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.accessModes.isEmpty { errors.append(.required(path.child("accessModes"))) }
        errors += StorageRules.accessModes(spec.accessModes, path.child("accessModes"))
        if spec.capacity.isEmpty { errors.append(.required(path.child("capacity"))) }
        if spec.capacity["storage"] == nil || spec.capacity.count > 1 {
            let shown: [String] = Array(spec.capacity.keys)
            errors.append(.notSupported(path.child("capacity"), shown, ["storage"]))
        }
        for (name, amount) in spec.capacity {
            errors += ResourceRules.positive(amount, path.child("capacity").key(name))
        }
        let policy: String = spec.persistentVolumeReclaimPolicy
        if !policy.isEmpty {
            errors += Rule.oneOf(policy, ["Delete", "Recycle", "Retain"], path.child("persistentVolumeReclaimPolicy"))
        }
        errors += validateSource(path)
        if let required = spec.nodeAffinity?.required {
            errors += SchedulingRules.nodeSelector(required, path.child("nodeAffinity", "required"))
        } else if spec.nodeAffinity != nil {
            errors.append(.required(path.child("nodeAffinity", "required"), "must specify required node constraints"))
        }
        if !spec.storageClassName.isEmpty {
            errors += Rule.subdomain(spec.storageClassName, path.child("storageClassName"))
        }
        errors += Rule.optionalChoice(spec.volumeMode, ["Block", "Filesystem"], path.child("volumeMode"))
        return errors
    }

    private func validateSource(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let names: [String] = spec.sourceNames
        if names.isEmpty { errors.append(.required(path, "must specify a volume type")) }
        for name in names.dropFirst() {
            errors.append(.forbidden(path.child(name), "may not specify more than 1 volume type"))
        }
        if let source = spec.hostPath {
            errors += VolumeRules.hostPath(source, path.child("hostPath"))
            if source.path == "/", spec.persistentVolumeReclaimPolicy == "Recycle" {
                let text: String = "may not be 'recycle' for a hostPath mount of '/'"
                errors.append(.forbidden(path.child("persistentVolumeReclaimPolicy"), text))
            }
        }
        if let source = spec.nfs { errors += VolumeRules.nfs(source, path.child("nfs")) }
        if let source = spec.local {
            errors += Rule.required(source.path, path.child("local", "path"))
            errors += Rule.noBacksteps(source.path, path.child("local", "path"))
            if spec.nodeAffinity == nil {
                errors.append(.required(path.child("nodeAffinity"), "Local volume requires node affinity"))
            }
        }
        if let source = spec.csi {
            errors += VolumeRules.csiDriverName(source.driver, path.child("csi", "driver"))
            errors += Rule.required(source.volumeHandle, path.child("csi", "volumeHandle"))
        }
        return errors
    }

    package func validateUpdate(of old: PersistentVolume) -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validate()
        if spec.sourceOnly != old.spec.sourceOnly {
            let difference: String = SpecDifference.text(
                old: old.spec.sourceOnly, new: spec.sourceOnly, name: "core.PersistentVolumeSource")
            let text: String = "spec.persistentvolumesource is immutable after creation\n\(difference)"
            errors.append(.forbidden(path.child("persistentvolumesource"), text))
        }
        if spec.volumeMode != old.spec.volumeMode {
            errors.append(.invalid(path.child("volumeMode"), spec.volumeMode, ObjectMeta.immutableMessage))
        }
        if old.spec.nodeAffinity != nil, spec.nodeAffinity != old.spec.nodeAffinity {
            let text: String = "field is immutable, except for updating from beta label to GA"
            errors.append(.invalid(path.child("nodeAffinity"), spec.nodeAffinity, text))
        }
        return errors
    }
}

extension PersistentVolumeSpec {
    /// The source without everything else.
    fileprivate var sourceOnly: PersistentVolumeSpec {
        var source: PersistentVolumeSpec = self
        let empty = PersistentVolumeSpec()
        source.capacity = empty.capacity
        source.accessModes = []
        source.claimRef = nil
        source.persistentVolumeReclaimPolicy = ""
        source.storageClassName = ""
        source.mountOptions = []
        source.volumeMode = nil
        source.nodeAffinity = nil
        source.volumeAttributesClassName = nil
        // Who may expand it is not part of what it is.
        if source.csi != nil { source.csi?.controllerExpandSecretRef = nil }
        return source
    }

    fileprivate var sourceNames: [String] {
        var names: [String] = []
        func add(_ isSet: Bool, _ name: String) { if isSet { names.append(name) } }
        add(hostPath != nil, "hostPath")
        add(gcePersistentDisk != nil, "gcePersistentDisk")
        add(awsElasticBlockStore != nil, "awsElasticBlockStore")
        add(glusterfs != nil, "glusterfs")
        add(flocker != nil, "flocker")
        add(nfs != nil, "nfs")
        add(rbd != nil, "rbd")
        add(quobyte != nil, "quobyte")
        add(cephfs != nil, "cephfs")
        add(iscsi != nil, "iscsi")
        add(cinder != nil, "cinder")
        add(fc != nil, "fc")
        add(flexVolume != nil, "flexVolume")
        add(azureFile != nil, "azureFile")
        add(vsphereVolume != nil, "vsphereVolume")
        add(photonPersistentDisk != nil, "photonPersistentDisk")
        add(portworxVolume != nil, "portworxVolume")
        add(azureDisk != nil, "azureDisk")
        add(scaleIO != nil, "scaleIO")
        add(local != nil, "local")
        add(storageos != nil, "storageos")
        add(csi != nil, "csi")
        return names
    }
}
