// What comes next, for types that have more than one form. Consumes nothing but white space.

extension JSONReader {
    package mutating func nextIsString() -> Bool { next() == UInt8(ascii: "\"") }
    package mutating func nextIsObject() -> Bool { next() == UInt8(ascii: "{") }
    package mutating func nextIsArray() -> Bool { next() == UInt8(ascii: "[") }
}
