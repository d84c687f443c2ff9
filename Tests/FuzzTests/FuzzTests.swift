import API
import Codec
import Foundation
import FuzzTargets
import Testing

/// Every reader of bytes from outside: what once broke it, and some seconds of new inputs, always the same.
/// `swift run -c release fuzz all --seconds 60` looks for more.
struct FuzzTests {
    /// A debug build on a busy machine is slow; what is not linear takes minutes.
    private static let timeLimit: Duration = .seconds(30)

    private static let cases: URL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzzing/FailCases")

    private static func files(_ target: String) -> [URL] {
        let folder: URL = cases.appendingPathComponent(target)
        let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (files ?? []).sorted { $0.path < $1.path }
    }

    @Test(arguments: FuzzTargets.all.map { $0.name })
    func `a megabyte of inputs breaks nothing`(name: String) throws {
        let target: FuzzTarget = try #require(FuzzTargets.named(name))
        let more: [[UInt8]] = try Self.files(name).map { [UInt8](try Data(contentsOf: $0)) }
        var fuzzer = Fuzzer(target, seed: 2026, more: more)
        var report: Fuzzer.Report? = fuzzer.readSeeds(timeLimit: Self.timeLimit)
        var bytes: Int = 0
        while report == nil, fuzzer.executions < 3_000, bytes < 1 << 20 {
            report = fuzzer.step(timeLimit: Self.timeLimit) { bytes += $0.count }
        }
        if let report {
            let shown = String(decoding: report.input.prefix(400), as: UTF8.self)
            Issue.record("\(report.finding): \(shown.debugDescription)")
        }
        #expect(fuzzer.outcomeCount > 3, "the inputs reach more than the first check")
    }

    @Test func `each case that once failed belongs to a target`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.cases.path).filter { !$0.hasPrefix(".") }
        #expect(folders.filter { FuzzTargets.named($0) == nil && $0 != "README.md" } == [])
    }

    @Test func `the fuzzer finds what is wrong and makes it small`() throws {
        let target = FuzzTarget("wrong", seeds: [Array("harmless words".utf8)], words: ["bug"]) {
            (bytes) throws(FuzzFinding) -> String in
            if String(decoding: bytes, as: UTF8.self).contains("bug") { throw FuzzFinding("a bug") }
            return "fine"
        }
        var fuzzer = Fuzzer(target, seed: 1)
        var report: Fuzzer.Report?
        while report == nil, fuzzer.executions < 10_000 { report = fuzzer.step(timeLimit: .seconds(60)) }
        let found: Fuzzer.Report = try #require(report)
        #expect(fuzzer.shrunk(found, timeLimit: .seconds(60)).input == Array("bug".utf8))
    }
}

/// Small documents that would grow beyond all bounds.
struct BombTests {
    /// Nine levels of ten aliases: a thousand million strings.
    private static let laughs: String = {
        var text: String = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...9 {
            let aliases: String = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        return text
    }()

    @Test func `aliases that multiply are refused`() {
        let error = #expect(throws: YAMLError.self) { try YAML.decode(Self.laughs) }
        #expect(error?.reason.isEmpty == false)
        let merges: String =
            "a: &a {\((0..<200).map { "k\($0): v" }.joined(separator: ", "))}\n"
            + (0..<20_000).map { "b\($0): {<<: *a}\n" }.joined()
        #expect(throws: YAMLError.self) { try YAML.decode(merges) }
    }

    /// Each step over the whole list or object for each of its members would take minutes.
    @Test(.timeLimit(.minutes(1))) func `long lists and large objects are patched in a moment`() throws {
        let count: Int = 20_000
        let names: [String] = (0..<count).map { "N\($0)" }
        let env: [JSONValue] = names.map { ["name": .string($0), "value": "1"] }
        let document: JSONValue = ["spec": ["containers": [["name": "c", "env": .array(env)]]]]
        let changes: [JSONValue] = names.enumerated().map { index, name in
            index.isMultiple(of: 2)
                ? ["name": .string(name), "$patch": "delete"] : ["name": .string(name), "value": "2"]
        }
        let patch: JSONValue = ["spec": ["containers": [["name": "c", "env": .array(changes)]]]]
        let patched: JSONValue = try StrategicMergePatch.apply(patch, to: document, schema: Pod.schema)
        let left: [JSONValue] = patched["spec"]?["containers"]?[0]?["env"]?.array ?? []
        #expect(left.count == count / 2 && left.allSatisfy { $0["value"] == "2" })

        let full: JSONValue = .object(JSONObject(names.map { (key: $0, value: JSONValue.bool(true)) }))
        let nothing: JSONValue = .object(JSONObject(names.dropFirst().map { (key: $0, value: JSONValue.null) }))
        #expect(MergePatch.apply(nothing, to: full) == ["N0": true])
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "{\"a\":["])
    func `nesting without end is refused`(opening: String) {
        let text = String(repeating: opening, count: 60_000)
        #expect(throws: YAMLError.self) { try YAML.decode(text) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }
}
