/// The header fields of a request or a response, in order; names are lower case.
package struct HTTPFields: Sendable {
    package struct Field: Sendable, Equatable {
        /// Lower case, as HTTP/2 demands.
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field]

    package init() {
        fields = []
    }

    package init(_ pairs: [(String, String)]) {
        fields = []
        fields.reserveCapacity(pairs.count)
        for (name, value) in pairs {
            append(name, value)
        }
    }

    package var isEmpty: Bool { fields.isEmpty }
    package var count: Int { fields.count }

    package mutating func reserveCapacity(_ count: Int) {
        fields.reserveCapacity(count)
    }

    /// Adds a field after the ones there; `name` is made lower case.
    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: Self.lowercased(name), value: value))
    }

    /// Adds a field whose name is known to be lower case.
    mutating func append(lowercaseName name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces every field of that name.
    package mutating func set(_ name: String, _ value: String) {
        let lower: String = Self.lowercased(name)
        fields.removeAll { $0.name == lower }
        fields.append(Field(name: lower, value: value))
    }

    package mutating func remove(_ name: String) {
        let lower: String = Self.lowercased(name)
        fields.removeAll { $0.name == lower }
    }

    /// The first value of a field; `name` in lower case.
    package subscript(_ name: String) -> String? {
        for field in fields where field.name == name {
            return field.value
        }
        return nil
    }

    /// Every value of a field, in order; `name` in lower case.
    package func values(_ name: String) -> [String] {
        var result: [String] = []
        for field in fields where field.name == name {
            result.append(field.value)
        }
        return result
    }

    /// Whether a comma-separated list field (`connection`, `upgrade`, `accept-encoding`) has the token, without regard
    /// to case; parameters after `;` do not count.
    package func hasToken(_ token: String, in name: String) -> Bool {
        for field in fields where field.name == name {
            for part in field.value.utf8.split(separator: 0x2C) {
                let bare: Substring.UTF8View.SubSequence = part.prefix { $0 != 0x3B }
                if Self.equalIgnoringCase(Self.trimmed(bare), token.utf8) { return true }
            }
        }
        return false
    }

    private static func trimmed(_ part: Substring.UTF8View.SubSequence) -> Substring.UTF8View.SubSequence {
        var part: Substring.UTF8View.SubSequence = part
        while let first = part.first, first == 0x20 || first == 0x09 { part.removeFirst() }
        while let last = part.last, last == 0x20 || last == 0x09 { part.removeLast() }
        return part
    }

    static func equalIgnoringCase(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
        left.elementsEqual(right) { lower($0) == lower($1) }
    }

    static func lower(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    private static func lowercased(_ name: String) -> String {
        for byte in name.utf8 where byte >= 0x41 && byte <= 0x5A {
            return name.lowercased()
        }
        return name
    }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }
}
