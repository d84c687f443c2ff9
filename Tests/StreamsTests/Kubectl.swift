import Foundation
import StreamConnections
import Synchronization
import Testing

enum StreamClient {
    static func connect(port: Int) async throws -> OutgoingConnection {
        try await StreamDialer().connect(host: "127.0.0.1", port: port)
    }
}

/// Runs `kubectl`, each time for at most 20 seconds.
enum Kubectl {
    private static let path: String = "/usr/bin/kubectl"
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) }

    struct Run: Sendable {
        var output: String
        var errors: String
        var code: Int32
    }

    private static func process(
        _ arguments: [String], _ cluster: Cluster, _ environment: [String: String]
    ) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments =
            ["--foreground", "20", path, "--server=http://127.0.0.1:\(cluster.apiPort)", "--namespace=default"]
            + arguments
        process.environment = environment.merging(
            ["HOME": NSTemporaryDirectory(), "KUBECONFIG": "/dev/null", "PATH": "/usr/bin:/bin"]
        ) { first, _ in first }
        return process
    }

    static func run(
        _ arguments: [String], _ cluster: Cluster, input: String = "", environment: [String: String] = [:],
        terminal: Bool = false
    ) async throws -> Run {
        let process: Process = process(arguments, cluster, environment)
        if terminal {
            // `script` gives the command a terminal of its own.
            let command: String = "stty rows 40 cols 100; " + quoted((process.arguments ?? []))
            process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
            process.arguments = ["-qec", "exec sh -c '\(command)'", "/dev/null"]
        }
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr
        try process.run()
        let writer: FileHandle = stdin.fileHandleForWriting
        async let written: String = onThread {
            try? writer.write(contentsOf: Data(input.utf8))
            if !terminal { try? writer.close() }
            return ""
        }
        async let output: String = readAll(stdout.fileHandleForReading)
        async let errors: String = readAll(stderr.fileHandleForReading)
        let (text, words): (String, String) = await (output, errors)
        _ = await written
        try? writer.close()
        process.waitUntilExit()
        return Run(output: text, errors: words, code: process.terminationStatus)
    }

    /// Forwards a port of our host's choice to port 80 of a pod, for the time of `body`.
    static func forward(
        _ pod: String, _ cluster: Cluster, _ environment: [String: String], _ body: (Int) async throws -> Void
    ) async throws {
        let process: Process = process(
            ["port-forward", "--address=127.0.0.1", pod, ":80"], cluster, environment)
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments?.removeFirst(3)
        let stdout = Pipe()
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Forwarding from 127.0.0.1:41234 -> 80
        let line: String = await readLine(stdout.fileHandleForReading)
        let port: Int? = line.split(separator: ":").last?.split(separator: " ").first.flatMap { Int($0) }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(#require(port, "\(line)")))
        } catch {
            result = .failure(error)
        }
        // The threads of the pool block gentler signals, and children inherit that.
        kill(process.processIdentifier, SIGKILL)
        // Its end of the pipe closes when it has ended.
        _ = await readAll(stdout.fileHandleForReading)
        try result.get()
    }

    private static func quoted(_ arguments: [String]) -> String {
        (["/usr/bin/timeout"] + arguments).map { "\"\($0)\"" }.joined(separator: " ")
    }

    private static func readAll(_ handle: FileHandle) async -> String {
        await onThread { String(decoding: handle.readDataToEndOfFile(), as: UTF8.self) }
    }

    private static func readLine(_ handle: FileHandle) async -> String {
        await onThread {
            var bytes: [UInt8] = []
            while let byte = try? handle.read(upToCount: 1)?.first, byte != 0x0A { bytes.append(byte) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func onThread(_ body: @escaping @Sendable () -> String) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
