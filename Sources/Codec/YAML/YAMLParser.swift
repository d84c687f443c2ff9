/// A recursive-descent parser over one YAML stream. The block structure is in this file; flow collections, scalars
/// and properties are in extensions.
///
/// `parent` is always the column of the collection a node belongs to (-1 at the root): content that begins at or
/// left of it belongs to someone else. The one exception is a sequence that is not indented below its key.
struct YAMLParser {
    /// An anchor or tag that stands before a node.
    struct Properties {
        var anchor: String?
        var tag: String?
        var isEmpty: Bool { anchor == nil && tag == nil }
    }

    struct Key {
        var text: String
        /// A plain `<<`.
        var isMerge: Bool
        var offset: Int
    }

    struct Anchor {
        var value: JSONValue
        var nodes: Int
        var textBytes: Int
    }

    let bytes: [UInt8]
    let limits: YAML.Limits
    var index: Int = 0
    var anchors: [String: Anchor] = [:]
    private(set) var nodes: Int = 0
    private(set) var textBytes: Int = 0
    private var depth: Int = 0

    init(_ input: [UInt8], limits: YAML.Limits) throws(YAMLError) {
        var bytes = input
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
        if bytes.contains(UInt8(ascii: "\r")) { bytes = YAMLParser.unifyLineBreaks(bytes) }
        self.bytes = bytes
        self.limits = limits
        let invalid = bytes.withUnsafeBytes { (buffer) -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            return UTF8Check.firstInvalid(base, 0..<buffer.count)
        }
        if let invalid { throw error("invalid UTF-8", at: invalid) }
        let control = bytes.firstIndex { $0 < 0x20 && $0 != 0x0a && $0 != 0x09 || $0 == 0x7f }
        if let control { throw error("control characters are not allowed", at: control) }
    }

    private static func unifyLineBreaks(_ bytes: [UInt8]) -> [UInt8] {
        var unified: [UInt8] = []
        unified.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            if byte != 0x0d {
                unified.append(byte)
            } else if index + 1 == bytes.count || bytes[index + 1] != 0x0a {
                unified.append(0x0a)
            }
        }
        return unified
    }
}

// MARK: - Documents

extension YAMLParser {
    mutating func documents() throws(YAMLError) -> [JSONValue] {
        var documents: [JSONValue] = []
        while true {
            skipSpace()
            if atEnd { return documents }
            try directives()
            var inline = false
            if isMarker("...") {
                index += 3
                try endOfLine()
                continue
            }
            if isMarker("---") {
                index += 3
                inline = !skipSpace()
            }
            if atEnd || atMarker { continue }
            anchors = [:]
            documents.append(try blockNode(parent: -1, compact: !inline, dashAtParent: false))
            skipSpace()
            if !atEnd, !atMarker { throw error("expected the end of the document, found \(found)") }
        }
    }

    /// `%YAML 1.2`, `%TAG …`: nothing here depends on them, but `---` must follow.
    private mutating func directives() throws(YAMLError) {
        guard column(of: index) == 0, here == UInt8(ascii: "%") else { return }
        while !atEnd, column(of: index) == 0, here == UInt8(ascii: "%") {
            skipLine()
            skipSpace()
        }
        if !isMarker("---") { throw error("expected '---' behind directives") }
    }
}

// MARK: - Block nodes

extension YAMLParser {
    /// Reads a node in block context, up to the end of its last line.
    /// - Parameters:
    ///   - compact: a block collection may begin on this line.
    ///   - dashAtParent: a sequence may begin at the parent's column.
    mutating func blockNode(parent: Int, compact: Bool, dashAtParent: Bool) throws(YAMLError) -> JSONValue {
        try enter()
        defer { leave() }
        let (nodesBefore, textBefore) = (nodes, textBytes)
        var compact = compact
        if skipSpace() { compact = true }
        var start = index
        // Properties on an earlier line are the node's; those on the line of a key are the key's.
        var own = Properties()
        var properties = Properties()
        while !isOutside(parent, dashAtParent), try property(into: &properties) {
            if skipSpace() {
                try merge(properties, into: &own)
                properties = Properties()
                (compact, start) = (true, index)
            }
        }
        try charge(nodes: 1, textBytes: 0)
        if isOutside(parent, dashAtParent) {
            try merge(properties, into: &own)
            return try note(own, plain(empty: own), nodesBefore, textBefore)
        }
        if isFirstOnLine(index) { try checkIndentation() }
        if isIndicator(UInt8(ascii: "-")) {
            guard compact, properties.isEmpty else { throw error("a block sequence is not allowed here") }
            return try note(own, blockSequence(column: column(of: index)), nodesBefore, textBefore)
        }
        if here == UInt8(ascii: "|") || here == UInt8(ascii: ">") {
            try merge(properties, into: &own)
            return try note(own, scalar(blockScalar(parent: parent), own.tag ?? "!"), nodesBefore, textBefore)
        }
        let keyOffset = index
        let (value, keyText) = try inlineNode(parent: parent, properties: properties, own: own)
        if isKeyEnd, let keyText {
            guard compact else { throw error("a mapping is not allowed here") }
            if let anchor = properties.anchor { anchors[anchor] = Anchor(value: value, nodes: 1, textBytes: 0) }
            let isMerge = keyText == "<<" && bytes[keyOffset] == UInt8(ascii: "<") && properties.tag == nil
            let key = Key(text: keyText, isMerge: isMerge, offset: keyOffset)
            return try note(own, blockMapping(column: column(of: start), first: key), nodesBefore, textBefore)
        }
        try endOfLine()
        try merge(properties, into: &own)
        return try note(own, value, nodesBefore, textBefore)
    }

    /// A flow collection, an alias, a quoted or a plain scalar. What may be a key comes with its text: it must be a
    /// scalar on one line.
    private mutating func inlineNode(
        parent: Int, properties: Properties, own: Properties
    ) throws(YAMLError) -> (JSONValue, key: String?) {
        switch here {
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            return (try flowCollection(), nil)
        case UInt8(ascii: "*"):
            if !properties.isEmpty || !own.isEmpty { throw error("an alias has no properties") }
            let start = index
            let value = try alias()
            skipBlanks()
            return (value, isKeyEnd ? try keyText(value, at: start) : nil)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            let start = index
            let text = try quoted()
            let isOneLine = !bytes[start..<index].contains(0x0a)
            skipBlanks()
            let tag = isKeyEnd ? properties.tag : properties.tag ?? own.tag
            return (try scalar(text, tag ?? "!"), isOneLine ? text : nil)
        default:
            if isIndicator(UInt8(ascii: "?")) { throw error("explicit keys ('?') are not supported") }
            let start = index
            try charge(nodes: 0, textBytes: 0)
            let line = try plainLine(inFlow: false)
            if isKeyEnd {
                let value = try scalar(line, properties.tag)
                return (value, line == "<<" ? line : try keyText(value, at: start))
            }
            let text = try plainRest(line, parent: parent)
            return (try scalar(text, properties.tag ?? own.tag), nil)
        }
    }

    /// From the `:` behind the first key on.
    private mutating func blockMapping(column: Int, first: Key) throws(YAMLError) -> JSONValue {
        var object = JSONObject()
        var merges: [JSONValue] = []
        var key = first
        while true {
            index += 1
            let value = try blockNode(parent: column, compact: false, dashAtParent: true)
            try insert(value, key, into: &object, merges: &merges)
            skipSpace()
            if isOutside(column - 1, false) { break }
            try checkIndentation()
            if self.column(of: index) > column { throw error("wrong indentation of a key") }
            key = try blockKey()
        }
        try apply(merges, to: &object, at: first.offset)
        return .object(object)
    }

    private mutating func blockKey() throws(YAMLError) -> Key {
        var properties = Properties()
        while try property(into: &properties) { skipBlanks() }
        let offset = index
        if isIndicator(UInt8(ascii: "-")) { throw error("expected a key, found '-'") }
        if here == UInt8(ascii: "|") || here == UInt8(ascii: ">") { throw error("expected a key, found \(found)") }
        let (value, text) = try inlineNode(parent: Int.max, properties: properties, own: Properties())
        guard isKeyEnd, let text else { throw error("expected ':' behind a key", at: min(index, bytes.count)) }
        if let anchor = properties.anchor { anchors[anchor] = Anchor(value: value, nodes: 1, textBytes: 0) }
        return Key(text: text, isMerge: text == "<<" && bytes[offset] == UInt8(ascii: "<"), offset: offset)
    }

    private mutating func blockSequence(column: Int) throws(YAMLError) -> JSONValue {
        var elements: [JSONValue] = []
        while true {
            index += 1
            elements.append(try blockNode(parent: column, compact: true, dashAtParent: false))
            skipSpace()
            if isOutside(column - 1, false) { break }
            try checkIndentation()
            if self.column(of: index) > column { throw error("wrong indentation of a sequence's element") }
            // A sequence that is not indented ends at its mapping's next key.
            if !isIndicator(UInt8(ascii: "-")) { break }
        }
        return .array(elements)
    }
}

// MARK: - Mappings

extension YAMLParser {
    mutating func insert(
        _ value: JSONValue, _ key: Key, into object: inout JSONObject, merges: inout [JSONValue]
    ) throws(YAMLError) {
        try charge(nodes: 0, textBytes: key.text.utf8.count)
        if key.isMerge {
            merges.append(value)
            return
        }
        if object.contains(key: key.text) { throw error("duplicate key \"\(key.text)\"", at: key.offset) }
        object.append(key.text, value)
    }

    /// Adds what `<<` brings: a mapping, or several, of which the first wins. The mapping's own members win over all.
    func apply(_ merges: [JSONValue], to object: inout JSONObject, at offset: Int) throws(YAMLError) {
        for merge in merges {
            for source in merge.array ?? [merge] {
                guard let source = source.object else { throw error("'<<' wants a mapping", at: offset) }
                for (key, value) in source where !object.contains(key: key) { object.append(key, value) }
            }
        }
    }

    /// Keys are strings; numbers and booleans become their JSON text, as upstream does.
    func keyText(_ value: JSONValue, at offset: Int) throws(YAMLError) -> String {
        switch value {
        case .string(let text): return text
        case .bool, .int, .double: return value.description
        case .null, .array, .object: throw error("\(value.kindName) cannot be a key", at: offset)
        }
    }
}

// MARK: - Bounds

extension YAMLParser {
    mutating func enter() throws(YAMLError) {
        depth += 1
        if depth > limits.depth { throw error("nested more than \(limits.depth) levels deep") }
    }

    mutating func leave() {
        depth -= 1
    }

    mutating func charge(nodes: Int, textBytes: Int) throws(YAMLError) {
        self.nodes += nodes
        self.textBytes += textBytes
        if self.nodes > limits.nodes || self.textBytes > limits.textBytes {
            throw error("the document grows too large when its aliases are expanded")
        }
    }
}

// MARK: - Places

extension YAMLParser {
    var atEnd: Bool { index >= bytes.count }

    /// The byte at the cursor; 0 at the end, which does not occur in the text.
    var here: UInt8 { index < bytes.count ? bytes[index] : 0 }

    func byte(_ at: Int) -> UInt8 { at < bytes.count ? bytes[at] : 0 }

    func isBlankOrEnd(_ at: Int) -> Bool {
        at >= bytes.count || bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0a
    }

    /// Whether the indicator stands here, with white space behind it.
    func isIndicator(_ indicator: UInt8) -> Bool {
        here == indicator && isBlankOrEnd(index + 1)
    }

    /// Whether a `:` that ends a key stands here.
    var isKeyEnd: Bool { isIndicator(UInt8(ascii: ":")) }

    /// Whether a `---` or `...` stands here.
    var atMarker: Bool { isMarker("---") || isMarker("...") }

    func isMarker(_ marker: StaticString) -> Bool {
        guard index + 3 <= bytes.count, index == 0 || bytes[index - 1] == 0x0a, isBlankOrEnd(index + 3) else {
            return false
        }
        return (0..<3).allSatisfy { bytes[index + $0] == marker.utf8Start[$0] }
    }

    func column(of offset: Int) -> Int {
        var start = min(offset, bytes.count)
        while start > 0, bytes[start - 1] != 0x0a { start -= 1 }
        return offset - start
    }

    func isFirstOnLine(_ offset: Int) -> Bool {
        var at = offset
        while at > 0, bytes[at - 1] == 0x20 || bytes[at - 1] == 0x09 { at -= 1 }
        return at == 0 || bytes[at - 1] == 0x0a
    }

    /// Whether what stands here no longer belongs to a node inside the collection at the column `parent`.
    func isOutside(_ parent: Int, _ dashAtParent: Bool) -> Bool {
        if atEnd || atMarker { return true }
        let column = column(of: index)
        if column > parent { return false }
        return !(dashAtParent && column == parent && isIndicator(UInt8(ascii: "-")))
    }

    /// Refuses tabs before the first token of a line.
    func checkIndentation() throws(YAMLError) {
        var at = index
        while at > 0, bytes[at - 1] != 0x0a {
            at -= 1
            if bytes[at] == 0x09 { throw error("tabs cannot indent", at: at) }
            if bytes[at] != 0x20 { return }
        }
    }

    func error(_ reason: String) -> YAMLError {
        error(reason, at: index)
    }

    func error(_ reason: String, at offset: Int) -> YAMLError {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == 0x0a } + 1
        let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        // Continuation bytes of UTF-8 are no characters.
        let column = before[start...].count { $0 & 0xc0 != 0x80 } + 1
        return YAMLError(reason: reason, line: line, column: column)
    }

    /// What stands at the cursor, in words.
    var found: String {
        if atEnd { return "the end of the input" }
        if here == 0x0a { return "the end of the line" }
        let text = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
        return text.first.map { "'\($0)'" } ?? "nothing"
    }
}

// MARK: - White space

extension YAMLParser {
    /// Skips spaces and tabs.
    mutating func skipBlanks() {
        while here == 0x20 || here == 0x09 { index += 1 }
    }

    mutating func skipLine() {
        while !atEnd, here != 0x0a { index += 1 }
    }

    /// Skips white space, line breaks and comments; true if a line ended.
    @discardableResult
    mutating func skipSpace() -> Bool {
        var crossed = false
        while !atEnd {
            switch here {
            case 0x20, 0x09:
                index += 1
            case 0x0a:
                crossed = true
                index += 1
            case UInt8(ascii: "#") where index == 0 || isBlankOrEnd(index - 1):
                skipLine()
            default:
                return crossed
            }
        }
        return crossed
    }

    /// Nothing but a comment may follow on this line.
    mutating func endOfLine() throws(YAMLError) {
        let start = index
        skipBlanks()
        if atEnd || here == 0x0a { return }
        if here == UInt8(ascii: "#"), index > start || isBlankOrEnd(index - 1) { return }
        if isKeyEnd { throw error("a mapping is not allowed here") }
        throw error("expected the end of the line, found \(found)")
    }
}
