import Codec
import Testing

@testable import APIMachinery

/// Texts from outside, broken in every way: nothing may trap, and what is accepted must be stable.
@Suite struct RobustnessTests {
    private static func texts(_ alphabet: String, seed: UInt64, count: Int = 20_000) -> some Sequence<String> {
        let characters: [Character] = Array(alphabet)
        var generator = SeededGenerator(seed: seed)
        return (0..<count).lazy.map { _ in
            let length: Int = Int.random(in: 0...24, using: &generator)
            return String((0..<length).map { _ in characters[Int.random(in: 0..<characters.count, using: &generator)] })
        }
    }

    @Test func `quantities`() throws {
        for text in Self.texts("0123456789999.+-eEmnukKMGTPi", seed: 1) {
            guard let quantity = try? Quantity(text) else { continue }
            #expect(try Quantity(quantity.description) == quantity, "\(text)")
            _ = quantity + quantity
            _ = quantity * Int.max
            _ = (quantity.value, quantity.milliValue, quantity.approximateDouble)
        }
    }

    @Test func `label and field queries`() throws {
        for text in Self.texts("ab/.-_=!<>(), innot", seed: 2) {
            if let query = try? LabelQuery(parsing: text) {
                #expect(try LabelQuery(parsing: query.description).description == query.description, "\(text)")
            }
        }
        for text in Self.texts("ab=!,\\.é", seed: 3) {
            if let query = try? FieldQuery(parsing: text) {
                // Terms are sorted as they are written, where `==` and `=` differ.
                let again: [String] = try FieldQuery(parsing: query.description).terms.map { $0.description }
                #expect(again.sorted() == query.terms.map { $0.description }.sorted(), "\(text)")
            }
        }
    }

    @Test func `times and addresses`() {
        for text in Self.texts("0123456789-:TZ.+", seed: 4) {
            if let time = MicroTime(text) { #expect(MicroTime(time.description) == time) }
        }
        for text in Self.texts("0123:.af/", seed: 5) {
            if let address = IPAddress(text) { #expect(IPAddress(address.description) == address, "\(text)") }
            if let net = CIDR(text) { #expect(CIDR(net.description)?.network == net.network, "\(text)") }
        }
    }

    @Test func `patches of random shape`() throws {
        var generator = SeededGenerator(seed: 6)
        let actions: [JSONPatch.Action] = [.add, .remove, .replace, .move, .copy, .test]
        let tokens: [String] = ["a", "b", "0", "1", "-", "-1", "x"]
        for _ in 0..<5_000 {
            let operations: [JSONPatch.Operation] = (0..<6).map { _ in
                let path: [String] = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    tokens[Int.random(in: 0..<tokens.count, using: &generator)]
                }
                let from: [String] = Array(path.dropLast()) + ["a"]
                return JSONPatch.Operation(
                    actions[Int.random(in: 0..<actions.count, using: &generator)], JSONPointer(tokens: path),
                    from: JSONPointer(tokens: from), value: ["a": [1, 2]])
            }
            let document: JSONValue = ["a": ["b": [1, ["a": 2]]], "b": [["a": nil], 3]]
            _ = try? JSONPatch(operations).apply(to: document)
        }
    }
}
