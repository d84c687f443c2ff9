import ChildProcesses
import Foundation

/// A directory that is gone with its owner, and the tools of the system run in it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "swiftlet-pki-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    /// The bytes that one block of PEM text holds.
    static func der(_ pem: [UInt8]) throws -> [UInt8] {
        let lines: [Substring] = String(decoding: pem, as: UTF8.self).split(separator: "\n")
        let text: String = lines.filter { !$0.hasPrefix("-----") }.joined()
        guard let data = Data(base64Encoded: text) else { throw CocoaError(.coderInvalidValue) }
        return Array(data)
    }

    static let hasOpenSSL: Bool = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

    /// Exit status and output of `openssl`.
    func openssl(_ arguments: String...) async throws -> (status: Int32, output: String) {
        var command = Command("/usr/bin/timeout", ["10", "/usr/bin/openssl"] + arguments)
        command.directory = path
        let outcome: Outcome = try await command.run()
        return (outcome.status, outcome.text + outcome.errorText)
    }
}

/// Seconds since 1970; openssl checks times by the real clock.
let realNow: Int = Int(Date().timeIntervalSince1970)
