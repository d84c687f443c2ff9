package import APICore
package import APIMachinery
import Codec

extension Pod {
    /// The rules for the status endpoint.
    package func validateStatusUpdate(of old: Pod) -> FieldErrors {
        let path = FieldPath("status")
        var errors = FieldErrors()
        if !status.nominatedNodeName.isEmpty {
            errors += Rule.subdomain(status.nominatedNodeName, path.child("nominatedNodeName"))
        }
        errors += Self.endedContainers(
            status.containerStatuses, old.status.containerStatuses, spec.restartPolicy,
            path.child("containerStatuses"))
        errors += validateEndedInitContainers(old, path.child("initContainerStatuses"))
        for (index, address) in status.podIPs.enumerated() {
            errors += NameRules.ipAddress(address.ip, at: path.child("podIPs").index(index))
        }
        for (index, address) in status.hostIPs.enumerated() {
            errors += NameRules.ipAddress(address.ip, at: path.child("hostIPs").index(index).child("ip"))
        }
        if status.qosClass != old.status.qosClass, !old.status.qosClass.isEmpty {
            errors.append(.invalid(path.child("qosClass"), status.qosClass, ObjectMeta.immutableMessage))
        }
        return errors
    }

    /// A container that has ended for good does not come back.
    private static func endedContainers(
        _ new: [ContainerStatus], _ old: [ContainerStatus], _ restartPolicy: String, _ path: FieldPath
    ) -> FieldErrors {
        if restartPolicy == "Always" { return [] }
        var errors = FieldErrors()
        for (index, before) in old.enumerated() {
            guard let end = before.state.terminated else { continue }
            if restartPolicy == "OnFailure", end.exitCode != 0 { continue }
            for status in new where status.name == before.name && status.state.terminated == nil {
                let text: String = "may not be transitioned to non-terminated state"
                errors.append(.forbidden(path.index(index).child("state"), text))
            }
        }
        return errors
    }

    private func validateEndedInitContainers(_ old: Pod, _ path: FieldPath) -> FieldErrors {
        let sidecars: Set<String> = Set(
            spec.initContainers.filter { $0.restartPolicy == "Always" }.map { $0.name })
        return Self.endedContainers(
            status.initContainerStatuses, old.status.initContainerStatuses.filter { !sidecars.contains($0.name) },
            spec.restartPolicy == "Always" ? "OnFailure" : spec.restartPolicy, path)
    }

    /// Ephemeral containers come, and never change or go.
    package func validateEphemeralContainersUpdate(of old: Pod) -> FieldErrors {
        let path: FieldPath = FieldPath("spec").child("ephemeralContainers")
        var errors: FieldErrors = spec.validateEphemeralContainers(spec.surroundings, path)
        if old.spec.ephemeralContainers.count > spec.ephemeralContainers.count {
            errors.append(.forbidden(path, "existing ephemeral containers may not be removed\n"))
        }
        var new: [String: EphemeralContainer] = [:]
        for container in spec.ephemeralContainers { new[container.name] = container }
        for before in old.spec.ephemeralContainers {
            guard let container = new[before.name] else {
                let text: String = "existing ephemeral containers \"\(before.name)\" may not be removed\n"
                errors.append(.forbidden(path, text))
                continue
            }
            if container != before {
                let difference: String = SpecDifference.text(
                    old: before, new: container, name: "core.EphemeralContainer")
                let text: String = "existing ephemeral containers \"\(before.name)\" may not be changed\n\(difference)"
                errors.append(.forbidden(path, text))
            }
        }
        return errors
    }

    /// Only CPU and memory of containers, and never so that the pod would be of another class.
    package func validateResize(of old: Pod) -> FieldErrors {
        if let why = old.resizeObstacle { return [.forbidden(FieldPath.root.key(""), why)] }
        let path = FieldPath("spec")
        var errors = FieldErrors()
        for (index, container) in spec.containers.enumerated() {
            let place: FieldPath = path.child("containers").index(index).child("resources")
            errors += ResourceRules.requirements(container.resources, place)
            guard index < old.spec.containers.count else { continue }
            let before: ResourceRequirements = old.spec.containers[index].resources
            errors += Self.resized(container.resources.requests, before.requests, place.child("requests"))
            errors += Self.resized(container.resources.limits, before.limits, place.child("limits"))
        }
        for (index, container) in spec.initContainers.enumerated() where index < old.spec.initContainers.count {
            guard container.resources != old.spec.initContainers[index].resources else { continue }
            let place: FieldPath = path.child("initContainers").index(index).child("resources")
            errors += ResourceRules.requirements(container.resources, place)
            if container.restartPolicy != "Always" {
                errors.append(.forbidden(path, "only sidecar init containers can be resized"))
            }
        }
        return errors
    }

    /// Why no resize of the pod is allowed at all.
    private var resizeObstacle: String? {
        if metadata.annotations.contains(key: "kubernetes.io/config.mirror") { return "static pods cannot be resized" }
        if spec.os?.name == "windows" { return "windows pods cannot be resized" }
        if let whole = spec.resources, !whole.requests.isEmpty || !whole.limits.isEmpty {
            return "pods with pod-level resources cannot be resized"
        }
        return nil
    }

    private static func resized(_ new: StringMap<Quantity>, _ old: StringMap<Quantity>, _ path: FieldPath)
        -> FieldErrors
    {
        var errors = FieldErrors()
        for (name, amount) in old {
            guard let now = new[name] else {
                let text: String =
                    "resource \(path.description.hasSuffix("limits") ? "limits" : "requests") cannot be removed"
                errors.append(.forbidden(path, text))
                continue
            }
            if name != "cpu", name != "memory", now != amount {
                errors.append(.forbidden(path, "only cpu and memory resources are mutable"))
            }
        }
        for name in new.keys where name != "cpu" && name != "memory" && old[name] == nil {
            errors.append(.forbidden(path, "only cpu and memory resources are mutable"))
        }
        return errors
    }
}
