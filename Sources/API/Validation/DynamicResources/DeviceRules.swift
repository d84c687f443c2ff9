import APICore
import APIDynamicResources
import APIMachinery
import Codec

/// Rules that claims, classes and slices of devices share.
enum DeviceRules {
    static let mostRequests = 32
    static let mostConfigurations = 32
    private static let mostSelectors = 32
    private static let longestExpression = 10 * 1_024
    private static let longestParameters = 10 * 1_024
    private static let longestPool = 253
    private static let longestDriver = 63
    private static let longestIdentifier = 32
    private static let mostBindingConditions = 4

    // MARK: - Lists

    /// Each element, unless there are too many to look at.
    static func list<Element>(
        _ list: [Element], limit: Int, _ path: FieldPath, _ check: (Element, FieldPath) -> FieldErrors
    ) -> FieldErrors {
        if list.count > limit { return [.tooMany(path, actual: list.count, limit: limit)] }
        var errors = FieldErrors()
        for (index, element) in list.enumerated() { errors += check(element, path.index(index)) }
        return errors
    }

    /// As `list`, and no key may be there twice.
    static func set<Element>(
        _ list: [Element], limit: Int, key: (Element) -> String, _ path: FieldPath,
        _ check: (Element, FieldPath) -> FieldErrors
    ) -> FieldErrors {
        var errors: FieldErrors = self.list(list, limit: limit, path, check)
        if list.count > limit { return errors }
        var seen: Set<String> = []
        for (index, element) in list.enumerated() where !seen.insert(key(element)).inserted {
            errors.append(.duplicate(path.index(index), key(element)))
        }
        return errors
    }

    // MARK: - Names

    static func driver(_ name: String, _ path: FieldPath) -> FieldErrors {
        if name.isEmpty { return [.required(path)] }
        var errors = FieldErrors()
        if name.utf8.count > longestDriver { errors.append(.tooLong(path, limit: longestDriver)) }
        return errors + Rule.messages(NameRules.dns1123Subdomain(name.lowercased()), name, path)
    }

    /// Subdomains with slashes between them.
    static func pool(_ name: String, _ path: FieldPath) -> FieldErrors {
        if name.isEmpty { return [.required(path)] }
        var errors = FieldErrors()
        if name.utf8.count > longestPool { errors.append(.tooLong(path, limit: longestPool)) }
        for part in name.split(separator: "/", omittingEmptySubsequences: false) {
            errors += Rule.subdomain(String(part), path)
        }
        return errors
    }

    static func className(_ name: String, _ path: FieldPath) -> FieldErrors {
        name.isEmpty ? [.required(path)] : Rule.subdomain(name, path)
    }

    /// `name`, or `domain/name`.
    static func qualifiedName(_ name: String, _ path: FieldPath) -> FieldErrors {
        let parts: [String] = name.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        if parts.count == 1 { return identifier(parts[0], path) }
        guard parts.count == 2 else { return [] }
        var errors = FieldErrors()
        errors +=
            parts[0].isEmpty
            ? [.invalid(path, "", "the domain must not be empty")] : driver(parts[0], path)
        errors +=
            parts[1].isEmpty
            ? [.invalid(path, "", "the name must not be empty")] : identifier(parts[1], path)
        return errors
    }

    static func fullyQualifiedName(_ name: String, _ path: FieldPath) -> FieldErrors {
        let errors: FieldErrors = qualifiedName(name, path)
        if name.contains("/") { return errors }
        return errors
            + [.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash")]
    }

    private static func identifier(_ name: String, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if name.utf8.count > longestIdentifier { errors.append(.tooLong(path, limit: longestIdentifier)) }
        return errors + Rule.messages(NameRules.cIdentifier(name), name, path)
    }

    static func uid(_ text: String, _ path: FieldPath) -> FieldErrors {
        if !NameRules.isUUID(text) {
            return [.invalid(path, text, "error validating uid: invalid UUID format")]
        }
        if text == text.lowercased() { return [] }
        let detail: String =
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase "
            + "hexadecimal characters"
        return [.invalid(path, text, detail)]
    }

    // MARK: - Parts

    /// Expressions are compiled by who evaluates them.
    static func selectors(_ selectors: [DeviceSelector], _ path: FieldPath) -> FieldErrors {
        list(selectors, limit: mostSelectors, path) { selector, path in
            guard let cel = selector.cel else { return [.required(path.child("cel"))] }
            let field: FieldPath = path.child("cel").child("expression")
            if cel.expression.utf8.count > longestExpression { return [.tooLong(field, limit: longestExpression)] }
            return []
        }
    }

    static func configuration(_ opaque: OpaqueDeviceConfiguration?, _ path: FieldPath) -> FieldErrors {
        guard let opaque else { return [.required(path.child("opaque"))] }
        let field: FieldPath = path.child("opaque")
        return driver(opaque.driver, field.child("driver"))
            + document(opaque.parameters, longest: longestParameters, field.child("parameters"))
    }

    /// A JSON object of bounded size.
    static func document(_ value: JSONValue?, longest: Int, _ path: FieldPath) -> FieldErrors {
        guard let value, !value.isNull else { return [.required(path)] }
        if value.jsonBytes.count > longest { return [.tooLong(path, limit: longest)] }
        return value.object == nil ? [.invalid(path, "<value omitted>", "must be a valid JSON object")] : []
    }

    static func tolerations(_ tolerations: [DeviceToleration], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, toleration) in tolerations.enumerated() {
            let field: FieldPath = path.index(index)
            if !toleration.key.isEmpty { errors += Rule.qualifiedName(toleration.key, field.child("key")) }
            switch toleration.operator {
            case "Exists":
                if !toleration.value.isEmpty {
                    let text: String = "must be empty for operator `Exists`"
                    errors.append(.invalid(field.child("value"), toleration.value, text))
                }
            case "Equal":
                errors += Rule.messages(
                    NameRules.labelValue(toleration.value), toleration.value, field.child("value"))
            default: errors += Rule.choice(toleration.operator, ["Equal", "Exists"], field.child("operator"))
            }
            if !toleration.effect.isEmpty {
                errors += Rule.oneOf(toleration.effect, taintEffects, field.child("effect"))
            }
        }
        return errors
    }

    static let taintEffects: [String] = ["NoExecute", "NoSchedule"]

    static func bindingConditions(_ conditions: [String], _ failures: [String], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (name, types) in [("bindingConditions", conditions), ("bindingFailureConditions", failures)] {
            errors += list(types, limit: mostBindingConditions, path.child(name)) { Rule.qualifiedName($0, $1) }
        }
        if conditions.isEmpty != failures.isEmpty {
            let lacking: String = conditions.isEmpty ? "bindingConditions" : "bindingFailureConditions"
            let given: String = conditions.isEmpty ? "bindingFailureConditions" : "bindingConditions"
            errors.append(.required(path.child(lacking), "\(lacking) are required to use \(given)"))
        }
        return errors
    }
}
