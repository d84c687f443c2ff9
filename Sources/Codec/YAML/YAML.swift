/// YAML as Kubernetes' users write it: YAML 1.2 with the scalars of YAML 1.1 that upstream's reader knows
/// (`yes`, `off`, `0644`), of which every document is a JSON value. Keys are strings, explicit keys (`?`) and
/// values without a JSON form (`.inf`) are errors.
package enum YAML {
    /// What a document may grow to when its aliases are expanded.
    package struct Limits: Sendable {
        package var nodes: Int
        /// The text of all scalars and keys together.
        package var textBytes: Int
        package var depth: Int

        package init(nodes: Int = 1_000_000, textBytes: Int = 10_000_000, depth: Int = 300) {
            self.nodes = nodes
            self.textBytes = textBytes
            self.depth = depth
        }
    }

    /// Reads all documents of a stream; those without content (only comments) are left out.
    package static func decode(_ bytes: [UInt8], limits: Limits = Limits()) throws(YAMLError) -> [JSONValue] {
        var parser = try YAMLParser(bytes, limits: limits)
        return try parser.documents()
    }

    /// Reads all documents of a stream; those without content (only comments) are left out.
    package static func decode(_ text: String, limits: Limits = Limits()) throws(YAMLError) -> [JSONValue] {
        try decode(Array(text.utf8), limits: limits)
    }

    /// One document in block style, as `kubectl -o yaml` prints it: keys sorted, sequences not indented below
    /// their key, strings in quotes only where they must be, lines of text as literal blocks.
    package static func encode(_ value: JSONValue) -> [UInt8] {
        var writer = YAMLWriter()
        writer.document(value)
        return writer.bytes
    }
}

/// Why a document is not YAML, and where.
package struct YAMLError: Error, Equatable, CustomStringConvertible {
    package var reason: String
    /// From 1.
    package var line: Int
    /// In characters, from 1.
    package var column: Int

    package init(reason: String, line: Int, column: Int) {
        self.reason = reason
        self.line = line
        self.column = column
    }

    package var message: String { "line \(line), column \(column): \(reason)" }
    package var description: String { message }
}
