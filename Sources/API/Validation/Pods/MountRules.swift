import APICore
import APIMachinery
import Codec

/// Mounts and block devices of a container.
enum MountRules {
    static func mounts(_ container: some ContainerFields, _ pod: ContainerSurroundings, _ path: FieldPath)
        -> FieldErrors
    {
        var errors = FieldErrors()
        var paths: Set<String> = []
        let devices: Set<String> = Set(container.volumeDevices.map { $0.name })
        let devicePaths: Set<String> = Set(container.volumeDevices.map { $0.devicePath })
        for (index, mount) in container.volumeMounts.enumerated() {
            let place: FieldPath = path.index(index)
            if mount.name.isEmpty {
                errors.append(.required(place.child("name")))
            } else if pod.volumes[mount.name] == nil {
                errors.append(.notFound(place.child("name"), mount.name))
            }
            if mount.mountPath.isEmpty { errors.append(.required(place.child("mountPath"))) }
            if !paths.insert(mount.mountPath).inserted {
                errors.append(.invalid(place.child("mountPath"), mount.mountPath, "must be unique"))
            }
            if devices.contains(mount.name) {
                errors.append(.invalid(place.child("name"), mount.name, "must not already exist in volumeDevices"))
            }
            if devicePaths.contains(mount.mountPath) {
                let text: String = "must not already exist as a path in volumeDevices"
                errors.append(.invalid(place.child("mountPath"), mount.mountPath, text))
            }
            if !mount.subPath.isEmpty { errors += Rule.descendingPath(mount.subPath, place.child("subPath")) }
            if !mount.subPathExpr.isEmpty {
                if !mount.subPath.isEmpty {
                    let text: String = "subPathExpr and subPath are mutually exclusive"
                    errors.append(.invalid(place.child("subPathExpr"), mount.subPathExpr, text))
                }
                errors += Rule.descendingPath(mount.subPathExpr, place.child("subPathExpr"))
            }
            errors += propagation(mount, container, place.child("mountPropagation"))
            errors += recursion(mount, place.child("recursiveReadOnly"))
        }
        return errors
    }

    private static func propagation(_ mount: VolumeMount, _ container: some ContainerFields, _ path: FieldPath)
        -> FieldErrors
    {
        guard let propagation = mount.mountPropagation else { return [] }
        var errors: FieldErrors = Rule.oneOf(propagation, ["Bidirectional", "HostToContainer", "None"], path)
        if propagation == "Bidirectional", container.securityContext?.privileged != true {
            let text: String = "Bidirectional mount propagation is available only to privileged containers"
            errors.append(.forbidden(path, text))
        }
        return errors
    }

    private static func recursion(_ mount: VolumeMount, _ path: FieldPath) -> FieldErrors {
        guard let mode = mount.recursiveReadOnly else { return [] }
        if mode == "Disabled" { return [] }
        guard mode == "Enabled" || mode == "IfPossible" else {
            return [.notSupported(path, mode, ["Disabled", "Enabled", "IfPossible"])]
        }
        var errors = FieldErrors()
        if !mount.readOnly {
            errors.append(.forbidden(path, "may only be specified when readOnly is true"))
        }
        if let propagation = mount.mountPropagation, propagation != "None" {
            let text: String = "may only be specified when mountPropagation is None or not specified"
            errors.append(.forbidden(path, text))
        }
        return errors
    }

    static func devices(_ container: some ContainerFields, _ pod: ContainerSurroundings, _ path: FieldPath)
        -> FieldErrors
    {
        var errors = FieldErrors()
        var names: Set<String> = []
        var paths: Set<String> = []
        let mounts: Set<String> = Set(container.volumeMounts.map { $0.name })
        for (index, device) in container.volumeDevices.enumerated() {
            let place: FieldPath = path.index(index)
            let name: FieldPath = place.child("name")
            if device.name.isEmpty { errors.append(.required(name)) }
            if device.devicePath.isEmpty { errors.append(.required(place.child("devicePath"))) }
            if !device.name.isEmpty {
                if let volume = pod.volumes[device.name] {
                    if volume.persistentVolumeClaim == nil, volume.ephemeral == nil {
                        let text: String =
                            "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
                        errors.append(.invalid(name, device.name, text))
                    }
                } else {
                    errors.append(.notFound(name, device.name))
                }
            }
            if !names.insert(device.name).inserted { errors.append(.invalid(name, device.name, "must be unique")) }
            if mounts.contains(device.name) {
                errors.append(.invalid(name, device.name, "must not already exist in volumeMounts"))
            }
            errors += Rule.noBacksteps(device.devicePath, place.child("devicePath"))
            if !paths.insert(device.devicePath).inserted {
                errors.append(.invalid(place.child("devicePath"), device.devicePath, "must be unique"))
            }
        }
        return errors
    }
}
