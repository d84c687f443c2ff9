package import Codec

/// The rules for every object's metadata, upstream's.
extension ObjectMeta {
    /// How a kind's names must look, as one of `NameRules`.
    package typealias NameRule = @Sendable (String) -> [String]

    static let annotationsLimitBytes: Int = 256 * 1024
    /// How a field that must not change is complained about.
    package static let immutableMessage = "field is immutable"

    /// For a new object, whose name has been generated already if it had to be.
    package func validate(
        isNamespaced: Bool, name rule: NameRule, at path: FieldPath = FieldPath("metadata")
    ) -> FieldErrors {
        var errors = FieldErrors()
        if !generateName.isEmpty {
            let messages: [String] = rule(ObjectMeta.maskingTrailingDash(generateName))
            errors.append(path.child("generateName"), generateName, invalid: messages)
        }
        if name.isEmpty {
            errors.append(.required(path.child("name"), "name or generateName is required"))
        } else {
            errors.append(path.child("name"), name, invalid: rule(name))
        }
        if isNamespaced {
            if namespace.isEmpty {
                errors.append(.required(path.child("namespace")))
            } else {
                errors.append(path.child("namespace"), namespace, invalid: NameRules.dns1123Label(namespace))
            }
        } else if !namespace.isEmpty {
            errors.append(.forbidden(path.child("namespace"), "not allowed on this type"))
        }
        if generation < 0 {
            errors.append(.invalid(path.child("generation"), generation, "must be greater than or equal to 0"))
        }
        errors += Validation.labels(labels, at: path.child("labels"))
        errors += Validation.annotations(annotations, at: path.child("annotations"))
        errors += Validation.ownerReferences(ownerReferences, at: path.child("ownerReferences"))
        errors += Validation.finalizers(finalizers, at: path.child("finalizers"))
        errors += Validation.managedFields(managedFields, at: path.child("managedFields"))
        return errors
    }

    /// For an object that replaces `old`.
    package func validateUpdate(of old: ObjectMeta, at path: FieldPath = FieldPath("metadata")) -> FieldErrors {
        var errors = FieldErrors()
        if old.deletionTimestamp != nil {
            let added: [String] = Set(finalizers).subtracting(old.finalizers).sorted()
            if !added.isEmpty {
                let list: String = added.map { GoText.quoted($0) }.joined(separator: ", ")
                let text: String =
                    "no new finalizers can be added if the object is being deleted, "
                    + "found new finalizers []string{\(list)}"
                errors.append(.forbidden(path.child("finalizers"), text))
            }
        }
        if resourceVersion.isEmpty {
            errors.append(.invalid(path.child("resourceVersion"), "", "must be specified for an update"))
        }
        if generation < old.generation {
            errors.append(.invalid(path.child("generation"), generation, "must not be decremented"))
        }
        let immutable: String = ObjectMeta.immutableMessage
        if name != old.name { errors.append(.invalid(path.child("name"), name, immutable)) }
        if namespace != old.namespace { errors.append(.invalid(path.child("namespace"), namespace, immutable)) }
        if uid != old.uid { errors.append(.invalid(path.child("uid"), uid, immutable)) }
        if creationTimestamp != old.creationTimestamp {
            errors.append(.invalid(path.child("creationTimestamp"), creationTimestamp, immutable))
        }
        if deletionTimestamp != old.deletionTimestamp {
            errors.append(.invalid(path.child("deletionTimestamp"), deletionTimestamp, immutable))
        }
        if deletionGracePeriodSeconds != old.deletionGracePeriodSeconds {
            let field: FieldPath = path.child("deletionGracePeriodSeconds")
            errors.append(.invalid(field, deletionGracePeriodSeconds, immutable))
        }
        errors += Validation.labels(labels, at: path.child("labels"))
        errors += Validation.annotations(annotations, at: path.child("annotations"))
        errors += Validation.ownerReferences(ownerReferences, at: path.child("ownerReferences"))
        errors += Validation.managedFields(managedFields, at: path.child("managedFields"))
        return errors
    }

    /// `web-` is a good beginning of a name although it is no good name.
    private static func maskingTrailingDash(_ prefix: String) -> String {
        guard prefix.utf8.count > 1, prefix.utf8.last == UInt8(ascii: "-") else { return prefix }
        return prefix.dropLast(2) + "a"
    }
}

/// Rules for parts that many kinds have.
package enum Validation {
    /// A field that must not change.
    package static func immutable<T: JSONCodable & Equatable>(_ new: T, _ old: T, at path: FieldPath) -> FieldErrors {
        new == old ? [] : [.invalid(path, new, ObjectMeta.immutableMessage)]
    }

    package static func nonNegative(_ value: Int, at path: FieldPath) -> FieldErrors {
        value >= 0 ? [] : [.invalid(path, value, "must be greater than or equal to 0")]
    }

    package static func labelKey(_ key: String, at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        errors.append(path, key, invalid: NameRules.qualifiedName(key))
        return errors
    }

    package static func labels(_ labels: StringMap<String>, at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (key, value) in labels {
            errors += labelKey(key, at: path)
            errors.append(path, value, invalid: NameRules.labelValue(value))
        }
        return errors
    }

    package static func annotations(_ annotations: StringMap<String>, at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var size: Int = 0
        for (key, value) in annotations {
            errors.append(path, key, invalid: NameRules.qualifiedName(key.lowercased()))
            size += key.utf8.count + value.utf8.count
        }
        if size > ObjectMeta.annotationsLimitBytes {
            errors.append(.tooLong(path, limit: ObjectMeta.annotationsLimitBytes))
        }
        return errors
    }

    package static func ownerReferences(_ owners: [OwnerReference], at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var controller: String?
        for owner in owners {
            let gvk = GroupVersionKind(apiVersion: owner.apiVersion, kind: owner.kind)
            if gvk.version.isEmpty {
                errors.append(.invalid(path.child("apiVersion"), owner.apiVersion, "version must not be empty"))
            }
            if owner.kind.isEmpty { errors.append(.invalid(path.child("kind"), "", "must not be empty")) }
            if owner.name.isEmpty { errors.append(.invalid(path.child("name"), "", "must not be empty")) }
            if owner.uid.isEmpty { errors.append(.invalid(path.child("uid"), "", "must not be empty")) }
            if gvk == GroupVersionKind(group: "", version: "v1", kind: "Event") {
                errors.append(.invalid(path, owner, "\(gvk) is disallowed from being an owner"))
            }
            guard owner.controller == true else { continue }
            let name: String = owner.kind + "/" + owner.name
            if let controller {
                let text: String =
                    "Only one reference can have Controller set to true. Found \"true\" in references for "
                    + "\(controller) and \(name)"
                errors.append(.invalid(path, owners, text))
            } else {
                controller = name
            }
        }
        return errors
    }

    package static func finalizers(_ finalizers: [String], at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for finalizer in finalizers { errors.append(path, finalizer, invalid: NameRules.qualifiedName(finalizer)) }
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            let text: String = "finalizer orphan and foregroundDeletion cannot be both set"
            errors.append(.invalid(path, finalizers, text))
        }
        return errors
    }

    package static func managedFields(_ entries: [ManagedFieldsEntry], at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, entry) in entries.enumerated() {
            let place: FieldPath = path.index(index)
            if entry.operation != "Apply", entry.operation != "Update" {
                errors.append(.invalid(place.child("operation"), entry.operation, "must be `Apply` or `Update`"))
            }
            if !entry.fieldsType.isEmpty, entry.fieldsType != "FieldsV1" {
                errors.append(.invalid(place.child("fieldsType"), entry.fieldsType, "must be `FieldsV1`"))
            }
            errors += fieldManager(entry.manager, at: place.child("manager"))
            if entry.subresource.utf8.count > 256 {
                errors.append(.tooLong(place.child("subresource"), limit: 256))
            }
        }
        return errors
    }

    /// At most 128 bytes, printable.
    package static func fieldManager(_ name: String, at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if name.utf8.count > 128 { errors.append(.tooLong(path, limit: 128)) }
        var position: Int = 0
        for scalar in name.unicodeScalars {
            if !GoText.isPrintable(scalar) {
                let digits: String = String(scalar.value, radix: 16, uppercase: true)
                let code: String = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
                let text: String = "invalid character U+\(code) (at position \(position))"
                errors.append(.invalid(path, name, text))
            }
            position += String(scalar).utf8.count
        }
        return errors
    }

    /// The form only; whether the empty selector is allowed is for the kind to say.
    package static func labelSelector(_ selector: LabelSelector?, at path: FieldPath) -> FieldErrors {
        guard let selector else { return [] }
        var errors: FieldErrors = labels(selector.matchLabels, at: path.child("matchLabels"))
        for (index, expression) in selector.matchExpressions.enumerated() {
            let place: FieldPath = path.child("matchExpressions").index(index)
            switch expression.operator {
            case "In", "NotIn":
                if expression.values.isEmpty {
                    let text: String = "must be specified when `operator` is 'In' or 'NotIn'"
                    errors.append(.required(place.child("values"), text))
                }
            case "Exists", "DoesNotExist":
                if !expression.values.isEmpty {
                    let text: String = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    errors.append(.forbidden(place.child("values"), text))
                }
            default:
                errors.append(.invalid(place.child("operator"), expression.operator, "not a valid selector operator"))
            }
            errors += labelKey(expression.key, at: place.child("key"))
            for (position, value) in expression.values.enumerated() {
                let field: FieldPath = place.child("values").index(position)
                errors.append(field, value, invalid: NameRules.labelValue(value))
            }
        }
        return errors
    }

    /// A list of `metav1.Condition`.
    package static func conditions(_ conditions: [Condition], at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var types: Set<String> = []
        for (index, condition) in conditions.enumerated() {
            let place: FieldPath = path.index(index)
            if !types.insert(condition.type).inserted {
                errors.append(.duplicate(place.child("type"), condition.type))
            }
            errors += labelKey(condition.type, at: place.child("type"))
            if !["True", "False", "Unknown"].contains(condition.status) {
                let known: [String] = ["False", "True", "Unknown"]
                errors.append(.notSupported(place.child("status"), condition.status, known))
            }
            if condition.observedGeneration < 0 {
                let text: String = "must be greater than or equal to zero"
                errors.append(.invalid(place.child("observedGeneration"), condition.observedGeneration, text))
            }
            if condition.lastTransitionTime == nil {
                errors.append(.required(place.child("lastTransitionTime"), "must be set"))
            }
            if condition.reason.isEmpty {
                errors.append(.required(place.child("reason"), "must be set"))
            } else {
                let messages: [String] = NameRules.conditionReason(condition.reason)
                errors.append(place.child("reason"), condition.reason, invalid: messages)
                if condition.reason.utf8.count > 1_024 { errors.append(.tooLong(place.child("reason"), limit: 1_024)) }
            }
            if condition.message.utf8.count > 32_768 { errors.append(.tooLong(place.child("message"), limit: 32_768)) }
        }
        return errors
    }
}
