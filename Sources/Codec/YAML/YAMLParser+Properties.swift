extension YAMLParser {
    /// Consumes an anchor or a tag, if one stands here.
    mutating func property(into properties: inout Properties) throws(YAMLError) -> Bool {
        switch here {
        case UInt8(ascii: "&"):
            if properties.anchor != nil { throw error("a node has one anchor at most") }
            properties.anchor = try name()
        case UInt8(ascii: "!"):
            if properties.tag != nil { throw error("a node has one tag at most") }
            properties.tag = tag()
        default:
            return false
        }
        guard isBlankOrEnd(index) || ",]}".utf8.contains(here) else {
            throw error("expected a space, found \(found)")
        }
        return true
    }

    func merge(_ properties: Properties, into own: inout Properties) throws(YAMLError) {
        if (properties.anchor != nil && own.anchor != nil) || (properties.tag != nil && own.tag != nil) {
            throw error("a node has one anchor and one tag at most")
        }
        own.anchor = own.anchor ?? properties.anchor
        own.tag = own.tag ?? properties.tag
    }

    /// The name of an anchor or alias, behind its indicator.
    private mutating func name() throws(YAMLError) -> String {
        index += 1
        let start = index
        while !isBlankOrEnd(index), !",[]{}".utf8.contains(here) { index += 1 }
        if index == start { throw error("an anchor needs a name") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// `!!str`, `!local`, `!<tag:yaml.org,2002:str>`; the latter in short form.
    private mutating func tag() -> String {
        let start = index
        if byte(start + 1) == UInt8(ascii: "<") {
            while !isBlankOrEnd(index) { index += 1 }
        } else {
            while !isBlankOrEnd(index), !",[]{}".utf8.contains(here) { index += 1 }
        }
        let tag = String(decoding: bytes[start..<index], as: UTF8.self)
        let long: String = "!<tag:yaml.org,2002:"
        guard tag.hasPrefix(long), tag.hasSuffix(">") else { return tag }
        return "!!" + tag.dropFirst(long.count).dropLast()
    }

    /// The value an alias stands for; what it holds is counted again.
    mutating func alias() throws(YAMLError) -> JSONValue {
        let start = index
        let name = try name()
        guard let anchor = anchors[name] else { throw error("unknown anchor \"\(name)\"", at: start) }
        try charge(nodes: anchor.nodes, textBytes: anchor.textBytes)
        return anchor.value
    }

    /// Remembers a node under its anchor, with its size: what was counted since `nodesBefore` and `textBefore`.
    mutating func note(
        _ properties: Properties, _ value: JSONValue, _ nodesBefore: Int, _ textBefore: Int
    ) throws(YAMLError) -> JSONValue {
        switch (properties.tag, value) {
        case ("!!map", .object), ("!!seq", .array): break
        case ("!!map", _), ("!!seq", _): throw error("\(value.kindName) does not fit its tag")
        case (let tag?, .object), (let tag?, .array):
            if tag.hasPrefix("!!") { throw error("\(value.kindName) does not fit its tag") }
        default: break
        }
        if let anchor = properties.anchor {
            anchors[anchor] = Anchor(value: value, nodes: nodes - nodesBefore, textBytes: textBytes - textBefore)
        }
        return value
    }

    /// A scalar's value. The tag `!` stands for quotes, too: the text is a string.
    mutating func scalar(_ text: String, _ tag: String?) throws(YAMLError) -> JSONValue {
        try charge(nodes: 0, textBytes: text.utf8.count)
        if tag == "!" || tag == "!!str" { return .string(text) }
        if tag == "!!binary" {
            let clean = text.filter { !$0.isWhitespace }
            guard let bytes = Base64.decode(clean), let string = String(validating: bytes, as: UTF8.self) else {
                throw error("the value does not fit its tag !!binary")
            }
            return .string(string)
        }
        guard let value = YAMLScalar.resolve(text) else { throw error("\(text) has no JSON form") }
        switch (tag, value) {
        case ("!!float", .int(let number)): return .double(Double(number))
        case ("!!int", .int), ("!!float", .double), ("!!bool", .bool), ("!!null", .null): return value
        case ("!!int"?, _), ("!!float"?, _), ("!!bool"?, _), ("!!null"?, _), ("!!map"?, _), ("!!seq"?, _):
            throw error("\"\(text)\" does not fit its tag \(tag ?? "")")
        default: return value
        }
    }
}
