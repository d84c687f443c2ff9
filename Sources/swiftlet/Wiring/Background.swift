import API
import APIMachinery
import ArgumentParser
import Client
import ClientHTTP
import Glibc
import NodeSetup

/// Starts the cluster as a process of its own, and waits until it can be used.
struct Background {
    private let configuration: ClusterConfiguration
    private let timeoutSeconds: Int

    init(_ configuration: ClusterConfiguration, timeoutSeconds: Int) {
        self.configuration = configuration
        self.timeoutSeconds = timeoutSeconds
    }

    func start() async throws {
        let files: ClusterFiles = configuration.files
        if let owner = ProcessFile.owner(of: files.process) {
            Output.line("the cluster is running already (process \(owner))")
            return
        }
        // Before the log is in it: a directory with something in it would not count as ours.
        try DataDirectory.claim(configuration.paths)
        let process: Int32 = try spawn(log: files.log)
        let clock = SystemMonotonicClock()
        let deadline: Duration = clock.now + .seconds(timeoutSeconds)
        let start: Duration = clock.now
        Output.line("starting the cluster (process \(process), log \(files.log))")
        while clock.now < deadline {
            if kill(process, 0) != 0 || hasEnded(process) {
                Output.complaint("the cluster stopped while it was starting; the end of its log:")
                Output.complaint(Self.tail(files.log))
                throw ExitCode.failure
            }
            if await isReady() {
                report(took: clock.now - start)
                return
            }
            await clock.sleep(for: .milliseconds(50))
        }
        Output.complaint("the node was not Ready within \(timeoutSeconds) s; it goes on trying; see \(files.log)")
        throw ExitCode.failure
    }

    /// Runs this program again with the same words but `--detach`, in a session of its own.
    private func spawn(log: String) throws -> Int32 {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length: Int = readlink("/proc/self/exe", &path, path.count)
        guard length > 0 else {
            throw ValidationError("failed to find this program: \(String(cString: strerror(errno)))")
        }
        let program = String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let output: Int32 = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let input: Int32 = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard output >= 0, input >= 0 else {
            throw ValidationError("failed to open \(log): \(String(cString: strerror(errno)))")
        }
        defer {
            close(output)
            close(input)
        }
        let words: [String] = [program] + CommandLine.arguments.dropFirst().filter { $0 != "--detach" }
        return try Subprocess.detached(program, words, input: input, output: output)
    }

    private func hasEnded(_ process: Int32) -> Bool {
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) == process
    }

    private func isReady() async -> Bool {
        guard Files.exists(configuration.files.kubeconfig),
            let transport = try? ClusterConnection.transport(configuration.files.kubeconfig)
        else { return false }
        defer { transport.close() }
        do throws(StatusError) {
            guard configuration.hasNode else {
                _ = try await APIClient(transport).get(Namespace.self, ObjectKey("", "default"))
                return true
            }
            let node: Node = try await APIClient(transport).get(Node.self, ObjectKey("", configuration.nodeName))
            return node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
        } catch {
            return false
        }
    }

    private func report(took: Duration) {
        let (seconds, fraction) = took.components
        let milliseconds: Int64 = seconds * 1000 + fraction / 1_000_000_000_000_000
        let kubeconfig: String = configuration.files.kubeconfig
        Output.line("the cluster is ready after \(milliseconds) ms")
        Output.line()
        Output.line("  export KUBECONFIG=\(kubeconfig)")
        Output.line()
        Output.line("  kubectl get nodes")
        Output.line("  kubectl create deployment web --image=YOUR-IMAGE --replicas=3")
        Output.line("  swiftlet flow deployment/web      # what happened, step by step, and why")
    }

    private static func tail(_ path: String) -> String {
        guard let text = Files.text(path) else { return "" }
        return text.split(separator: "\n").suffix(15).joined(separator: "\n")
    }
}
