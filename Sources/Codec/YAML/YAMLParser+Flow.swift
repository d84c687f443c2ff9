extension YAMLParser {
    /// `[…]` or `{…}`, of which the opening bracket stands here.
    mutating func flowCollection() throws(YAMLError) -> JSONValue {
        try enter()
        defer { leave() }
        return here == UInt8(ascii: "[") ? try flowSequence() : try flowMapping()
    }

    private mutating func flowSequence() throws(YAMLError) -> JSONValue {
        index += 1
        var elements: [JSONValue] = []
        while true {
            skipSpace()
            if here == UInt8(ascii: "]") { break }
            let (value, key) = try flowNode()
            skipSpace()
            if here == UInt8(ascii: ":"), let key {
                // One pair without braces: `[a: 1]`.
                var object = JSONObject()
                var merges: [JSONValue] = []
                try insert(flowValue(), key, into: &object, merges: &merges)
                try apply(merges, to: &object, at: key.offset)
                elements.append(.object(object))
            } else {
                elements.append(value)
            }
            guard try flowComma(UInt8(ascii: "]")) else { break }
        }
        index += 1
        return .array(elements)
    }

    private mutating func flowMapping() throws(YAMLError) -> JSONValue {
        let start = index
        index += 1
        var object = JSONObject()
        var merges: [JSONValue] = []
        while true {
            skipSpace()
            if here == UInt8(ascii: "}") { break }
            let offset = index
            let (_, key) = try flowNode()
            guard let key else { throw error("a collection cannot be a key", at: offset) }
            skipSpace()
            let value: JSONValue = here == UInt8(ascii: ":") ? try flowValue() : .null
            try insert(value, key, into: &object, merges: &merges)
            guard try flowComma(UInt8(ascii: "}")) else { break }
        }
        index += 1
        try apply(merges, to: &object, at: start)
        return .object(object)
    }

    /// What follows the `:` that stands here; nothing is null.
    private mutating func flowValue() throws(YAMLError) -> JSONValue {
        index += 1
        skipSpace()
        if here == UInt8(ascii: ",") || here == UInt8(ascii: "}") || here == UInt8(ascii: "]") { return .null }
        return try flowNode().value
    }

    /// Consumes a comma; false at the closing bracket, which stays.
    private mutating func flowComma(_ close: UInt8) throws(YAMLError) -> Bool {
        skipSpace()
        if here == close { return false }
        guard here == UInt8(ascii: ",") else {
            throw error("expected ',' or '\(Character(Unicode.Scalar(close)))', found \(found)")
        }
        index += 1
        return true
    }

    /// A node in a flow collection, and itself as a key, if it can be one.
    private mutating func flowNode() throws(YAMLError) -> (value: JSONValue, key: Key?) {
        let (nodesBefore, textBefore) = (nodes, textBytes)
        try charge(nodes: 1, textBytes: 0)
        var properties = Properties()
        while try property(into: &properties) { skipSpace() }
        if atEnd || atMarker { throw error("expected a value, found \(atEnd ? found : "the end of the document")") }
        let start = index
        var isMerge = false
        let value: JSONValue
        switch here {
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            return (try note(properties, flowCollection(), nodesBefore, textBefore), nil)
        case UInt8(ascii: "*"):
            if !properties.isEmpty { throw error("an alias has no properties") }
            value = try alias()
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            value = try scalar(try quoted(), properties.tag ?? "!")
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"):
            if properties.isEmpty, here != UInt8(ascii: ":") || isBlankOrEnd(index + 1) {
                throw error("expected a value, found \(found)")
            }
            fallthrough
        default:
            if isIndicator(UInt8(ascii: "?")) { throw error("explicit keys ('?') are not supported") }
            let text = properties.isEmpty || !",]}".utf8.contains(here) ? try flowPlain() : ""
            isMerge = text == "<<" && properties.tag == nil
            value = try scalar(text, properties.tag)
            if isMerge {
                return (value, Key(text: text, isMerge: true, offset: start))
            }
        }
        let noted = try note(properties, value, nodesBefore, textBefore)
        switch value {
        case .null, .array, .object: return (noted, nil)
        default: return (noted, Key(text: try keyText(value, at: start), isMerge: false, offset: start))
        }
    }

    /// A plain scalar, perhaps of several lines, up to a flow indicator.
    private mutating func flowPlain() throws(YAMLError) -> String {
        var text = try plainLine(inFlow: true)
        while here == 0x0a || here == UInt8(ascii: "#") {
            let mark = index
            var breaks: Int = 0
            while here == 0x0a || here == 0x20 || here == 0x09 {
                if here == 0x0a { breaks += 1 }
                index += 1
            }
            // A comment, an indicator or the end closes the scalar.
            let closes = atEnd || atMarker || "#,[]{}".utf8.contains(here)
            if closes || (here == UInt8(ascii: ":") && isFlowKeyEnd(index)) {
                index = mark
                break
            }
            text += breaks == 1 ? " " : String(repeating: "\n", count: breaks - 1)
            text += try plainRun(inFlow: true)
        }
        return text
    }
}
