package import APICore
package import APIMachinery
import Codec

extension PodSpec {
    /// The rules for a pod or the template of one.
    package func validate(at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if terminationGracePeriodSeconds == nil {
            errors.append(.required(path.child("terminationGracePeriodSeconds")))
        }
        errors += VolumeRules.volumes(volumes, path.child("volumes"))
        let surroundings: ContainerSurroundings = surroundings
        errors += validateContainers(surroundings, path.child("containers"))
        errors += validateInitContainers(surroundings, path.child("initContainers"))
        errors += validateEphemeralContainers(surroundings, path.child("ephemeralContainers"))
        errors += Rule.choice(restartPolicy, ["Always", "OnFailure", "Never"], path.child("restartPolicy"))
        errors += Rule.choice(
            dnsPolicy, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], path.child("dnsPolicy"))
        errors += Validation.labels(nodeSelector, at: path.child("nodeSelector"))
        errors += SecurityRules.pod(self, path.child("securityContext"))
        for (index, secret) in imagePullSecrets.enumerated() {
            errors += Rule.required(secret.name, path.child("imagePullSecrets").index(index).child("name"))
        }
        if let affinity { errors += SchedulingRules.affinity(affinity, path.child("affinity")) }
        errors += validateDNS(path.child("dnsConfig"))
        errors += validateGates(path)
        errors += SchedulingRules.spreading(topologySpreadConstraints, path.child("topologySpreadConstraints"))
        errors += validateNames(path)
        errors += SchedulingRules.tolerations(tolerations, path.child("tolerations"))
        errors += validateHostAliases(path.child("hostAliases"))
        errors += validateRest(path)
        return errors
    }

    var surroundings: ContainerSurroundings {
        var known: [String: Volume] = [:]
        for volume in volumes { known[volume.name] = volume }
        return ContainerSurroundings(
            volumes: known, hostNetwork: hostNetwork, gracePeriodSeconds: terminationGracePeriodSeconds ?? 0,
            hostUsers: hostUsers, podRestartPolicy: restartPolicy)
    }

    private func validateContainers(_ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        if containers.isEmpty { return [.required(path)] }
        var errors = FieldErrors()
        var names: Set<String> = []
        for (index, container) in containers.enumerated() {
            let place: FieldPath = path.index(index)
            errors += container.validateCommon(pod, place)
            if !names.insert(container.name).inserted {
                errors.append(.duplicate(place.child("name"), container.name))
            }
            if container.restartPolicy != nil {
                errors.append(.forbidden(place.child("restartPolicy"), "may not be set for non-init containers"))
            }
            errors += container.validateLifecycle(pod, place)
        }
        errors += PortRules.hostPortConflicts(containers, path)
        return errors
    }

    private func validateInitContainers(_ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var names: Set<String> = Set(containers.map { $0.name })
        for (index, container) in initContainers.enumerated() {
            let place: FieldPath = path.index(index)
            errors += container.validateCommon(pod, place)
            if !container.name.isEmpty, !names.insert(container.name).inserted {
                errors.append(.duplicate(place.child("name"), container.name))
            }
            errors += PortRules.hostPortConflicts([container], path)
            errors += Rule.optionalChoice(container.restartPolicy, ["Always"], place.child("restartPolicy"))
            if container.restartPolicy == "Always" {
                errors += container.validateLifecycle(pod, place)
                continue
            }
            let text: String = "may not be set for init containers without restartPolicy=Always"
            if container.lifecycle != nil { errors.append(.forbidden(place.child("lifecycle"), text)) }
            if container.livenessProbe != nil { errors.append(.forbidden(place.child("livenessProbe"), text)) }
            if container.readinessProbe != nil { errors.append(.forbidden(place.child("readinessProbe"), text)) }
            if container.startupProbe != nil { errors.append(.forbidden(place.child("startupProbe"), text)) }
        }
        return errors
    }

    func validateEphemeralContainers(_ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var names: Set<String> = Set((containers + initContainers).map { $0.name })
        let targets: Set<String> = names
        for (index, container) in ephemeralContainers.enumerated() {
            let place: FieldPath = path.index(index)
            if container.name.isEmpty {
                errors.append(.required(place))
                continue
            }
            errors += container.validateCommon(pod, place)
            if !names.insert(container.name).inserted {
                errors.append(.duplicate(place.child("name"), container.name))
            }
            if !container.targetContainerName.isEmpty, !targets.contains(container.targetContainerName) {
                errors.append(.notFound(place.child("targetContainerName"), container.targetContainerName))
            }
            let text: String = "cannot be set for an Ephemeral Container"
            for field in container.fieldsNotForEphemeral { errors.append(.forbidden(place.child(field), text)) }
            for (number, mount) in container.volumeMounts.enumerated() {
                let field: FieldPath = place.child("volumeMounts").index(number)
                if !mount.subPath.isEmpty { errors.append(.forbidden(field.child("subPath"), text)) }
                if !mount.subPathExpr.isEmpty { errors.append(.forbidden(field.child("subPathExpr"), text)) }
            }
        }
        return errors
    }
}

extension EphemeralContainer {
    /// What is set and may not be.
    fileprivate var fieldsNotForEphemeral: [String] {
        var fields: [String] = []
        if !ports.isEmpty { fields.append("ports") }
        if resources != ResourceRequirements() { fields.append("resources") }
        if livenessProbe != nil { fields.append("livenessProbe") }
        if readinessProbe != nil { fields.append("readinessProbe") }
        if startupProbe != nil { fields.append("startupProbe") }
        if lifecycle != nil { fields.append("lifecycle") }
        if restartPolicy != nil { fields.append("restartPolicy") }
        if !resizePolicy.isEmpty { fields.append("resizePolicy") }
        return fields
    }
}

extension PodTemplateSpec {
    /// Metadata and spec of the pods to be made.
    package func validate(at path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Validation.labels(metadata.labels, at: path.child("labels"))
        errors += Validation.annotations(metadata.annotations, at: path.child("annotations"))
        errors += spec.validate(at: path.child("spec"))
        if !spec.ephemeralContainers.isEmpty {
            let text: String = "ephemeral containers not allowed in pod template"
            errors.append(.forbidden(path.child("spec", "ephemeralContainers"), text))
        }
        return errors
    }
}
