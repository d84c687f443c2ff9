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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (source, target, errors): (Pipe, Pipe, Pipe) = (Pipe(), Pipe(), Pipe())
        process.standardInput = source
        process.standardOutput = target
        process.standardError = errors
        try process.run()
        source.fileHandleForWriting.write(Data(input))
        try source.fileHandleForWriting.close()
        let output: Data = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: target.fileHandleForReading.readDataToEndOfFile())
            }
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
            throw Failure(text: "\(path) \(arguments.joined(separator: " ")): \(text)")
        }
        return Array(output)
    }
}
