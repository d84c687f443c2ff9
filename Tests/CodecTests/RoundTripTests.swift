import Codec
import Testing

@Suite struct RoundTripTests {
    @Test func `any value survives JSON and YAML`() throws {
        for seed: UInt64 in 0..<1_500 {
            var generator = SeededGenerator(seed: seed)
            let value = generator.value(depth: 4)
            let json = value.jsonBytes
            #expect(try JSONValue(parsing: json) == value, "JSON, seed \(seed)")
            #expect(try JSONValue(parsing: json).jsonBytes == json, "canonical JSON, seed \(seed)")
            let yaml = YAML.encode(value)
            do throws(YAMLError) {
                #expect(try YAML.decode(yaml) == [value], "YAML, seed \(seed)")
            } catch {
                Issue.record("YAML, seed \(seed): \(error.message)\n\(String(decoding: yaml, as: UTF8.self))")
            }
        }
    }

    @Test func `JSON is YAML`() throws {
        for seed: UInt64 in 0..<300 {
            var generator = SeededGenerator(seed: seed)
            let value = generator.value(depth: 3)
            // U+007F is no YAML, though JSON.
            if value.jsonBytes.contains(0x7f) { continue }
            #expect(try YAML.decode(value.jsonBytes) == [value], "seed \(seed)")
        }
    }

    /// Damages good documents: whatever comes out, no reader may trap or hang.
    @Test func `damaged input is refused or read, never fatal`() {
        let json = Array(
            #"{"metadata":{"name":"web-0","labels":{"a":"\u00e9\n","b":"é"}},"spec":[1,-2.5e3,true,null,{"x":[[]]}]}"#
                .utf8)
        let yaml = Array(
            """
            # comment
            metadata: &m {name: "web-0", 'x y': [1, .5]}
            spec:
            - !!str a: |2-
                text
            - <<: *m
              b: >+
               folded
               text

            ---
            - - "a\\u00e9\\
                b"
              - plain
                text # end
            ...
            """.utf8)
        var generator = SeededGenerator(seed: 20_260_101)
        let alphabet = Array("\"'\\{}[]:,-?&*!|>%@#~<\n\t 01eaul.+\u{e9}".utf8) + [0x00, 0x80, 0xff, 0xe2, 0xed]
        var read: Int = 0
        for round in 0..<6_000 {
            var bytes = round % 2 == 0 ? json : yaml
            for _ in 0...generator.below(4) {
                let at = generator.below(bytes.count)
                switch generator.below(4) {
                case 0: bytes[at] = generator.pick(alphabet)
                case 1: bytes.insert(generator.pick(alphabet), at: at)
                case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + generator.below(6)))
                default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 12)], at: generator.below(at + 1))
                }
                if bytes.isEmpty { break }
            }
            if (try? JSONValue(parsing: bytes)) != nil { read += 1 }
            if let documents = try? YAML.decode(bytes) {
                read += 1
                // What was read can be written and read again.
                for document in documents { #expect(throws: Never.self) { try YAML.decode(YAML.encode(document)) } }
            }
            var problems: [FieldProblem] = []
            _ = try? JSONReader.decode(
                Sample.self, from: bytes, options: .init(maxDepth: 20, strict: true), problems: &problems)
        }
        #expect(read > 100)
    }
}
