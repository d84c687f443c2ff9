extension JSONReader {
    /// Consumes the next value, whatever it is; its syntax is checked.
    package mutating func skip() throws(JSONError) {
        switch next() {
        case UInt8(ascii: "\""):
            try skipString()
        case UInt8(ascii: "{"):
            _ = try beginObject()
            while try skipKey() { try skip() }
        case UInt8(ascii: "["):
            _ = try beginArray()
            while try nextElement() { try skip() }
        case UInt8(ascii: "t"):
            try literal("true")
        case UInt8(ascii: "f"):
            try literal("false")
        case UInt8(ascii: "n"):
            try literal("null")
        default:
            _ = try number()
        }
    }

    /// Consumes the next value, and returns where its bytes are in the document.
    package mutating func rawRange() throws(JSONError) -> Range<Int> {
        _ = next()
        let start = index
        try skip()
        return start..<index
    }

    /// Consumes the next value, and returns a copy of its bytes.
    package mutating func rawValue() throws(JSONError) -> [UInt8] {
        let range = try rawRange()
        return Array(bytes(range))
    }
}
