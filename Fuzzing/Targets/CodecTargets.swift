import API
import APIEvents
import Codec
import RandomObjects

extension FuzzTarget {
    static let json = FuzzTarget("json", seeds: jsonSeeds, words: jsonWords) { (bytes) throws(FuzzFinding) -> String in
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.decode(JSONValue.self, from: bytes)
        } catch {
            // Types refuse at least what no JSON is.
            let typed = try? JSONReader.decode(Pod.self, from: bytes)
            try require(typed == nil, "a pod was read out of what is no JSON: \(error)")
            return "refused \(skeleton(error.message))"
        }
        let written: [UInt8] = value.jsonBytes
        let again: JSONValue
        do throws(JSONError) {
            again = try JSONReader.decode(JSONValue.self, from: written)
        } catch {
            throw FuzzFinding("what was written cannot be read: \(error)")
        }
        // A whole number with an exponent comes back as an integer, so that the bytes are what stays.
        try require(again.jsonBytes == readBack(value).jsonBytes, "the bytes are others the second time")
        try require((try? JSONReader.decode(JSONValue.self, from: again.jsonBytes)) == again, "the value changes again")
        return "value \(value.kindName) \(magnitude(written.count)) \(magnitude(bytes.count))"
    }

    /// JSON read as one of some kinds; the first byte chooses.
    static let objects = FuzzTarget("objects", seeds: objectSeeds, words: jsonWords) {
        (bytes) throws(FuzzFinding) -> String in
        guard let first = bytes.first else { return "empty" }
        let body: [UInt8] = Array(bytes.dropFirst())
        let type: any APIObject.Type = kinds[Int(first) % kinds.count]
        return try object(type, json: body)
    }

    private static func object<T: APIObject>(_ type: T.Type, json: [UInt8]) throws(FuzzFinding) -> String {
        var problems: [FieldProblem] = []
        let object: T
        do throws(JSONError) {
            object = try JSONReader.decode(
                T.self, from: json, options: JSONReader.Options(strict: true), problems: &problems)
        } catch {
            try require((try? JSONReader.decode(T.self, from: json)) == nil, "only strict reading fails: \(error)")
            return "\(T.gvk.kind) refused \(skeleton(error.message))"
        }
        try require(problems.count <= 100, "\(problems.count) problems")
        try require((try? JSONReader.decode(T.self, from: json)) == object, "strict reading gives another object")
        try survives(object)
        return "\(T.gvk.kind) \(problems.count) \(magnitude(json.count))"
    }

    /// What was read once survives each encoding.
    private static func survives<T: APIObject>(_ object: T) throws(FuzzFinding) {
        let json: [UInt8] = object.jsonBytes
        do {
            try require(try JSONReader.decode(T.self, from: json) == object, "JSON makes another object of it")
            let wire: [UInt8] = ProtobufWriter.encode(object)
            let decoded: T = try ProtobufReader.decode(T.self, from: wire)
            try require(decoded == object, "protobuf makes another object of it")
            try require(ProtobufWriter.encode(decoded) == wire, "the message is another one the second time")
            try require(decoded.jsonBytes == json, "the JSON is another one after protobuf")
        } catch let finding as FuzzFinding {
            throw finding
        } catch {
            throw FuzzFinding("what was written cannot be read: \(error)")
        }
    }

    /// Messages read as one of some kinds; the first byte chooses.
    static let protobuf = FuzzTarget("protobuf", seeds: protobufSeeds, words: ["\u{0}", "\u{1}", "\n\u{2}"]) {
        (bytes) throws(FuzzFinding) -> String in
        guard let first = bytes.first else { return "empty" }
        let body: [UInt8] = Array(bytes.dropFirst())
        if ProtobufEnvelope.isEnvelope(body) { return try envelope(body) }
        let type: any APIObject.Type = kinds[Int(first) % kinds.count]
        return try message(type, body)
    }

    private static func message<T: APIObject>(_ type: T.Type, _ bytes: [UInt8]) throws(FuzzFinding) -> String {
        let object: T
        do throws(ProtobufError) {
            object = try ProtobufReader.decode(T.self, from: bytes)
        } catch {
            return "\(T.gvk.kind) refused \(skeleton(error))"
        }
        try survives(object)
        return "\(T.gvk.kind) \(magnitude(bytes.count))"
    }

    private static func envelope(_ bytes: [UInt8]) throws(FuzzFinding) -> String {
        guard let envelope = try? ProtobufEnvelope(decoding: bytes) else { return "no envelope" }
        let again = try? ProtobufEnvelope(decoding: envelope.encoded)
        try require(again == envelope, "the envelope is another one the second time")
        return "envelope \(magnitude(envelope.raw.count))"
    }

    static let yaml = FuzzTarget("yaml", seeds: yamlSeeds, words: yamlWords) { (bytes) throws(FuzzFinding) -> String in
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.decode(bytes)
        } catch {
            return "refused \(skeleton(error.reason))"
        }
        for document in documents.prefix(8) {
            let written: [UInt8] = YAML.encode(document)
            do throws(YAMLError) {
                let again: [JSONValue] = try YAML.decode(written)
                try check(again, document)
            } catch {
                throw FuzzFinding("what was written cannot be read: \(error): \(text(written))")
            }
        }
        return "\(min(documents.count, 3)) \(documents.first?.kindName ?? "") \(magnitude(bytes.count))"
    }

    private static func check(_ again: [JSONValue], _ document: JSONValue) throws(YAMLError) {
        let expected: JSONValue = readBack(document)
        // In JSON, as a whole number with an exponent comes back as an integer.
        if again.map({ $0.jsonBytes }) != [expected.jsonBytes] {
            let found: String = again.first?.description ?? "nothing"
            throw YAMLError(reason: "it is another value: \(found.prefix(200))", line: 0, column: 0)
        }
        if YAML.encode(again[0]) != YAML.encode(expected) {
            throw YAMLError(reason: "it is written otherwise", line: 0, column: 0)
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(300), as: UTF8.self) }

    // MARK: - Seeds

    static let kinds: [any APIObject.Type] = [
        Pod.self, Deployment.self, Service.self, ConfigMap.self, Node.self, APIEvents.Event.self, CronJob.self,
        EndpointSlice.self, Role.self, PersistentVolume.self, NetworkPolicy.self, ControllerRevision.self,
    ]

    private static let jsonSeeds: [[UInt8]] = {
        var seeds: [String] = [
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"a":"b"}},"spec":{"containers":["#
                + #"{"name":"c","image":"i","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1.5"}}}]}}"#,
            #"[1,-2.5e3,0.1,1e-7,9223372036854775807,-9223372036854775808,true,false,null,"","\u00e9\ud83d\ude00\n\\"]"#,
            #"{"a":{"b":[[],{},[{}]]},"<>&":"\u2028\u0000\u001f/\/"}"#, "[[[[[[[[[[]]]]]]]]]]", " \"x\" ", "1E400",
        ]
        seeds.append(String(repeating: "[", count: 2_000))
        return seeds.map { Array($0.utf8) }
    }()

    private static let jsonWords: [String] = [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "\\u0000", "null", "true", "false", "{\"a\":",
        "\"metadata\":", "\"spec\":", "\"status\":", "\"name\":\"", "1e9", "-0", "0.", "\u{feff}", "\u{2028}", "{}",
        "[]",
        "\"cpu\":\"1e\"", "\"2026-01-01T00:00:00Z\"", "\"creationTimestamp\":", "\"containers\":[{", "é", "😀", "\u{0}",
    ]

    private static let objectSeeds: [[UInt8]] = kinds.enumerated().flatMap { index, type in
        (0..<2 as Range<UInt64>).map { round in
            var random = RandomObject(seed: UInt64(index) &* 7 &+ round, budget: 60)
            return [UInt8(index)] + random.object(type.schema, depth: 1).jsonBytes
        }
    }

    private static let protobufSeeds: [[UInt8]] = kinds.enumerated().flatMap { index, type in
        (0..<2 as Range<UInt64>).flatMap { round in wire(type, index, seed: UInt64(index) &* 7 &+ round) }
    }

    private static func wire<T: APIObject>(_ type: T.Type, _ index: Int, seed: UInt64) -> [[UInt8]] {
        var random = RandomObject(seed: seed, budget: 60)
        guard let object = try? JSONReader.decode(T.self, from: random.object(T.schema, depth: 1).jsonBytes) else {
            preconditionFailure("a random \(T.gvk) cannot be read")
        }
        return [[UInt8(index)] + ProtobufWriter.encode(object), [UInt8(index)] + ProtobufEnvelope.encode(object)]
    }

    private static let yamlSeeds: [[UInt8]] = [
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n"
            + "    args: [a, 'b', \"c\"]\n",
        "a: |\n  text\n   more\n\n  end\nb: >-\n  folded\n  lines\n\n  para\nc: |2+\n    x\n\n",
        "&a {x: 1, y: [*b, ~]}\n", "base: &base\n  a: 1\nuse:\n  <<: *base\n  b: 2\n", "--- 1\n--- !!str 2\n...\n# c\n",
        "- - - a\n    - b\n  - c\n-\n- \"\\x41\\u00e9\\n\\\n   joined\"\n- 'it''s'\n- plain\n  text\n", "? a\n: b\n",
        "a: 0o17\nb: 0x1F\nc: 1_000\nd: .5\ne: 2026-01-02\nf: 12:30\ng: yes\nh: \"\"\n",
        "{a: {b: {c: [1, 2, {d: e}]}}}",
        "%YAML 1.2\n---\na: !!binary aGVsbG8=\n", "\u{feff}a: b\r\nc: d\r\n",
    ].map { Array($0.utf8) }

    private static let yamlWords: [String] = [
        "\n", "\n  ", "\n    ", "- ", ": ", "? ", "#", " #", "&a ", "*a", "!!str ", "!!int ", "!!float ", "!!null ",
        "|\n", ">\n", "|-\n",
        ">+\n", "|2\n", "'", "\"", "\\x", "\\u00", "\\\n", "{", "}", "[", "]", ",", "---\n", "...\n", "<<: *a", "<<: ",
        "%",
        "@", "`", "\t", "\r", "\u{feff}", "\u{85}", "\u{2028}", "~", "null", "true", "off", "0x", "0o", ".inf", ".nan",
        "1e3", "=",
        "&a [*a,*a]", "a: &b\n",
    ]
}

/// What comes back of a value that was written. -0 is written as Go writes it, and read as Go's generic objects read it:
/// as the integer 0.
private func readBack(_ value: JSONValue) -> JSONValue {
    switch value {
    case .double(let number) where number == 0: .int(0)
    case .array(let elements): .array(elements.map(readBack))
    case .object(let members): .object(JSONObject(members.map { (key: $0.key, value: readBack($0.value)) }))
    default: value
    }
}
