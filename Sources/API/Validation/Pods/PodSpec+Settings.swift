import APICore
import APIMachinery
import Codec

/// The rules for what concerns the pod as a whole.
extension PodSpec {
    func validateDNS(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if dnsPolicy == "None" {
            guard let dnsConfig else {
                return [.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
            }
            if dnsConfig.nameservers.isEmpty {
                let text: String = "must provide at least one DNS nameserver when `dnsPolicy` is None"
                errors.append(.required(path.child("nameservers"), text))
            }
        }
        guard let dnsConfig else { return errors }
        if dnsConfig.nameservers.count > 3 {
            let text: String = "must not have more than 3 nameservers"
            errors.append(.invalid(path.child("nameservers"), dnsConfig.nameservers, text))
        }
        for (index, server) in dnsConfig.nameservers.enumerated() {
            errors += NameRules.ipAddress(server, at: path.child("nameservers").index(index))
        }
        let searches: FieldPath = path.child("searches")
        if dnsConfig.searches.count > 32 {
            errors.append(.invalid(searches, dnsConfig.searches, "must not have more than 32 search paths"))
        }
        if dnsConfig.searches.joined(separator: " ").utf8.count > 2_048 {
            let text: String = "must not have more than 2048 characters (including spaces) in the search list"
            errors.append(.invalid(searches, dnsConfig.searches, text))
        }
        for (index, search) in dnsConfig.searches.enumerated() where search != "." {
            let name: String = search.hasSuffix(".") ? String(search.dropLast()) : search
            errors.append(searches.index(index), name, invalid: NameRules.dns1123SubdomainWithUnderscore(name))
        }
        for (index, option) in dnsConfig.options.enumerated() where option.name.isEmpty {
            errors.append(.required(path.child("options").index(index), "must not be empty"))
        }
        return errors
    }

    func validateGates(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, gate) in readinessGates.enumerated() {
            errors += Rule.qualifiedName(
                gate.conditionType, path.child("readinessGates").index(index).child("conditionType"))
        }
        var names: Set<String> = []
        for (index, gate) in schedulingGates.enumerated() {
            let field: FieldPath = path.child("schedulingGates").index(index)
            errors += Rule.qualifiedName(gate.name, field)
            if !names.insert(gate.name).inserted { errors.append(.duplicate(field, gate.name)) }
        }
        if !schedulingGates.isEmpty, !nodeName.isEmpty {
            let text: String = "cannot be set until all schedulingGates have been cleared"
            errors.append(.forbidden(path.child("nodeName"), text))
        }
        return errors
    }

    func validateNames(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if !serviceAccountName.isEmpty {
            errors += Rule.subdomain(serviceAccountName, path.child("serviceAccountName"))
        }
        if !nodeName.isEmpty { errors += Rule.subdomain(nodeName, path.child("nodeName")) }
        if let activeDeadlineSeconds, activeDeadlineSeconds < 1 || activeDeadlineSeconds > Int(Int32.max) {
            let text: String = "must be between 1 and 2147483647, inclusive"
            errors.append(.invalid(path.child("activeDeadlineSeconds"), activeDeadlineSeconds, text))
        }
        if !hostname.isEmpty { errors += Rule.label(hostname, path.child("hostname")) }
        if !subdomain.isEmpty { errors += Rule.label(subdomain, path.child("subdomain")) }
        if !priorityClassName.isEmpty { errors += Rule.subdomain(priorityClassName, path.child("priorityClassName")) }
        if let runtimeClassName { errors += Rule.subdomain(runtimeClassName, path.child("runtimeClassName")) }
        return errors
    }

    func validateHostAliases(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, alias) in hostAliases.enumerated() {
            let place: FieldPath = path.index(index)
            errors += NameRules.ipAddress(alias.ip, at: place.child("ip"))
            for (number, name) in alias.hostnames.enumerated() {
                errors += Rule.subdomain(name, place.child("hostnames").index(number))
            }
        }
        return errors
    }

    func validateRest(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.optionalChoice(
            preemptionPolicy, ["Never", "PreemptLowerPriority"], path.child("preemptionPolicy"))
        for (name, amount) in overhead {
            errors += ResourceRules.containerName(name, path.child("overhead").key(name))
            errors += ResourceRules.amount(amount, of: name, path.child("overhead").key(name))
        }
        if let resources { errors += validatePodResources(resources, path.child("resources")) }
        if let os {
            if os.name.isEmpty {
                errors.append(.required(path.child("os", "name"), "cannot be empty"))
            } else {
                errors += Rule.oneOf(os.name, ["linux", "windows"], path.child("os"))
            }
        }
        if hostUsers == false {
            for (name, isSet) in [("hostNetwork", hostNetwork), ("hostPID", hostPID), ("hostIPC", hostIPC)] where isSet
            {
                let text: String = "when `hostUsers` is false"
                errors.append(.forbidden(path.child(name), text))
            }
        }
        var claims: Set<String> = []
        for (index, claim) in resourceClaims.enumerated() {
            let field: FieldPath = path.child("resourceClaims").index(index)
            errors += Rule.required(claim.name, field.child("name"))
            if !claims.insert(claim.name).inserted { errors.append(.duplicate(field.child("name"), claim.name)) }
            if claim.resourceClaimName != nil, claim.resourceClaimTemplateName != nil {
                let text: String =
                    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
                errors.append(.invalid(field, claim, text))
            } else if claim.resourceClaimName == nil, claim.resourceClaimTemplateName == nil {
                let text: String = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
                errors.append(.invalid(field, claim, text))
            }
        }
        return errors
    }

    /// Pod-level amounts cover those of the containers together.
    private func validatePodResources(_ resources: ResourceRequirements, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = ResourceRules.requirements(resources, path)
        for (name, limit) in resources.limits {
            for (index, container) in containers.enumerated() {
                guard let own = container.resources.limits[name], own > limit else { continue }
                let field: FieldPath = FieldPath("spec").child("containers").index(index).child("resources", "limits")
                let text: String = "must be less than or equal to pod limits of \(limit)"
                errors.append(.invalid(field.key(name), own.description, text))
            }
        }
        for (name, request) in resources.requests {
            var sum = Quantity()
            for container in containers { sum += container.resources.requests[name] ?? Quantity() }
            if sum > request {
                let text: String = "must be greater than or equal to aggregate container requests of \(sum)"
                errors.append(.invalid(path.child("requests").key(name), request.description, text))
            }
        }
        return errors
    }
}
