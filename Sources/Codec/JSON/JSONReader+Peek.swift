extension JSONReader {
    /// Whether the next value is a string; consumes nothing but white space. For types that are number or string.
    package mutating func nextIsString() -> Bool {
        next() == UInt8(ascii: "\"")
    }
}
