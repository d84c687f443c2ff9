import APICore
import APIMachinery
import Codec

enum EnvironmentRules {
    static let podFields: [String] = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    private static let tooManySources = "may not have more than one field specified at a time"

    static func variables(_ variables: [EnvVar], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, variable) in variables.enumerated() {
            let place: FieldPath = path.index(index)
            if variable.name.isEmpty {
                errors.append(.required(place.child("name")))
            } else {
                let messages: [String] = NameRules.environmentVariableName(variable.name)
                errors.append(place.child("name"), variable.name, invalid: messages)
            }
            if let source = variable.valueFrom {
                errors += self.source(source, value: variable.value, place.child("valueFrom"))
            }
        }
        return errors
    }

    private static func source(_ source: EnvVarSource, value: String, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var count: Int = 0
        if let reference = source.fieldRef {
            count += 1
            errors += field(reference, podFields, path.child("fieldRef"))
        }
        if let reference = source.resourceFieldRef {
            count += 1
            errors += resource(reference, inVolume: false, path.child("resourceFieldRef"))
        }
        if let reference = source.configMapKeyRef {
            count += 1
            errors += key(reference.name, reference.key, path.child("configMapKeyRef"))
        }
        if let reference = source.secretKeyRef {
            count += 1
            errors += key(reference.name, reference.key, path.child("secretKeyRef"))
        }
        if let reference = source.fileKeyRef {
            count += 1
            errors += Rule.required(reference.volumeName, path.child("fileKeyRef").child("volumeName"))
            errors += Rule.required(reference.path, path.child("fileKeyRef").child("path"))
            errors += Rule.required(reference.key, path.child("fileKeyRef").child("key"))
        }
        if count == 0 {
            let text: String =
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            errors.append(.invalid(path, "", text))
        } else if !value.isEmpty {
            errors.append(.invalid(path, "", "may not be specified when `value` is not empty"))
        } else if count > 1 {
            errors.append(.invalid(path, "", tooManySources))
        }
        return errors
    }

    private static func key(_ name: String, _ key: String, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(name, path.child("name"))
        if key.isEmpty {
            errors.append(.required(path.child("key")))
        } else {
            errors.append(path.child("key"), key, invalid: NameRules.configMapKey(key))
        }
        return errors
    }

    static func sources(_ sources: [EnvFromSource], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, source) in sources.enumerated() {
            let place: FieldPath = path.index(index)
            if !source.prefix.isEmpty {
                let messages: [String] = NameRules.environmentVariableName(source.prefix)
                errors.append(place.child("prefix"), source.prefix, invalid: messages)
            }
            if let reference = source.configMapRef {
                errors += Rule.required(reference.name, place.child("configMapRef").child("name"))
            }
            if let reference = source.secretRef {
                errors += Rule.required(reference.name, place.child("secretRef").child("name"))
            }
            if source.configMapRef == nil, source.secretRef == nil {
                errors.append(.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
            } else if source.configMapRef != nil, source.secretRef != nil {
                errors.append(.invalid(path, "", tooManySources))
            }
        }
        return errors
    }

    /// A field of the pod; also `metadata.labels['key']` and annotations so.
    static func field(_ selector: ObjectFieldSelector, _ known: [String], _ path: FieldPath)
        -> FieldErrors
    {
        if selector.apiVersion.isEmpty { return [.required(path.child("apiVersion"))] }
        if selector.fieldPath.isEmpty { return [.required(path.child("fieldPath"))] }
        let field: FieldPath = path.child("fieldPath")
        let text: String = selector.fieldPath
        if let bracket = text.firstIndex(of: "["), text.hasSuffix("']"), text[bracket...].hasPrefix("['") {
            let map: String = String(text[..<bracket])
            let key: String = String(text[text.index(bracket, offsetBy: 2)...].dropLast(2))
            switch map {
            case "metadata.annotations": return Rule.qualifiedName(key.lowercased(), field)
            case "metadata.labels": return Rule.qualifiedName(key, field)
            default: return [.invalid(field, map, "does not support subscript")]
            }
        }
        let convertible: [String] = podFields + ["metadata.labels", "metadata.annotations", "status.phase"]
        if !convertible.contains(text) {
            return [.invalid(field, text, "error converting fieldPath: field label not supported: \(text)")]
        }
        return Rule.oneOf(text, known, field)
    }

    private static let resources: [String] = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]

    static func resource(_ selector: ResourceFieldSelector, inVolume: Bool, _ path: FieldPath) -> FieldErrors {
        if inVolume, selector.containerName.isEmpty { return [.required(path.child("containerName"))] }
        if selector.resource.isEmpty { return [.required(path.child("resource"))] }
        let isHugePage: Bool =
            selector.resource.hasPrefix("limits.hugepages-") || selector.resource.hasPrefix("requests.hugepages-")
        if !resources.contains(selector.resource), !isHugePage {
            return [.notSupported(path.child("resource"), selector.resource, resources)]
        }
        return divisor(selector, path.child("divisor"))
    }

    private static func divisor(_ selector: ResourceFieldSelector, _ path: FieldPath) -> FieldErrors {
        let divisor: Quantity = selector.divisor
        if divisor.isZero { return [] }
        if selector.resource.hasSuffix(".cpu") {
            if divisor == Quantity(1) || divisor == Quantity(milli: 1) { return [] }
            let text: String = "only divisor's values 1m and 1 are supported with the cpu resource"
            return [.invalid(path, divisor, text)]
        }
        let units: [String] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
        if units.contains(divisor.description) { return [] }
        let name: String = selector.resource.split(separator: ".", maxSplits: 1).last.map { String($0) } ?? ""
        let kind: String =
            name == "memory" ? "memory" : name.hasPrefix("hugepages-") ? "hugepages" : "local ephemeral storage"
        let text: String =
            "only divisor's values \(units.joined(separator: ", ")) are supported with the \(kind) resource"
        return [.invalid(path, divisor, text)]
    }
}
