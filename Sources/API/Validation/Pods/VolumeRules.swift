import APICore
import APIMachinery
import Codec

/// Volumes of a pod.
enum VolumeRules {
    static func volumes(_ volumes: [Volume], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var names: Set<String> = []
        for (index, volume) in volumes.enumerated() {
            let place: FieldPath = path.index(index)
            errors += source(volume, place)
            if volume.name.isEmpty {
                errors.append(.required(place.child("name")))
            } else {
                let messages: [String] = NameRules.dns1123Label(volume.name)
                errors.append(place.child("name"), volume.name, invalid: messages)
                if messages.isEmpty, !names.insert(volume.name).inserted {
                    errors.append(.duplicate(place.child("name"), volume.name))
                }
            }
        }
        return errors
    }

    /// Exactly one source, and that one sound.
    private static func source(_ volume: Volume, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var count: Int = 0
        func with<Source>(_ source: Source?, _ name: String, _ check: (Source, FieldPath) -> FieldErrors) {
            guard let source else { return }
            count += 1
            if count > 1 {
                errors.append(.forbidden(path.child(name), "may not specify more than 1 volume type"))
            } else {
                errors += check(source, path.child(name))
            }
        }
        with(volume.emptyDir, "emptyDir", emptyDir)
        with(volume.hostPath, "hostPath", hostPath)
        with(volume.gitRepo, "gitRepo") { Rule.required($0.repository, $1.child("repository")) }
        with(volume.gcePersistentDisk, "gcePersistentDisk") { Rule.required($0.pdName, $1.child("pdName")) }
        with(volume.awsElasticBlockStore, "awsElasticBlockStore") { Rule.required($0.volumeID, $1.child("volumeID")) }
        with(volume.secret, "secret", secret)
        with(volume.nfs, "nfs", nfs)
        with(volume.iscsi, "iscsi") { Rule.required($0.targetPortal, $1.child("targetPortal")) }
        with(volume.glusterfs, "glusterfs") { Rule.required($0.endpoints, $1.child("endpoints")) }
        with(volume.flocker, "flocker") { source, place in
            source.datasetName.isEmpty && source.datasetUUID.isEmpty
                ? [.required(place, "one of datasetName and datasetUUID is required")] : []
        }
        with(volume.persistentVolumeClaim, "persistentVolumeClaim") {
            Rule.required($0.claimName, $1.child("claimName"))
        }
        with(volume.rbd, "rbd") { source, place in
            var found: FieldErrors = source.monitors.isEmpty ? [.required(place.child("monitors"))] : []
            found += Rule.required(source.image, place.child("image"))
            return found
        }
        with(volume.cinder, "cinder") { Rule.required($0.volumeID, $1.child("volumeID")) }
        with(volume.cephfs, "cephfs") { $0.monitors.isEmpty ? [.required($1.child("monitors"))] : [] }
        with(volume.quobyte, "quobyte") { Rule.required($0.volume, $1.child("volume")) }
        with(volume.downwardAPI, "downwardAPI", downwardAPI)
        with(volume.fc, "fc") { source, place in
            source.targetWWNs.isEmpty && source.wwids.isEmpty
                ? [.required(place.child("targetWWNs"), "must specify either targetWWNs or wwids, but not both")] : []
        }
        with(volume.flexVolume, "flexVolume") { Rule.required($0.driver, $1.child("driver")) }
        with(volume.configMap, "configMap", configMap)
        with(volume.azureFile, "azureFile") { Rule.required($0.shareName, $1.child("shareName")) }
        with(volume.vsphereVolume, "vsphereVolume") { Rule.required($0.volumePath, $1.child("volumePath")) }
        with(volume.photonPersistentDisk, "photonPersistentDisk") { Rule.required($0.pdID, $1.child("pdID")) }
        with(volume.portworxVolume, "portworxVolume") { Rule.required($0.volumeID, $1.child("volumeID")) }
        with(volume.azureDisk, "azureDisk") { Rule.required($0.diskName, $1.child("diskName")) }
        with(volume.storageos, "storageos") { Rule.required($0.volumeName, $1.child("volumeName")) }
        with(volume.projected, "projected", ProjectionRules.projected)
        with(volume.scaleIO, "scaleIO") { Rule.required($0.gateway, $1.child("gateway")) }
        with(volume.csi, "csi", csi)
        with(volume.ephemeral, "ephemeral", ephemeral)
        with(volume.image, "image", image)
        if count == 0 { errors.append(.required(path, "must specify a volume type")) }
        return errors
    }

    private static func emptyDir(_ source: EmptyDirVolumeSource, _ path: FieldPath) -> FieldErrors {
        guard let limit = source.sizeLimit, limit.sign < 0 else { return [] }
        return [.forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")]
    }

    static func hostPath(_ source: HostPathVolumeSource, _ path: FieldPath) -> FieldErrors {
        if source.path.isEmpty { return [.required(path.child("path"))] }
        var errors: FieldErrors = Rule.noBacksteps(source.path, path.child("path"))
        if let type = source.type {
            let known: [String] = [
                "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
            ]
            errors += Rule.oneOf(type, known, path.child("type"))
        }
        return errors
    }

    static func nfs(_ source: NFSVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(source.server, path.child("server"))
        errors += Rule.required(source.path, path.child("path"))
        if !source.path.hasPrefix("/") {
            errors.append(.invalid(path.child("path"), source.path, "must be an absolute path"))
        }
        return errors
    }

    private static func secret(_ source: SecretVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(source.secretName, path.child("secretName"))
        errors += Rule.fileMode(source.defaultMode, path.child("defaultMode"))
        errors += items(source.items, path.child("items"))
        return errors
    }

    private static func configMap(_ source: ConfigMapVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(source.name, path.child("name"))
        errors += Rule.fileMode(source.defaultMode, path.child("defaultMode"))
        errors += items(source.items, path.child("items"))
        return errors
    }

    private static func downwardAPI(_ source: DownwardAPIVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.fileMode(source.defaultMode, path.child("defaultMode"))
        for file in source.items { errors += downwardFile(file, path) }
        return errors
    }

    static func items(_ items: [KeyToPath], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, item) in items.enumerated() {
            let place: FieldPath = path.index(index)
            errors += Rule.required(item.key, place.child("key"))
            errors += Rule.required(item.path, place.child("path"))
            errors += Rule.volumeItemPath(item.path, place.child("path"))
            errors += Rule.fileMode(item.mode, place.child("mode"))
        }
        return errors
    }

    private static let downwardFields: [String] = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    ]

    static func downwardFile(_ file: DownwardAPIVolumeFile, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(file.path, path.child("path"))
        errors += Rule.volumeItemPath(file.path, path.child("path"))
        if let reference = file.fieldRef {
            errors += EnvironmentRules.field(reference, downwardFields, path.child("fieldRef"))
            if file.resourceFieldRef != nil {
                let text: String = "fieldRef and resourceFieldRef can not be specified simultaneously"
                errors.append(.invalid(path, "resource", text))
            }
        } else if let reference = file.resourceFieldRef {
            errors += EnvironmentRules.resource(reference, inVolume: true, path.child("resourceFieldRef"))
        } else {
            errors.append(.required(path, "one of fieldRef and resourceFieldRef is required"))
        }
        errors += Rule.fileMode(file.mode, path.child("mode"))
        return errors
    }

    private static func csi(_ source: CSIVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = csiDriverName(source.driver, path.child("driver"))
        if let reference = source.nodePublishSecretRef {
            errors += Rule.required(reference.name, path.child("nodePublishSecretRef").child("name"))
        }
        return errors
    }

    static func csiDriverName(_ name: String, _ path: FieldPath) -> FieldErrors {
        if name.isEmpty { return [.required(path)] }
        var errors = FieldErrors()
        if name.utf8.count > 63 { errors.append(.tooLong(path, limit: 63)) }
        errors.append(path, name, invalid: NameRules.dns1123Subdomain(name.lowercased()))
        return errors
    }

    private static func ephemeral(_ source: EphemeralVolumeSource, _ path: FieldPath) -> FieldErrors {
        guard let template = source.volumeClaimTemplate else { return [.required(path.child("volumeClaimTemplate"))] }
        let field: FieldPath = path.child("volumeClaimTemplate")
        var errors: FieldErrors = Validation.labels(template.metadata.labels, at: field.child("metadata", "labels"))
        errors += Validation.annotations(template.metadata.annotations, at: field.child("metadata", "annotations"))
        errors += template.spec.validate(at: field.child("spec"))
        return errors
    }

    private static func image(_ source: ImageVolumeSource, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(source.reference, path.child("reference"))
        errors += Rule.choice(source.pullPolicy, ["Always", "IfNotPresent", "Never"], path.child("pullPolicy"))
        return errors
    }
}
