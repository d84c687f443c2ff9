import APIMachinery
import Codec

/// Small rules that the kinds share, with upstream's words.
enum Rule {
    static func required(_ value: String, _ path: FieldPath, _ detail: String = "") -> FieldErrors {
        value.isEmpty ? [.required(path, detail)] : []
    }

    static func oneOf(_ value: String, _ values: [String], _ path: FieldPath) -> FieldErrors {
        values.contains(value) ? [] : [.notSupported(path, value, values)]
    }

    /// Required, and one of the values.
    static func choice(_ value: String, _ values: [String], _ path: FieldPath) -> FieldErrors {
        value.isEmpty ? [.required(path)] : oneOf(value, values, path)
    }

    static func optionalChoice(_ value: String?, _ values: [String], _ path: FieldPath) -> FieldErrors {
        guard let value else { return [] }
        return oneOf(value, values, path)
    }

    static func nonNegative(_ value: Int?, _ path: FieldPath) -> FieldErrors {
        guard let value else { return [] }
        return Validation.nonNegative(value, at: path)
    }

    static func subdomain(_ value: String, _ path: FieldPath) -> FieldErrors {
        messages(NameRules.dns1123Subdomain(value), value, path)
    }

    static func label(_ value: String, _ path: FieldPath) -> FieldErrors {
        messages(NameRules.dns1123Label(value), value, path)
    }

    static func qualifiedName(_ value: String, _ path: FieldPath) -> FieldErrors {
        messages(NameRules.qualifiedName(value), value, path)
    }

    static func messages(_ messages: [String], _ value: String, _ path: FieldPath) -> FieldErrors {
        FieldErrors(messages.map { .invalid(path, value, $0) })
    }

    static func messages(_ messages: [String], _ value: Int, _ path: FieldPath) -> FieldErrors {
        FieldErrors(messages.map { .invalid(path, value, $0) })
    }

    /// A port by number or by name.
    static func port(_ port: IntOrString, _ path: FieldPath) -> FieldErrors {
        switch port {
        case .int(let number): return messages(NameRules.portNumber(number), number, path)
        case .string(let name): return messages(NameRules.portName(name), name, path)
        }
    }

    static func portNumber(_ port: Int, _ path: FieldPath) -> FieldErrors {
        messages(NameRules.portNumber(port), port, path)
    }

    /// No step up anywhere in the path.
    static func noBacksteps(_ path: String, _ field: FieldPath) -> FieldErrors {
        path.split(separator: "/").contains("..") ? [.invalid(field, path, "must not contain '..'")] : []
    }

    /// A relative path that stays below where it starts.
    static func descendingPath(_ path: String, _ field: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if path.hasPrefix("/") { errors.append(.invalid(field, path, "must be a relative path")) }
        errors += noBacksteps(path, field)
        return errors
    }

    /// As `descendingPath`, and not among the names that begin with two dots, which are the kubelet's.
    static func volumeItemPath(_ path: String, _ field: FieldPath) -> FieldErrors {
        var errors: FieldErrors = descendingPath(path, field)
        if path.hasPrefix(".."), !path.hasPrefix("../") {
            errors.append(.invalid(field, path, "must not start with '..'"))
        }
        return errors
    }

    static func fileMode(_ mode: Int?, _ path: FieldPath) -> FieldErrors {
        guard let mode, mode < 0 || mode > 0o777 else { return [] }
        return [.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")]
    }
}

extension FieldErrors {
    static func + (left: FieldErrors, right: FieldErrors) -> FieldErrors {
        var both: FieldErrors = left
        both += right
        return both
    }
}
