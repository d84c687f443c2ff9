import API
import Codec
import RandomObjects
import Testing

/// Random objects of every kind survive JSON, protobuf and YAML, one after the other, with every member. A failure names
/// the kind and the seed: `RandomObject(seed:)` makes that object again.
struct RoundTripTests {
    @Test(arguments: 0..<APITypes.all.count)
    func `objects of every kind survive JSON, protobuf and YAML`(index: Int) throws {
        try roundTrip(APITypes.all[index], seed: UInt64(index))
    }

    @Test func `lists and kinds without metadata survive JSON, protobuf and YAML`() throws {
        for (index, type) in APITypes.lists.enumerated() { try roundTrip(type, seed: UInt64(index) &+ 1_000) }
        for (index, type) in APITypes.others.enumerated() { try roundTrip(type, seed: UInt64(index) &+ 2_000) }
    }

    private func roundTrip<T: APIKind>(_ type: T.Type, seed: UInt64) throws {
        for round in 0..<10 as Range<UInt64> {
            let seed: UInt64 = seed &* 31 &+ round
            do {
                try roundTrip(type, exactSeed: seed)
            } catch {
                Issue.record("\(T.gvk), seed \(seed): \(error)")
            }
        }
    }

    private func roundTrip<T: APIKind>(_ type: T.Type, exactSeed seed: UInt64) throws {
        let what: Comment = "\(T.gvk), seed \(seed)"
        var random = RandomObject(seed: seed)
        let input: JSONValue = random.object(T.schema)
        var problems: [FieldProblem] = []
        let object: T = try JSONReader.decode(
            T.self, from: input.jsonBytes, options: JSONReader.Options(strict: true), problems: &problems)
        #expect(problems.isEmpty, what)

        let json: [UInt8] = object.jsonBytes
        let output = try JSONValue(parsing: json)
        #expect(output["kind"] == .string(T.gvk.kind), what)
        #expect(output["apiVersion"] == .string(T.gvk.apiVersion), what)
        if let lost = Self.lost(input, output) { Issue.record("\(T.gvk), seed \(seed): \(lost) is lost") }
        let fromJSON: T = try JSONReader.decode(T.self, from: json)
        #expect(fromJSON == object, what)

        let fromProtobuf: T = try throughProtobuf(fromJSON, what)
        let yaml: [UInt8] = YAML.encode(try JSONValue(parsing: fromProtobuf.jsonBytes))
        let documents: [JSONValue] = try YAML.decode(yaml)
        #expect(documents.count == 1, what)
        let fromYAML: T = try JSONReader.decode(T.self, from: try #require(documents.first).jsonBytes)
        #expect(fromYAML == object, what)
        #expect(fromYAML.jsonBytes == json, what)
    }

    private func throughProtobuf<T: APIKind>(_ object: T, _ what: Comment) throws -> T {
        let wire: [UInt8] = ProtobufEnvelope.encode(object)
        let envelope = try ProtobufEnvelope(decoding: wire)
        #expect(envelope.gvk == T.gvk, what)
        #expect(envelope.encoded == wire, what)
        let decoded: T = try ProtobufReader.decode(T.self, from: envelope.raw)
        // FieldsV1 and Info have no protobuf form; the rest has.
        guard T.schema.fields.allSatisfy({ !$0.number.isEmpty }) else { return object }
        #expect(decoded == object, what)
        #expect(ProtobufWriter.encode(decoded) == envelope.raw, what)
        return decoded
    }

    /// The path of a member of `input` that `output` does not have; nil if all is there.
    private static func lost(_ input: JSONValue, _ output: JSONValue) -> String? {
        switch (input, output) {
        case (.object(let left), .object(let right)):
            for (key, value) in left {
                guard let other = right[key] else { return key }
                if let rest = lost(value, other) { return key + "." + rest }
            }
            return nil
        case (.array(let left), .array(let right)) where left.count == right.count:
            for (index, value) in left.enumerated() {
                if let rest = lost(value, right[index]) { return "[\(index)]." + rest }
            }
            return nil
        default:
            return input == output ? nil : "\(input) became \(output)"
        }
    }

    @Test func `truncated and damaged messages are errors, never traps`() throws {
        var random = RandomObject(seed: 7)
        let pod: Pod = try JSONReader.decode(Pod.self, from: random.object(Pod.schema).jsonBytes)
        let wire: [UInt8] = ProtobufWriter.encode(pod)
        var failures: Int = 0
        for _ in 0..<4_000 {
            var damaged: [UInt8] = wire
            switch random.below(3) {
            case 0: damaged = Array(damaged[..<random.below(damaged.count)])
            case 1: damaged[random.below(damaged.count)] = UInt8(truncatingIfNeeded: random.next())
            default: damaged.remove(at: random.below(damaged.count))
            }
            if (try? ProtobufReader.decode(Pod.self, from: damaged)) == nil { failures += 1 }
        }
        #expect(failures > 1_000)
        #expect(throws: ProtobufError.self) { try ProtobufEnvelope(decoding: [0x6B, 0x38]) }
    }
}
