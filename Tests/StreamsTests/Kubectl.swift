import ChildProcesses
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

    private static func command(
        _ arguments: [String], _ cluster: Cluster, _ environment: [String: String]
    ) -> Command {
        var command = Command(
            "/usr/bin/timeout",
            ["--foreground", "100", path, "--server=http://127.0.0.1:\(cluster.apiPort)", "--namespace=default"]
                + arguments)
        command.environment = environment.merging(
            ["HOME": NSTemporaryDirectory(), "KUBECONFIG": "/dev/null", "PATH": "/usr/bin:/bin"]
        ) { first, _ in first }
        return command
    }

    static func run(
        _ arguments: [String], _ cluster: Cluster, input: String = "", environment: [String: String] = [:],
        terminal: Bool = false
    ) async throws -> Run {
        var command: Command = command(arguments, cluster, environment)
        if terminal {
            // `script` gives the command a terminal of its own.
            let line: String = "stty rows 40 cols 100; " + quoted(command.arguments)
            command.path = "/usr/bin/script"
            command.arguments = ["-qec", "exec sh -c '\(line)'", "/dev/null"]
        }
        let outcome: Outcome = try await command.run(input: Array(input.utf8), endsInput: !terminal)
        return Run(output: outcome.text, errors: outcome.errorText, code: outcome.status)
    }

    /// Forwards a port of our host's choice to port 80 of a pod, for the time of `body`.
    static func forward(
        _ pod: String, _ cluster: Cluster, _ environment: [String: String], _ body: (Int) async throws -> Void
    ) async throws {
        var command: Command = command(["port-forward", "--address=127.0.0.1", pod, ":80"], cluster, environment)
        command.path = path
        command.arguments.removeFirst(3)
        command.errors = .discarded
        let child: ChildProcess = try command.start()
        // Forwarding from 127.0.0.1:41234 -> 80
        let line: String = await child.readLine()
        let port: Int? = line.split(separator: ":").last?.split(separator: " ").first.flatMap { Int($0) }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(#require(port, "\(line)")))
        } catch {
            result = .failure(error)
        }
        child.signal(SIGKILL)
        await child.wait()
        try result.get()
    }

    private static func quoted(_ arguments: [String]) -> String {
        (["/usr/bin/timeout"] + arguments).map { "\"\($0)\"" }.joined(separator: " ")
    }
}
