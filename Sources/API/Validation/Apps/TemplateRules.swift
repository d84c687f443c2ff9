import APICore
import APIMachinery
import Codec

/// What selectors and templates of workloads have in common.
enum TemplateRules {
    static func selector(_ selector: LabelSelector?, kind: String, _ path: FieldPath) -> FieldErrors {
        guard let selector else { return [.required(path)] }
        var errors: FieldErrors = Validation.labelSelector(selector, at: path)
        if selector.isEmpty { errors.append(.invalid(path, selector, "empty selector is invalid for \(kind)")) }
        return errors
    }

    /// The template of pods that run for ever.
    static func template(
        _ template: PodTemplateSpec, matching selector: LabelSelector?, kind: String, _ path: FieldPath
    ) -> FieldErrors {
        var errors: FieldErrors = matches(template, selector, path)
        errors += template.validate(at: path)
        if template.spec.restartPolicy != "Always" {
            let field: FieldPath = path.child("spec", "restartPolicy")
            errors.append(.notSupported(field, template.spec.restartPolicy, ["Always"]))
        }
        if template.spec.activeDeadlineSeconds != nil {
            let text: String = "activeDeadlineSeconds in \(kind) is not Supported"
            errors.append(.forbidden(path.child("spec", "activeDeadlineSeconds"), text))
        }
        return errors
    }

    static func matches(_ template: PodTemplateSpec, _ selector: LabelSelector?, _ path: FieldPath) -> FieldErrors {
        guard let query = try? LabelQuery(selector), !query.isEverything, !query.matches(template.metadata.labels)
        else { return [] }
        let text: String = "`selector` does not match template `labels`"
        return [.invalid(path.child("metadata", "labels"), template.metadata.labels, text)]
    }

    static func immutable(_ new: LabelSelector?, _ old: LabelSelector?, _ path: FieldPath) -> FieldErrors {
        new == old ? [] : [.invalid(path, new, ObjectMeta.immutableMessage)]
    }

    /// A number of pods, or a percentage of them.
    static func amount(_ amount: IntOrString?, _ path: FieldPath) -> FieldErrors {
        switch amount {
        case nil: return []
        case .int(let number): return Validation.nonNegative(number, at: path)
        case .string(let text):
            return FieldErrors(NameRules.percentage(text).map { .invalid(path, text, $0) })
        }
    }

    static func notMoreThanAll(_ amount: IntOrString?, _ path: FieldPath) -> FieldErrors {
        guard case .string(let text)? = amount, text.hasSuffix("%"), let percent = Int(text.dropLast()), percent > 100
        else { return [] }
        return [.invalid(path, text, "must not be greater than 100%")]
    }

    static func isZero(_ amount: IntOrString?) -> Bool {
        switch amount {
        case nil: return true
        case .int(let number): return number == 0
        case .string(let text): return Int(text.hasSuffix("%") ? String(text.dropLast()) : text) == 0
        }
    }
}
