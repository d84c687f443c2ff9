import API
import APIMachinery
import ArgumentParser
import Client
import ClientHTTP
import NodeSetup

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Tell whether the cluster runs, and how it is.")

    @OptionGroup var data: DataOptions

    func run() async throws {
        let files = ClusterFiles(data.paths)
        guard let process = ProcessFile.owner(of: files.process) else {
            Output.line("stopped (no process runs the cluster in \(data.dataDirectory))")
            throw ExitCode(3)
        }
        Output.line("running  process \(process), data in \(data.dataDirectory), kubeconfig \(files.kubeconfig)")
        let transport: HTTPTransport = try ClusterConnection.transport(files.kubeconfig)
        defer { transport.close() }
        let client = APIClient(transport)
        do throws(StatusError) {
            for node in try await client.list(Node.self) {
                let ready: NodeCondition? = node.status.conditions.first { $0.type == "Ready" }
                let state: String = ready?.status == "True" ? "Ready" : "NotReady"
                let reason: String = state == "Ready" ? "" : "  \(ready?.message ?? "")"
                Output.line("node     \(node.metadata.name)  \(state)\(reason)")
            }
            let pods: [Pod] = try await client.list(Pod.self)
            let running: Int = pods.count { $0.status.phase == "Running" }
            Output.line("pods     \(running) of \(pods.count) running")
        } catch {
            Output.complaint("the API server does not answer: \(error.message)")
            throw ExitCode.failure
        }
    }
}
