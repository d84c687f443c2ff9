/// A parsed field selector, such as `metadata.name=web,status.phase!=Running`: all of its terms must hold.
///
/// In values, `\`, `,` and `=` are written behind a backslash.
package struct FieldQuery: Sendable, Equatable, CustomStringConvertible {
    package struct Term: Sendable, Equatable, CustomStringConvertible {
        package var field: String
        package var isNegated: Bool
        package var value: String

        package init(_ field: String, isNegated: Bool = false, _ value: String) {
            self.field = field
            self.isNegated = isNegated
            self.value = value
        }

        package var description: String { field + (isNegated ? "!=" : "=") + FieldQuery.escaped(value) }
    }

    /// A message in upstream's words.
    package struct ParseError: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    package private(set) var terms: [Term]

    package static let everything = FieldQuery([])

    package init(_ terms: [Term]) {
        self.terms = terms
    }

    package init(parsing text: String) throws(ParseError) {
        var terms: [Term] = []
        for part in FieldQuery.split(text).sorted() where !part.isEmpty {
            guard let (field, isNegated, value) = FieldQuery.term(part) else {
                throw ParseError("invalid selector: '\(text)'; can't understand '\(part)'")
            }
            terms.append(Term(field, isNegated: isNegated, try FieldQuery.unescaped(value)))
        }
        // By their own text, so that `==` and `=` make equal queries.
        self.terms = terms.sorted { $0.description < $1.description }
    }

    package var isEverything: Bool { terms.isEmpty }

    /// `value` gives the object's value of a field; the empty string if it has none.
    package func matches(_ value: (String) -> String) -> Bool {
        for term in terms where (value(term.field) == term.value) == term.isNegated { return false }
        return true
    }

    /// The only value that the field may have, if the query demands one.
    package func requiredValue(of field: String) -> String? {
        terms.first { $0.field == field && !$0.isNegated }?.value
    }

    /// The first field that is not among those given, which the kind does not support.
    package func firstUnknownField(_ isKnown: (String) -> Bool) -> String? {
        terms.first { !isKnown($0.field) }?.field
    }

    /// The query without the terms of one field, for what has been answered by a key.
    package func removing(field: String) -> FieldQuery {
        FieldQuery(terms.filter { $0.field != field })
    }

    /// The text that parses to an equal query.
    package var description: String { terms.map { $0.description }.joined(separator: ",") }

    // MARK: - Text

    package static func escaped(_ value: String) -> String {
        var out: String = ""
        // Not characters: a comma with an accent is one of its own, but its reader sees a comma.
        for scalar in value.unicodeScalars {
            if scalar == "\\" || scalar == "," || scalar == "=" { out.unicodeScalars.append("\\") }
            out.unicodeScalars.append(scalar)
        }
        return out
    }

    private static func unescaped(_ text: Substring) throws(ParseError) -> String {
        var out: String = ""
        var isEscaped: Bool = false
        for scalar in text.unicodeScalars {
            let isSpecial: Bool = scalar == "\\" || scalar == "," || scalar == "="
            if isEscaped {
                guard isSpecial else {
                    throw ParseError("invalid field selector: invalid escape sequence: \\\(scalar)")
                }
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
                continue
            } else if isSpecial {
                throw ParseError("invalid field selector: unescaped character in value: \(scalar.value)")
            }
            out.unicodeScalars.append(scalar)
        }
        if isEscaped { throw ParseError("invalid field selector: invalid escape sequence: \\") }
        return out
    }

    /// The parts between commas that are not escaped.
    private static func split(_ text: String) -> [String] {
        var parts: [String] = [""]
        var isEscaped: Bool = false
        for scalar in text.unicodeScalars {
            if scalar == ",", !isEscaped {
                parts.append("")
            } else {
                parts[parts.count - 1].unicodeScalars.append(scalar)
            }
            isEscaped = !isEscaped && scalar == "\\"
        }
        return parts
    }

    /// Splits at the first operator: `!=`, `==` or `=`.
    private static func term(_ part: String) -> (field: String, isNegated: Bool, value: Substring)? {
        let bytes: Substring.UTF8View = part[...].utf8
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        if equals > bytes.startIndex, bytes[bytes.index(before: equals)] == UInt8(ascii: "!") {
            let field: Substring = part[..<bytes.index(before: equals)]
            return (String(field), true, part[bytes.index(after: equals)...])
        }
        var start: String.Index = bytes.index(after: equals)
        if start < bytes.endIndex, bytes[start] == UInt8(ascii: "=") { start = bytes.index(after: start) }
        return (String(part[..<equals]), false, part[start...])
    }
}
