package import APIMachinery
package import APIRegistration
import Codec

extension APIService {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validateName()
        if spec.group.isEmpty {
            if spec.version != "v1" {
                let text: String = "only v1 may have an empty group and it better be legacy kube"
                errors.append(.required(path.child("group"), text))
            }
        } else {
            errors += Rule.subdomain(spec.group, path.child("group"))
        }
        errors += Rule.messages(NameRules.dns1035Label(spec.version), spec.version, path.child("version"))
        if !(1...20_000).contains(spec.groupPriorityMinimum) {
            let text: String = "must be positive and less than 20000"
            errors.append(.invalid(path.child("groupPriorityMinimum"), spec.groupPriorityMinimum, text))
        }
        if !(1...1_000).contains(spec.versionPriority) {
            let text: String = "must be positive and less than 1000"
            errors.append(.invalid(path.child("versionPriority"), spec.versionPriority, text))
        }
        return errors + validateService(path)
    }

    private func validateName() -> FieldErrors {
        let path: FieldPath = FieldPath("metadata").child("name")
        let messages: [String] = NameRules.pathSegment(metadata.name)
        if !messages.isEmpty { return Rule.messages(messages, metadata.name, path) }
        let wanted: String = spec.version + "." + spec.group
        if metadata.name == wanted { return [] }
        return [.invalid(path, metadata.name, "must be `spec.version+\".\"+spec.group`: \"\(wanted)\"")]
    }

    private func validateService(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        guard let service = spec.service else {
            if !spec.caBundle.isEmpty {
                let text: String = "local APIServices may not have a caBundle"
                errors.append(.invalid(path.child("caBundle"), "\(spec.caBundle.count) bytes", text))
            }
            if spec.insecureSkipTLSVerify {
                let text: String = "local APIServices may not have insecureSkipTLSVerify"
                errors.append(.invalid(path.child("insecureSkipTLSVerify"), true, text))
            }
            return errors
        }
        let field: FieldPath = path.child("service")
        errors += Rule.required(service.namespace, field.child("namespace"))
        errors += Rule.required(service.name, field.child("name"))
        let port: Int = service.port ?? 443
        let messages: [String] = NameRules.portNumber(port)
        if !messages.isEmpty {
            let text: String = "port is not valid: " + messages.joined(separator: ",")
            errors.append(.invalid(field.child("port"), port, text))
        }
        if spec.insecureSkipTLSVerify, !spec.caBundle.isEmpty {
            let text: String = "may not be true if caBundle is present"
            errors.append(.invalid(path.child("insecureSkipTLSVerify"), true, text))
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path: FieldPath = FieldPath("status").child("conditions")
        var errors = FieldErrors()
        for (index, condition) in status.conditions.enumerated() {
            errors += Rule.oneOf(condition.status, ["False", "True", "Unknown"], path.index(index).child("status"))
        }
        return errors
    }
}
