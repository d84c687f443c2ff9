package import APIExtensions
package import APIMachinery
import Codec

/// Expressions (CEL) and the values of defaults are checked by who serves custom resources.
extension CustomResourceDefinition {
    private static let approval = "api-approved.kubernetes.io"
    private static let approvalPage = "see https://github.com/kubernetes/enhancements/pull/1111"

    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        let name: FieldPath = FieldPath("metadata").child("name")
        if metadata.name != spec.names.plural + "." + spec.group {
            errors.append(.invalid(name, metadata.name, "must be spec.names.plural+\".\"+spec.group"))
        }
        errors += validateParts()
        if let (value, detail) = approvalFault {
            let path: FieldPath = FieldPath("metadata").child("annotations").key(Self.approval)
            errors.append(Self.fault(value, detail, path))
        }
        return errors + validatePruning(old: nil)
    }

    package func validateUpdate(of old: CustomResourceDefinition) -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validateParts()
        if old.isEstablished {
            errors += Validation.immutable(spec.scope, old.spec.scope, at: path.child("scope"))
            errors += Validation.immutable(
                spec.names.kind, old.spec.names.kind, at: path.child("names").child("kind"))
        }
        errors += Validation.immutable(spec.group, old.spec.group, at: path.child("group"))
        errors += Validation.immutable(
            spec.names.plural, old.spec.names.plural, at: path.child("names").child("plural"))
        if let (value, detail) = approvalFault, approvalFault?.detail != old.approvalFault?.detail {
            let path: FieldPath = FieldPath("metadata").child("annotations").key(Self.approval)
            errors.append(Self.fault(value, detail, path))
        }
        return errors + validatePruning(old: old)
    }

    package func validateStatus() -> FieldErrors {
        status.acceptedNames.validate(FieldPath("status").child("acceptedNames"))
    }

    private var isEstablished: Bool {
        status.conditions.contains { $0.type == "Established" && $0.status == "True" }
    }

    private func validateParts() -> FieldErrors {
        spec.validate(FieldPath("spec")) + validateStatus() + validateStoredVersions()
    }

    private func validateStoredVersions() -> FieldErrors {
        let path: FieldPath = FieldPath("status").child("storedVersions")
        let stored: [String] = status.storedVersions
        if stored.isEmpty { return [.invalid(path, stored, "must have at least one stored version")] }
        var errors = FieldErrors()
        for version in spec.versions where version.storage && !stored.contains(version.name) {
            errors.append(.invalid(path, stored, "must have the storage version " + version.name))
        }
        for (index, name) in stored.enumerated() where !spec.versions.contains(where: { $0.name == name }) {
            let text: String =
                "missing from spec.versions; \(name) was previously a storage version, and must remain in "
                + "spec.versions until a storage migration ensures no data remains persisted in \(name) and removes "
                + "\(name) from status.storedVersions"
            errors.append(.invalid(path.index(index), name, text))
        }
        return errors
    }

    /// Groups of the community want a word of approval. The annotation's value is nil if it lacks.
    private var approvalFault: (value: String?, detail: String)? {
        let isProtected: Bool = ["k8s.io", "kubernetes.io"].contains {
            spec.group == $0 || spec.group.hasSuffix("." + $0)
        }
        guard isProtected else { return nil }
        let needed: String = "protected groups must have approval annotation \"\(Self.approval)\""
        guard let value = metadata.annotations[Self.approval] else { return (nil, "\(needed), \(Self.approvalPage)") }
        if value.hasPrefix("unapproved") { return nil }
        let parts: [Substring] = value.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count == 3, parts[0].hasSuffix(":"), parts[0].count > 1, parts[1].isEmpty, !parts[2].isEmpty {
            return nil
        }
        return (
            value, "\(needed) with either a URL or a reason starting with \"unapproved\", \(Self.approvalPage)"
        )
    }

    /// Lacking, or not as it should be.
    private static func fault(_ value: String?, _ detail: String, _ path: FieldPath) -> FieldError {
        if let value { return .invalid(path, value, detail) }
        return .required(path, detail)
    }

    private func validatePruning(old: CustomResourceDefinition?) -> FieldErrors {
        guard spec.preserveUnknownFields, old?.spec.preserveUnknownFields != true else { return [] }
        let text: String =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        return [.invalid(FieldPath("spec").child("preserveUnknownFields"), true, text)]
    }
}

extension CustomResourceDefinitionNames {
    /// A name with capital letters that is a label otherwise.
    private static func mixed(_ value: String, _ path: FieldPath) -> FieldErrors {
        let messages: [String] = NameRules.dns1035Label(value.lowercased())
        if value.isEmpty || messages.isEmpty { return [] }
        let text: String = "may have mixed case, but should otherwise match: " + messages.joined(separator: ",")
        return [.invalid(path, value, text)]
    }

    static func label(_ value: String, _ path: FieldPath) -> FieldErrors {
        let messages: [String] = NameRules.dns1035Label(value)
        return messages.isEmpty ? [] : [.invalid(path, value, messages.joined(separator: ","))]
    }

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if !plural.isEmpty { errors += Self.label(plural, path.child("plural")) }
        if !singular.isEmpty { errors += Self.label(singular, path.child("singular")) }
        errors += Self.mixed(kind, path.child("kind"))
        errors += Self.mixed(listKind, path.child("listKind"))
        for (index, name) in shortNames.enumerated() {
            errors += Self.label(name, path.child("shortNames").index(index))
        }
        if !kind.isEmpty, kind == listKind {
            errors.append(.invalid(path.child("listKind"), listKind, "kind and listKind may not be the same"))
        }
        for (index, name) in categories.enumerated() {
            errors += Self.label(name, path.child("categories").index(index))
        }
        return errors
    }
}

extension CustomResourceDefinitionSpec {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = validateGroup(path.child("group"))
        errors += Rule.choice(scope, ["Cluster", "Namespaced"], path.child("scope"))
        errors += validateVersions(path)
        for (name, value) in [
            ("plural", names.plural), ("singular", names.singular), ("kind", names.kind), ("listKind", names.listKind),
        ] {
            errors += Rule.required(value, path.child("names").child(name))
        }
        errors += names.validate(path.child("names"))
        if let conversion { errors += conversion.validate(path.child("conversion")) }
        return errors
    }

    private func validateGroup(_ path: FieldPath) -> FieldErrors {
        if group.isEmpty { return [.required(path)] }
        let messages: [String] = NameRules.dns1123Subdomain(group)
        if !messages.isEmpty { return [.invalid(path, group, messages.joined(separator: ","))] }
        return group.contains(".") ? [] : [.invalid(path, group, "should be a domain with at least one dot")]
    }

    /// What is the same in all versions upstream looks at once, in a place where older clients had it.
    private func shares<Part: Equatable>(_ part: (CustomResourceDefinitionVersion) -> Part?) -> Bool {
        guard let first = versions.first.flatMap(part) else { return false }
        return versions.allSatisfy { part($0) == first }
    }

    private func validateVersions(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let list: FieldPath = path.child("versions")
        for (index, version) in versions.enumerated() where version.validation?.openAPIV3Schema == nil {
            let field: FieldPath = list.index(index).child("schema").child("openAPIV3Schema")
            errors.append(.required(field, "schemas are required"))
        }
        let sharesSchema: Bool = shares { $0.validation }
        let sharesSubresources: Bool = shares { $0.subresources }
        let sharesColumns: Bool = shares { $0.additionalPrinterColumns.isEmpty ? nil : $0.additionalPrinterColumns }
        for (index, version) in versions.enumerated() {
            let field: FieldPath = list.index(index)
            errors += CustomResourceDefinitionNames.label(version.name, field.child("name"))
            errors += version.validateWarning(field.child("deprecationWarning"))
            if !sharesSchema { errors += version.validateSchema(field.child("schema")) }
            if !sharesSubresources { errors += version.validateSubresources(field.child("subresources")) }
            if !sharesColumns { errors += version.validateColumns(field.child("additionalPrinterColumns")) }
            errors += version.validateSelectableFields(field.child("selectableFields"))
        }
        if Set(versions.map { $0.name }).count < versions.count {
            errors.append(.invalid(list, versions, "must contain unique version names"))
        }
        if versions.count(where: { $0.storage }) != 1 {
            errors.append(.invalid(list, versions, "must have exactly one version marked as storage version"))
        }
        guard let first = versions.first else { return errors }
        if sharesSchema { errors += first.validateSchema(path.child("validation")) }
        if sharesSubresources { errors += first.validateSubresources(path.child("subresources")) }
        if sharesColumns { errors += first.validateColumns(path.child("additionalPrinterColumns")) }
        return errors
    }
}

extension CustomResourceConversion {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.choice(strategy, ["None", "Webhook"], path.child("strategy"))
        let client: FieldPath = path.child("webhookClientConfig")
        let versions: FieldPath = path.child("conversionReviewVersions")
        guard strategy == "Webhook" else {
            let text: String = "should not be set when strategy is not set to Webhook"
            if webhook?.clientConfig != nil { errors.append(.forbidden(client, text)) }
            if webhook?.conversionReviewVersions.isEmpty == false { errors.append(.forbidden(versions, text)) }
            return errors
        }
        if let config = webhook?.clientConfig {
            let service: WebhookRules.Service? = config.service.map {
                WebhookRules.Service(namespace: $0.namespace, name: $0.name, path: $0.path, port: $0.port)
            }
            errors += WebhookRules.client(url: config.url, service: service, client)
            if !config.caBundle.isEmpty,
                !PEMBlock.all(in: config.caBundle).contains(where: { $0.label == "CERTIFICATE" })
            {
                let text: String = "unable to load root certificates: unable to parse bytes as PEM block"
                errors.append(.invalid(client.child("caBundle"), Base64.encode(config.caBundle), text))
            }
        } else {
            errors.append(.required(client, "required when strategy is set to Webhook"))
        }
        return errors
            + WebhookRules.reviewVersions(webhook?.conversionReviewVersions ?? [], missing: "", versions)
    }
}
