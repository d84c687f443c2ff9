import API
import Codec
import Glibc
import RandomObjects

/// Random objects for independent implementations to read, and what they made of them to be checked:
///
///     peer-samples write ROUNDS > ours.jsonl     one object per line, as JSON and as protobuf
///     peer-samples check < theirs.jsonl          each must be the object that its seed makes; exits with 1 if not
///
/// A line is `{"apiVersion":…,"kind":…,"seed":…,"json":{…},"protobuf":"base64"}`; `check` takes lines with only one of
/// the two forms.
@main
struct PeerSamples {
    static func main() {
        let arguments: [String] = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("write", 2):
            guard let rounds = UInt64(arguments[1]) else { usage() }
            for (index, type) in APITypes.all.enumerated() {
                for round in 0..<rounds { say(sample(type, seed: UInt64(index) &* 1_000 &+ round)) }
            }
        case ("check", 1):
            exit(check() ? 0 : 1)
        default:
            usage()
        }
    }

    private static func usage() -> Never {
        say("usage: peer-samples write ROUNDS | peer-samples check", to: STDERR_FILENO)
        exit(2)
    }

    private static func object<T: APIObject>(_ type: T.Type, seed: UInt64) throws(JSONError) -> T {
        var random = RandomObject(seed: seed)
        return try JSONReader.decode(T.self, from: random.object(T.schema).jsonBytes)
    }

    private static func sample<T: APIObject>(_ type: T.Type, seed: UInt64) -> String {
        do throws(JSONError) {
            let object: T = try object(type, seed: seed)
            let line: JSONValue = [
                "apiVersion": .string(T.gvk.apiVersion), "kind": .string(T.gvk.kind), "seed": .int(Int64(seed)),
                "json": try JSONReader.decode(JSONValue.self, from: object.jsonBytes),
                "protobuf": .string(Base64.encode(ProtobufEnvelope.encode(object))),
            ]
            return String(decoding: line.jsonBytes, as: UTF8.self)
        } catch {
            preconditionFailure("a random \(T.gvk) of seed \(seed) cannot be read: \(error)")
        }
    }

    /// Reads lines to the end of standard input; false if one is not what was given.
    private static func check() -> Bool {
        var isRight: Bool = true
        var count: Int = 0
        while let line = readLine(strippingNewline: true) {
            count += 1
            if let problem = problem(line) {
                say(problem, to: STDERR_FILENO)
                isRight = false
            }
        }
        say("checked \(count) objects")
        return isRight && count > 0
    }

    private static func problem(_ line: String) -> String? {
        guard let value = try? JSONValue(parsing: line), let apiVersion = value["apiVersion"]?.string,
            let kind = value["kind"]?.string, case .int(let seed)? = value["seed"],
            let type = APITypes.all.first(where: { $0.gvk.apiVersion == apiVersion && $0.gvk.kind == kind })
        else { return "a line is not a sample: \(line.prefix(100))" }
        return problem(type, UInt64(seed), value).map { "\(apiVersion) \(kind), seed \(seed): \($0)" }
    }

    private static func problem<T: APIObject>(_ type: T.Type, _ seed: UInt64, _ value: JSONValue) -> String? {
        do {
            let wanted: T = try object(type, seed: seed)
            if let json = value["json"] {
                let read: T = try JSONReader.decode(T.self, from: json.jsonBytes)
                if read != wanted { return "the JSON is another object" }
            }
            if let text = value["protobuf"]?.string {
                guard let wire = Base64.decode(text) else { return "the protobuf is not in base64" }
                let envelope = try ProtobufEnvelope(decoding: wire)
                let read: T = try ProtobufReader.decode(T.self, from: envelope.raw)
                if envelope.gvk != T.gvk || read != wanted { return "the protobuf is another object" }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        var rest: [UInt8] = Array((text + "\n").utf8)
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { exit(3) }
            rest.removeFirst(count)
        }
    }
}
