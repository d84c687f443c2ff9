package import APICore
package import APIMachinery
import Codec

private enum ConfigurationRules {
    /// All values together; what the store takes comfortably.
    static let sizeLimit: Int = 1_048_576

    static func immutable<T: Equatable & JSONCodable>(_ new: T, _ old: T, _ name: String) -> FieldErrors {
        if new == old { return [] }
        return [.forbidden(FieldPath(name), "field is immutable when `immutable` is set")]
    }

    static func stillImmutable(_ new: Bool?, _ old: Bool?) -> FieldErrors {
        guard old == true, new != true else { return [] }
        return [.forbidden(FieldPath("immutable"), "field is immutable when `immutable` is set")]
    }
}

extension ConfigMap {
    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        var size: Int = 0
        for (key, value) in data {
            errors.append(FieldPath("data").key(key), key, invalid: NameRules.configMapKey(key))
            if binaryData.contains(key: key) {
                errors.append(.invalid(FieldPath("data").key(key), key, "duplicate of key present in binaryData"))
            }
            size += value.utf8.count
        }
        for (key, value) in binaryData {
            errors.append(FieldPath("binaryData").key(key), key, invalid: NameRules.configMapKey(key))
            size += value.count
        }
        if size > ConfigurationRules.sizeLimit {
            // Upstream names the object as a whole by an empty key.
            errors.append(.tooLong(FieldPath.root.key(""), limit: ConfigurationRules.sizeLimit))
        }
        return errors
    }

    package func validateUpdate(of old: ConfigMap) -> FieldErrors {
        var errors: FieldErrors = ConfigurationRules.stillImmutable(immutable, old.immutable)
        if old.immutable == true {
            errors += ConfigurationRules.immutable(data, old.data, "data")
            if binaryData != old.binaryData {
                errors.append(.forbidden(FieldPath("binaryData"), "field is immutable when `immutable` is set"))
            }
        }
        errors += validate()
        return errors
    }
}

extension Secret {
    package func validate() -> FieldErrors {
        let path = FieldPath("data")
        var errors = FieldErrors()
        var size: Int = 0
        for (key, value) in data {
            errors.append(path.key(key), key, invalid: NameRules.configMapKey(key))
            size += value.count
        }
        if size > ConfigurationRules.sizeLimit {
            errors.append(.tooLong(path, limit: ConfigurationRules.sizeLimit))
        }
        switch type {
        case "kubernetes.io/service-account-token":
            if (metadata.annotations["kubernetes.io/service-account.name"] ?? "").isEmpty {
                let field: FieldPath = FieldPath("metadata").child("annotations")
                errors.append(.required(field.key("kubernetes.io/service-account.name")))
            }
        case "kubernetes.io/dockercfg": errors += json(".dockercfg")
        case "kubernetes.io/dockerconfigjson": errors += json(".dockerconfigjson")
        case "kubernetes.io/basic-auth":
            if data["username"] == nil, data["password"] == nil {
                errors.append(.required(path.key("username")))
                errors.append(.required(path.key("password")))
            }
        case "kubernetes.io/ssh-auth":
            if (data["ssh-privatekey"] ?? []).isEmpty { errors.append(.required(path.key("ssh-privatekey"))) }
        case "kubernetes.io/tls":
            if data["tls.crt"] == nil { errors.append(.required(path.key("tls.crt"))) }
            if data["tls.key"] == nil { errors.append(.required(path.key("tls.key"))) }
        default: break
        }
        return errors
    }

    /// The value is shown as hidden: it is a secret.
    private func json(_ key: String) -> FieldErrors {
        let path: FieldPath = FieldPath("data").key(key)
        guard let bytes = data[key] else { return [.required(path)] }
        do throws(JSONError) {
            _ = try JSONReader.decode(JSONValue.self, from: bytes)
            return []
        } catch {
            return [.invalid(path, "<secret contents redacted>", error.message)]
        }
    }

    package func validateUpdate(of old: Secret) -> FieldErrors {
        var errors: FieldErrors = Validation.immutable(type, old.type, at: FieldPath("type"))
        errors += ConfigurationRules.stillImmutable(immutable, old.immutable)
        if old.immutable == true, data != old.data {
            errors.append(.forbidden(FieldPath("data"), "field is immutable when `immutable` is set"))
        }
        errors += validate()
        return errors
    }

}
