/// Formats of values other than object names.
extension NameRules {
    /// An IANA service name (RFC 6335) in lower case, such as a port's name.
    package static func portName(_ value: String) -> [String] {
        var messages: [String] = []
        let hyphen: UInt8 = UInt8(ascii: "-")
        if value.utf8.count > 15 { messages.append(tooLong(15)) }
        if value.isEmpty || !value.utf8.allSatisfy({ Shape.isLowerOrDigit($0) || $0 == hyphen }) {
            messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !value.utf8.contains(where: Shape.isLower) {
            messages.append("must contain at least one letter (a-z)")
        }
        if value.contains("--") { messages.append("must not contain consecutive hyphens") }
        if value.utf8.first == hyphen || value.utf8.last == hyphen {
            messages.append("must not begin or end with a hyphen")
        }
        return messages
    }

    /// 1…65535.
    package static func portNumber(_ value: Int) -> [String] {
        inRange(value, 1...65_535)
    }

    package static func inRange(_ value: Int, _ range: ClosedRange<Int>) -> [String] {
        range.contains(value) ? [] : [outOfRange(range)]
    }

    /// User and group ids: 32 bits without a sign.
    package static func userID(_ value: Int) -> [String] { inRange(value, 0...0xFFFF_FFFF) }

    /// Printable ASCII other than `=`, as relaxed since 1.32.
    package static func environmentVariableName(_ value: String) -> [String] {
        if value.isEmpty { return ["environment variable name must be non-empty"] }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }) else {
            return [
                "a valid environment variable name must consist only of printable ASCII characters other than '='"
            ]
        }
        return []
    }

    /// A key of a ConfigMap or Secret; it becomes a file name.
    package static func configMapKey(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 253 { messages.append(tooLong(253)) }
        let isPlain: Bool = value.utf8.allSatisfy { byte in
            Shape.isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: ".")
        }
        if value.isEmpty || !isPlain {
            let text: String = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            messages.append(form(text, "[-._a-zA-Z0-9]+", ["key.name", "KEY_NAME", "key-name"]))
        }
        if value == "." {
            messages.append("must not be '.'")
        } else if value == ".." {
            messages.append("must not be '..'")
        } else if value.hasPrefix("..") {
            messages.append("must not start with '..'")
        }
        return messages
    }

    package static func httpHeaderName(_ value: String) -> [String] {
        let isGood: Bool = value.utf8.allSatisfy { Shape.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        if isGood, !value.isEmpty { return [] }
        let text: String = "a valid HTTP header must consist of alphanumeric characters or '-'"
        return [form(text, "[-A-Za-z0-9]+", ["X-Header-Name"])]
    }

    /// The characters of an RFC 3986 path.
    package static func httpPath(_ value: String) -> [String] {
        let extra: [UInt8] = Array("/-._~%!$&'()*+,;=:".utf8)
        let isGood: Bool = value.utf8.allSatisfy { Shape.isAlphanumeric($0) || extra.contains($0) }
        if isGood, !value.isEmpty { return [] }
        return [form("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", [])]
    }

    /// `acme.io/path`.
    package static func domainPrefixedPath(_ value: String, at path: FieldPath) -> FieldErrors {
        if value.isEmpty { return [.required(path)] }
        let parts: [Substring] = value.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return [.invalid(path, value, "must be a domain-prefixed path (such as \"acme.io/foo\")")]
        }
        var errors = FieldErrors()
        errors.append(path, String(parts[0]), invalid: dns1123Subdomain(String(parts[0])))
        errors.append(path, String(parts[1]), invalid: httpPath(String(parts[1])))
        return errors
    }

    /// A domain of at least three labels, such as a signer's or a finalizer's.
    package static func fullyQualifiedName(_ value: String, at path: FieldPath) -> FieldErrors {
        if value.isEmpty { return [.required(path)] }
        let messages: [String] = dns1123Subdomain(value)
        if !messages.isEmpty { return [.invalid(path, value, messages.joined(separator: ","))] }
        if value.split(separator: ".").count < 3 {
            return [.invalid(path, value, "should be a domain with at least three segments separated by dots")]
        }
        return []
    }

    package static func cIdentifier(_ value: String) -> [String] {
        let underscore: UInt8 = UInt8(ascii: "_")
        let isGood: Bool = value.utf8.allSatisfy { Shape.isAlphanumeric($0) || $0 == underscore }
        let startsWell: Bool = value.utf8.first.map { !Shape.isDigit($0) } ?? false
        if isGood, startsWell { return [] }
        let text: String =
            "a valid C identifier must start with alphabetic character or '_', followed by a string of "
            + "alphanumeric characters or '_'"
        return [form(text, "[A-Za-z_][A-Za-z0-9_]*", ["my_name", "MY_NAME", "MyName"])]
    }

    /// Digits and `%`.
    package static func percentage(_ value: String) -> [String] {
        let digits: Substring = value.dropLast()
        if value.utf8.last == UInt8(ascii: "%"), !digits.isEmpty, digits.utf8.allSatisfy(Shape.isDigit) { return [] }
        let text: String = "a valid percent string must be a numeric string followed by an ending '%'"
        return [form(text, "[0-9]+%", ["1%", "93%"])]
    }

    /// The reason of a condition.
    package static func conditionReason(_ value: String) -> [String] {
        let bytes: String.UTF8View = value.utf8
        let startsWell: Bool = bytes.first.map { Shape.isLower($0) || Shape.isUpper($0) } ?? false
        let endsWell: Bool = bytes.last.map { Shape.isAlphanumeric($0) || $0 == UInt8(ascii: "_") } ?? false
        let isGood: Bool = bytes.allSatisfy { byte in
            Shape.isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ",")
                || byte == UInt8(ascii: ":")
        }
        if startsWell, endsWell, isGood { return [] }
        let text: String =
            "a condition reason must start with alphabetic character, optionally followed by a string of "
            + "alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'"
        let examples: [String] = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"]
        return [form(text, "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", examples)]
    }

    /// Whether the text is a UUID of the form `8-4-4-4-12` in hexadecimal digits.
    package static func isUUID(_ value: String) -> Bool {
        let bytes: [UInt8] = Array(value.utf8)
        guard bytes.count == 36 else { return false }
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23:
                guard byte == UInt8(ascii: "-") else { return false }
            default:
                let isHex: Bool = Shape.isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
                guard isHex else { return false }
            }
        }
        return true
    }

    package static func ipAddress(_ value: String, at path: FieldPath) -> FieldErrors {
        if IPAddress(value) != nil { return [] }
        return [.invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    }

    package static func cidr(_ value: String, at path: FieldPath) -> FieldErrors {
        if CIDR(value) != nil { return [] }
        return [.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    }
}
