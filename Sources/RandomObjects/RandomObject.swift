package import APIMachinery
package import Codec

/// Makes JSON for a schema: every field may occur, and no value is empty, so that all of it must come back. The same
/// seed makes the same object, of some hundred values.
package struct RandomObject {
    private var state: UInt64
    /// How many values may still be made; when it is used up, nested objects stay empty and lists short.
    private var budget: Int

    package init(seed: UInt64, budget: Int = 1_500) {
        state = seed
        self.budget = budget
    }

    /// SplitMix64.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z: UInt64 = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    private static let texts: [String] = [
        "a", "web-0", "zażółć \"gęślą\" jaźń", "<&>\u{2028}", "line\nbreak\ttab", "kubernetes.io/arch", "😀", "x y",
    ]

    package mutating func text() -> String { Self.texts[below(Self.texts.count)] + String(below(1_000)) }

    package mutating func object(_ schema: Schema, depth: Int = 0) -> JSONValue {
        // An object is one of the forms of all of these.
        if schema.isFreeform { return ["type": .string(text())] }
        var result = JSONObject()
        for field in schema.fields where depth == 0 || (below(3 + depth) < 3 && budget > 0) {
            // A schema within a schema within a schema is enough of them.
            if depth > 4, field.type.schema === schema { continue }
            budget -= 1
            result[field.name] = value(field.type, isPointer: field.isPointer, depth: depth)
        }
        return .object(result)
    }

    private mutating func count() -> Int { budget > 0 ? below(3) : 0 }

    private mutating func value(_ type: SchemaType, isPointer: Bool, depth: Int) -> JSONValue {
        switch type {
        case .string: return .string(isPointer && below(4) == 0 ? "" : text())
        case .bool: return .bool(isPointer ? below(2) == 0 : true)
        case .int32: return .int(isPointer && below(4) == 0 ? 0 : Int64(Int32(truncatingIfNeeded: next()) | 1))
        case .int64: return .int(isPointer && below(4) == 0 ? 0 : Int64(truncatingIfNeeded: next()) | 1)
        case .double: return .double(Double(below(1_000_000)) / 8 + 0.0625)
        case .bytes: return .string(["AAEC", "/v8=", "aGVsbG8="][below(3)])
        case .quantity: return .string(["100m", "1Gi", "1536Mi", "2", "5e3"][below(5)])
        case .intOrString: return below(2) == 0 ? .int(Int64(below(65_535) + 1)) : .string("25%")
        case .time: return .string("2026-02-0\(below(9) + 1)T03:04:05Z")
        case .microTime: return .string("2026-02-0\(below(9) + 1)T03:04:05.12345\(below(10))Z")
        case .rawExtension, .fieldsV1: return .object(["f:metadata": ["f:labels": [:]], "n": .int(Int64(below(9)))])
        case .message(let reference): return object(reference.schema, depth: depth + 1)
        case .list(let element):
            return .array((0...count()).map { _ in value(element, isPointer: false, depth: depth + 1) })
        case .map(let element):
            var map = JSONObject()
            for _ in 0...count() { map[text()] = value(element, isPointer: false, depth: depth + 1) }
            return .object(map)
        }
    }
}
