/// The formats of names. Each rule gives the messages that upstream gives; none if the value is good.
package enum NameRules {
    /// RFC 1123: lower case letters, digits and `-`, at most 63 bytes.
    package static func dns1123Label(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 63 { messages.append(tooLong(63)) }
        if !Shape.dns1123Label(value.utf8) {
            if Shape.dns1123Subdomain(value.utf8) {
                messages.append("must not contain dots")
            } else {
                let text: String =
                    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
                    + "and must start and end with an alphanumeric character"
                messages.append(form(text, Pattern.dns1123Label, ["my-name", "123-abc"]))
            }
        }
        return messages
    }

    /// Labels of RFC 1123 with dots between them, at most 253 bytes.
    package static func dns1123Subdomain(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 253 { messages.append(tooLong(253)) }
        if !Shape.dns1123Subdomain(value.utf8) {
            let text: String =
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
                + "and must start and end with an alphanumeric character"
            messages.append(form(text, Pattern.dns1123Subdomain, ["example.com"]))
        }
        return messages
    }

    /// A subdomain of which the labels may begin with, and contain, `_`; for search domains.
    package static func dns1123SubdomainWithUnderscore(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 253 { messages.append(tooLong(253)) }
        if !Shape.dottedLabels(value.utf8, underscores: true) {
            let text: String =
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
                + "and must start and end with an alphanumeric character"
            messages.append(form(text, Pattern.dns1123SubdomainWithUnderscore, ["example.com"]))
        }
        return messages
    }

    /// `*.` and a subdomain.
    package static func wildcardDNS1123Subdomain(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 253 { messages.append(tooLong(253)) }
        if !value.hasPrefix("*.") || !Shape.dns1123Subdomain(value.utf8.dropFirst(2)) {
            let text: String =
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
                + "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
            messages.append(form(text, "\\*\\." + Pattern.dns1123Subdomain, ["*.example.com"]))
        }
        return messages
    }

    /// RFC 1035: like an RFC 1123 label, but beginning with a letter.
    package static func dns1035Label(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 63 { messages.append(tooLong(63)) }
        let startsWithLetter: Bool = value.utf8.first.map { Shape.isLower($0) } ?? false
        if !startsWithLetter || !Shape.dns1123Label(value.utf8) {
            let text: String =
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                + "start with an alphabetic character, and end with an alphanumeric character"
            messages.append(form(text, Pattern.dns1035Label, ["my-name", "abc-123"]))
        }
        return messages
    }

    /// A label key, annotation key (in lower case), finalizer or condition type: `[prefix/]name`.
    package static func qualifiedName(_ value: String) -> [String] {
        var messages: [String] = []
        let parts: [Substring] = value.split(separator: "/", omittingEmptySubsequences: false)
        let rule: String =
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
            + "an alphanumeric character"
        let examples: [String] = ["MyName", "my.name", "123-abc"]
        if parts.count > 2 {
            return [
                "a valid label key " + form(rule, Pattern.qualifiedName, examples)
                    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        if parts.count == 2 {
            if parts[0].isEmpty {
                messages.append("prefix part must be non-empty")
            } else {
                messages += dns1123Subdomain(String(parts[0])).map { "prefix part " + $0 }
            }
        }
        let name: Substring = parts[parts.count - 1]
        if name.isEmpty {
            messages.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            messages.append("name part " + tooLong(63))
        }
        if !Shape.qualified(name.utf8) {
            messages.append("name part " + form(rule, Pattern.qualifiedName, examples))
        }
        return messages
    }

    /// Empty, or letters, digits, `-`, `_`, `.` with a letter or digit at both ends; at most 63 bytes.
    package static func labelValue(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 63 { messages.append(tooLong(63)) }
        if !value.isEmpty, !Shape.qualified(value.utf8) {
            let text: String =
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
                + "and must start and end with an alphanumeric character"
            messages.append(form(text, "(" + Pattern.qualifiedName + ")?", ["MyValue", "my_value", "12345"]))
        }
        return messages
    }

    /// A name that is safe as one segment of a URL path.
    package static func pathSegment(_ value: String) -> [String] {
        if value == "." { return ["may not be '.'"] }
        if value == ".." { return ["may not be '..'"] }
        var messages: [String] = []
        for illegal in ["/", "%"] where value.contains(illegal) {
            messages.append("may not contain '\(illegal)'")
        }
        return messages
    }
}

// MARK: - Wording

extension NameRules {
    enum Pattern {
        static let dns1123Label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
        static let dns1123Subdomain = dns1123Label + "(\\." + dns1123Label + ")*"
        static let underscoreLabel = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
        static let dns1123SubdomainWithUnderscore = underscoreLabel + "(\\." + underscoreLabel + ")*"
        static let dns1035Label = "[a-z]([-a-z0-9]*[a-z0-9])?"
        static let qualifiedName = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
    }

    package static func tooLong(_ limit: Int) -> String { "must be no more than \(limit) characters" }

    package static func outOfRange(_ range: ClosedRange<Int>) -> String {
        "must be between \(range.lowerBound) and \(range.upperBound), inclusive"
    }

    /// `text (e.g. 'a', or 'b', regex used for validation is 'pattern')`.
    static func form(_ text: String, _ pattern: String, _ examples: [String]) -> String {
        if examples.isEmpty { return "\(text) (regex used for validation is '\(pattern)')" }
        let shown: String = examples.map { "'\($0)', " }.joined(separator: " or ")
        return "\(text) (e.g. \(shown)regex used for validation is '\(pattern)')"
    }

    /// Hand-made matchers for the patterns above.
    enum Shape {
        static func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A }
        static func isUpper(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5A }
        static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        static func isLowerOrDigit(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
        static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerOrDigit(byte) || isUpper(byte) }

        static func dns1123Label(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
            guard let first = bytes.first, let last = bytes.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
                return false
            }
            return bytes.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
        }

        static func dns1123Subdomain(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
            dottedLabels(bytes, underscores: false)
        }

        /// One pass: a label begins after a dot, and ends before one.
        static func dottedLabels(_ bytes: some BidirectionalCollection<UInt8>, underscores: Bool) -> Bool {
            let dot: UInt8 = UInt8(ascii: ".")
            let underscore: UInt8 = UInt8(ascii: "_")
            var previous: UInt8 = dot
            var isLeadingUnderscore: Bool = false
            for byte in bytes {
                if isLowerOrDigit(byte) {
                    isLeadingUnderscore = false
                } else if byte == dot {
                    guard isLowerOrDigit(previous) else { return false }
                } else if byte == UInt8(ascii: "-") {
                    guard previous != dot, !isLeadingUnderscore else { return false }
                } else if underscores, byte == underscore {
                    guard !isLeadingUnderscore else { return false }
                    isLeadingUnderscore = previous == dot
                } else {
                    return false
                }
                previous = byte
            }
            return isLowerOrDigit(previous)
        }

        /// Letters, digits, `-`, `_`, `.` with a letter or digit at both ends.
        static func qualified(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
            guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
                return false
            }
            return bytes.allSatisfy { byte in
                isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: ".")
            }
        }
    }
}
