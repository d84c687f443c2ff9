import API
import Codec
import Testing

/// Random objects of every kind survive JSON and protobuf, with every member.
struct RoundTripTests {
    @Test(arguments: 0..<APITypes.all.count)
    func `objects of every kind survive JSON and protobuf`(index: Int) throws {
        try roundTrip(APITypes.all[index], seed: UInt64(index))
    }

    @Test func `lists and kinds without metadata survive JSON and protobuf`() throws {
        for (index, type) in APITypes.lists.enumerated() { try roundTrip(type, seed: UInt64(index) &+ 1_000) }
        for (index, type) in APITypes.others.enumerated() { try roundTrip(type, seed: UInt64(index) &+ 2_000) }
    }

    private func roundTrip<T: APIKind>(_ type: T.Type, seed: UInt64) throws {
        for round in 0..<20 as Range<UInt64> {
            var random = RandomObject(seed: seed &* 31 &+ round)
            let input: JSONValue = random.object(T.schema)
            var problems: [FieldProblem] = []
            let object: T = try JSONReader.decode(
                T.self, from: input.jsonBytes, options: JSONReader.Options(strict: true), problems: &problems)
            #expect(problems.isEmpty, "seed \(seed), round \(round)")

            let json: [UInt8] = object.jsonBytes
            let output = try JSONValue(parsing: json)
            #expect(output["kind"] == .string(T.gvk.kind))
            #expect(output["apiVersion"] == .string(T.gvk.apiVersion))
            if let lost = Self.lost(input, output) {
                Issue.record("\(T.gvk): \(lost) is lost; seed \(seed), round \(round)")
            }
            #expect(try JSONReader.decode(T.self, from: json) == object)

            let wire: [UInt8] = ProtobufEnvelope.encode(object)
            let envelope = try ProtobufEnvelope(decoding: wire)
            #expect(envelope.gvk == T.gvk)
            #expect(envelope.encoded == wire)
            let decoded: T = try ProtobufReader.decode(T.self, from: envelope.raw)
            // FieldsV1 and Info have no protobuf form; the rest has.
            if T.schema.fields.allSatisfy({ !$0.number.isEmpty }) {
                #expect(decoded == object, "\(T.gvk), seed \(seed), round \(round)")
                #expect(decoded.jsonBytes == json)
                #expect(ProtobufWriter.encode(decoded) == envelope.raw)
            }
        }
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
