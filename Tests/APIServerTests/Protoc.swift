import ChildProcesses
import Foundation

/// Google's protobuf compiler with upstream's messages: an implementation that shares nothing with ours.
struct Protoc {
    static let path: String = "/usr/bin/protoc"
    private static let tree: URL = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static var facts: String? {
        let places: [URL] = [tree.deletingLastPathComponent(), URL(fileURLWithPath: "/work")]
        return places.map { $0.appendingPathComponent("shared/facts/api-protobuf.yaml").path }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) && facts != nil }

    let directory: String

    /// Makes the definitions in a directory.
    init(in directory: String) async throws {
        self.directory = directory
        let script: String = Self.tree.appendingPathComponent("dev/protos").path
        _ = try await Self.run("/usr/bin/env", ["python3", script, Self.facts ?? "", directory], input: [])
    }

    /// Text in, bytes out.
    func encode(_ message: String, _ text: String) async throws -> [UInt8] {
        try await Self.run(Self.path, arguments("--encode", message), input: Array(text.utf8))
    }

    /// Bytes in, text out.
    func decode(_ message: String, _ bytes: [UInt8]) async throws -> String {
        String(decoding: try await Self.run(Self.path, arguments("--decode", message), input: bytes), as: UTF8.self)
    }

    private func arguments(_ action: String, _ message: String) -> [String] {
        let package: String = message.split(separator: ".").dropLast().joined(separator: ".")
        return ["-I\(directory)", "\(action)=\(message)", "\(package).proto"]
    }

    struct Failure: Error {
        var text: String
    }

    private static func run(_ path: String, _ arguments: [String], input: [UInt8]) async throws -> [UInt8] {
        let outcome: Outcome = try await Command(path, arguments).run(input: input)
        guard outcome.status == 0 else {
            throw Failure(text: "\(path) \(arguments.joined(separator: " ")): \(outcome.errorText)")
        }
        return outcome.output
    }
}
