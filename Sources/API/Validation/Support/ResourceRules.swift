import APICore
import APIMachinery
import Codec

/// Names and amounts of resources.
enum ResourceRules {
    private static let containerNames: Set<String> = ["cpu", "memory", "ephemeral-storage"]
    private static let quotaNames: Set<String> = [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
        "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
        "services.nodeports", "services.loadbalancers",
    ]
    /// Names without a domain that may stand anywhere.
    private static let standardNames: Set<String> = quotaNames.union(["storage", "requests.hugepages-"])

    static func isHugePage(_ name: String) -> Bool { name.hasPrefix("hugepages-") }
    static func isStandardContainerName(_ name: String) -> Bool { containerNames.contains(name) || isHugePage(name) }
    static func isQuotaName(_ name: String) -> Bool {
        quotaNames.contains(name) || isHugePage(name) || name.hasPrefix("requests.hugepages-")
            || name.hasPrefix("count/")
    }
    /// Without a domain, or of `kubernetes.io`.
    static func isNative(_ name: String) -> Bool { !name.contains("/") || name.contains("kubernetes.io/") }
    static func isExtended(_ name: String) -> Bool {
        if isNative(name) || name.hasPrefix("requests.") { return false }
        return NameRules.qualifiedName("requests." + name).isEmpty
    }
    /// Whether more may be allowed than requested.
    static func isOvercommitAllowed(_ name: String) -> Bool { isNative(name) && !isHugePage(name) }
    /// Amounts that must be whole.
    static func isInteger(_ name: String) -> Bool {
        isExtended(name)
            || ["pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps"]
                .contains(name)
            || name == "persistentvolumeclaims" || name.hasPrefix("count/")
            || name.hasPrefix("services.")
    }

    static func name(_ name: String, _ path: FieldPath) -> FieldErrors {
        let messages: [String] = NameRules.qualifiedName(name)
        if !messages.isEmpty { return Rule.messages(messages, name, path) }
        if !name.contains("/"), !standardNames.contains(name), !isHugePage(name), !isQuotaName(name) {
            return [.invalid(path, name, "must be a standard resource type or fully qualified")]
        }
        return []
    }

    static func containerName(_ name: String, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = self.name(name, path)
        if !name.contains("/") {
            if !isStandardContainerName(name) {
                errors.append(.invalid(path, name, "must be a standard resource for containers"))
            }
        } else if !isNative(name), !isExtended(name) {
            errors.append(.invalid(path, name, "doesn't follow extended resource name standard"))
        }
        return errors
    }

    static func quotaName(_ name: String, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = self.name(name, path)
        if !name.contains("/"), !isQuotaName(name) {
            errors.append(.invalid(path, name, "must be a standard resource for quota"))
        }
        return errors
    }

    static func amount(_ amount: Quantity, of name: String, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = nonNegative(amount, path)
        if isInteger(name), amount.milliValue % 1_000 != 0 {
            errors.append(.invalid(path, amount.description, "must be an integer"))
        }
        return errors
    }

    static func nonNegative(_ amount: Quantity, _ path: FieldPath) -> FieldErrors {
        amount.sign < 0 ? [.invalid(path, amount.description, "must be greater than or equal to 0")] : []
    }

    static func positive(_ amount: Quantity, _ path: FieldPath) -> FieldErrors {
        amount.sign <= 0 ? [.invalid(path, amount.description, "must be greater than zero")] : []
    }

    /// What a container (or a pod) may ask for.
    static func requirements(_ resources: ResourceRequirements, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let limitsPath: FieldPath = path.child("limits")
        let requestsPath: FieldPath = path.child("requests")
        for (name, limit) in resources.limits {
            let field: FieldPath = limitsPath.key(name)
            errors += containerName(name, field)
            errors += amount(limit, of: name, field)
        }
        for (name, request) in resources.requests {
            let field: FieldPath = requestsPath.key(name)
            errors += containerName(name, field)
            errors += amount(request, of: name, field)
            guard let limit = resources.limits[name] else {
                if !isOvercommitAllowed(name) {
                    errors.append(.required(limitsPath, "Limit must be set for non overcommitable resources"))
                }
                continue
            }
            if request != limit, !isOvercommitAllowed(name) {
                let text: String = "must be equal to \(name) limit of \(limit)"
                errors.append(.invalid(requestsPath, request.description, text))
            } else if request > limit {
                let text: String = "must be less than or equal to \(name) limit of \(limit)"
                errors.append(.invalid(requestsPath, request.description, text))
            }
        }
        let names: [String] = Array(resources.limits.keys) + Array(resources.requests.keys)
        if names.contains(where: { isHugePage($0) }), !names.contains("cpu"), !names.contains("memory") {
            errors.append(.forbidden(path, "HugePages require cpu or memory"))
        }
        for (index, claim) in resources.claims.enumerated() where claim.name.isEmpty {
            errors.append(.required(path.child("claims").index(index)))
        }
        return errors
    }
}
