import APICore
package import APIMachinery
package import APINetworking
import Codec

extension Ingress {
    private static let classAnnotation = "kubernetes.io/ingress.class"
    private static let badSequences: [String] = ["//", "/./", "/../", "%2f", "%2F"]
    private static let badEndings: [String] = ["/..", "/."]

    package func validateCreate() -> FieldErrors {
        var errors = FieldErrors()
        if let name = metadata.annotations[Self.classAnnotation], spec.ingressClassName != nil {
            let path: FieldPath = FieldPath("annotations").child(Self.classAnnotation)
            errors.append(.invalid(path, name, "can not be set when the class field is also set"))
        }
        errors += validate()
        return errors
    }

    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.rules.isEmpty, spec.defaultBackend == nil {
            errors.append(.invalid(path, spec.rules, "either `defaultBackend` or `rules` must be specified"))
        }
        if let backend = spec.defaultBackend { errors += Self.backend(backend, path.child("defaultBackend")) }
        for (index, rule) in spec.rules.enumerated() { errors += validate(rule, path.child("rules").index(index)) }
        for (index, tls) in spec.tls.enumerated() {
            let place: FieldPath = path.child("tls").index(index)
            for (number, host) in tls.hosts.enumerated() {
                errors += Self.host(host, place.child("hosts").index(number))
            }
            if !tls.secretName.isEmpty { errors += Rule.subdomain(tls.secretName, place.child("secretName")) }
        }
        if let name = spec.ingressClassName { errors += Rule.subdomain(name, path.child("ingressClassName")) }
        return errors
    }

    private static func host(_ host: String, _ path: FieldPath) -> FieldErrors {
        let messages: [String] =
            host.contains("*") ? NameRules.wildcardDNS1123Subdomain(host) : NameRules.dns1123Subdomain(host)
        return Rule.messages(messages, host, path)
    }

    private func validate(_ rule: IngressRule, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if !rule.host.isEmpty {
            if APIMachinery.IPAddress(rule.host) != nil {
                errors.append(.invalid(path.child("host"), rule.host, "must be a DNS name, not an IP address"))
            }
            errors += Self.host(rule.host, path.child("host"))
        }
        guard let http = rule.http else { return errors }
        let paths: FieldPath = path.child("http", "paths")
        if http.paths.isEmpty { errors.append(.required(paths)) }
        for (index, entry) in http.paths.enumerated() {
            let place: FieldPath = paths.index(index)
            errors += Self.path(entry, place)
            errors += Self.backend(entry.backend, place.child("backend"))
        }
        return errors
    }

    private static func path(_ entry: HTTPIngressPath, _ place: FieldPath) -> FieldErrors {
        guard let type = entry.pathType else {
            return [.required(place.child("pathType"), "pathType must be specified")]
        }
        var errors = FieldErrors()
        let field: FieldPath = place.child("path")
        switch type {
        case "Exact", "Prefix":
            if !entry.path.hasPrefix("/") { errors.append(.invalid(field, entry.path, "must be an absolute path")) }
            for text in badSequences where entry.path.contains(text) {
                errors.append(.invalid(field, entry.path, "must not contain '\(text)'"))
            }
            for text in badEndings where entry.path.hasSuffix(text) {
                errors.append(.invalid(field, entry.path, "cannot end with '\(text)'"))
            }
        case "ImplementationSpecific":
            if !entry.path.isEmpty, !entry.path.hasPrefix("/") {
                errors.append(.invalid(field, entry.path, "must be an absolute path"))
            }
        default:
            let known: [String] = ["Exact", "ImplementationSpecific", "Prefix"]
            errors.append(.notSupported(place.child("pathType"), type, known))
        }
        return errors
    }

    private static func backend(_ backend: IngressBackend, _ path: FieldPath) -> FieldErrors {
        switch (backend.resource, backend.service) {
        case (.some, .some): return [.invalid(path, "", "cannot set both resource and service backends")]
        case (.some(let resource), nil):
            var errors: FieldErrors = Rule.required(resource.kind, path.child("resource", "kind"))
            errors += Rule.required(resource.name, path.child("resource", "name"))
            return errors
        case (nil, .some(let service)):
            var errors = FieldErrors()
            if service.name.isEmpty {
                errors.append(.required(path.child("service", "name")))
            } else {
                let messages: [String] = NameRules.dns1035Label(service.name)
                errors.append(path.child("service", "name"), service.name, invalid: messages)
            }
            let field: FieldPath = path.child("service", "port")
            if !service.port.name.isEmpty, service.port.number != 0 {
                errors.append(.invalid(path, "", "cannot set both port name & port number"))
            } else if !service.port.name.isEmpty {
                let messages: [String] = NameRules.portName(service.port.name)
                errors.append(field.child("name"), service.port.name, invalid: messages)
            } else if service.port.number != 0 {
                errors += Rule.portNumber(service.port.number, field.child("number"))
            } else {
                errors.append(.required(path, "port name or number is required"))
            }
            return errors
        case (nil, nil): return [.invalid(path, "", "resource or service backend is required")]
        }
    }

    package func validateStatus() -> FieldErrors {
        var errors = FieldErrors()
        for (index, ingress) in status.loadBalancer.ingress.enumerated() {
            let path: FieldPath = FieldPath("status").child("loadBalancer", "ingress").index(index)
            if !ingress.ip.isEmpty { errors += NameRules.ipAddress(ingress.ip, at: path.child("ip")) }
            if !ingress.hostname.isEmpty { errors += Rule.subdomain(ingress.hostname, path.child("hostname")) }
        }
        return errors
    }
}

extension IngressClass {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.controller.utf8.count > 250 { errors.append(.tooLong(path.child("controller"), limit: 250)) }
        if spec.controller.isEmpty {
            errors.append(.required(path.child("controller")))
        } else {
            errors += NameRules.domainPrefixedPath(spec.controller, at: path.child("controller"))
        }
        guard let parameters = spec.parameters else { return errors }
        let field: FieldPath = path.child("parameters")
        errors += Rule.required(parameters.kind, field.child("kind"))
        errors += Rule.required(parameters.name, field.child("name"))
        errors += Rule.choice(parameters.scope ?? "", ["Cluster", "Namespace"], field.child("scope"))
        if parameters.scope == "Namespace", (parameters.namespace ?? "").isEmpty {
            errors.append(.required(field.child("namespace"), "`parameters.scope` is set to 'Namespace'"))
        } else if parameters.scope == "Cluster", parameters.namespace != nil {
            errors.append(.forbidden(field.child("namespace"), "`parameters.scope` is set to 'Cluster'"))
        }
        return errors
    }

    package func validateUpdate(of old: IngressClass) -> FieldErrors {
        var errors: FieldErrors = Validation.immutable(
            spec.controller, old.spec.controller, at: FieldPath("spec").child("controller"))
        errors += validate()
        return errors
    }
}
