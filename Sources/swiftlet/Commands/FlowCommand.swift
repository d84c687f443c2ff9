import API
import APIMachinery
import ArgumentParser
import Client
import ClientHTTP
import Codec
import Flow

struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "Show what happened to an object, step by step, who did it and because of what.",
        discussion: """
            swiftlet flow pod/NAME shows how a pod came to run, or what it waits for; swiftlet flow \
            deployment/NAME shows everything that came of a Deployment. Times are real; the newest steps of the cluster are remembered.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, mermaid
    }

    @OptionGroup var data: DataOptions

    @Argument(help: "The object: pod/NAME, deployment/NAME, replicaset/NAME, …") var object: String

    @Option(name: .shortAndLong, help: "The object's namespace.") var namespace: String = "default"

    @Option(name: .shortAndLong, help: "text, json or mermaid.") var output: Format = .text

    func run() async throws {
        let transport: HTTPTransport = try ClusterConnection.transport(data.kubeconfig)
        defer { transport.close() }
        let response: RawResponse = try await transport.send(RawRequest("GET", "/flow/steps"))
        // What a controller did is in the writes themselves; its own summary of them would say it twice.
        let steps: [Step] = try JSONReader.decode([Step].self, from: response.body).filter { $0.what != "reconciled" }
        let path: ObjectPath = try path()
        let graph: FlowGraph =
            path.resource == "pods"
            ? FlowGraph(of: path, in: steps)
            : FlowGraph(from: path, in: steps) { ["replicasets", "pods", "deployments"].contains($0.resource) }
        switch output {
        case .text:
            if path.resource == "pods" { try await printState(of: path, transport) }
            Output.write(FlowPicture(graph).text(), to: 1)
        case .mermaid: Output.write(FlowPicture(graph).mermaid, to: 1)
        case .json: printJSON(graph)
        }
    }

    private func path() throws -> ObjectPath {
        let parts: [Substring] = object.split(separator: "/")
        guard parts.count == 2 else {
            throw ValidationError("say what to show as KIND/NAME, for example pod/web-0, not \"\(object)\"")
        }
        let word: String = parts[0].lowercased()
        let short: [String: String] = [
            "po": "pods", "pod": "pods", "deploy": "deployments", "deployment": "deployments", "rs": "replicasets",
            "replicaset": "replicasets", "no": "nodes", "node": "nodes", "svc": "services", "service": "services",
        ]
        let resource: String = short[word] ?? (word.hasSuffix("s") ? word : word + "s")
        let isClusterWide: Bool = ["nodes", "namespaces"].contains(resource)
        return ObjectPath(resource, namespace: isClusterWide ? "" : namespace, name: String(parts[1]))
    }

    /// One line on how the pod is now; for one that does not run, what it waits for.
    private func printState(of path: ObjectPath, _ transport: HTTPTransport) async throws {
        let pod: Pod
        do throws(StatusError) {
            pod = try await APIClient(transport).get(Pod.self, ObjectKey(path.namespace, path.name))
        } catch {
            guard error.isNotFound else { throw error }
            Output.line("pod \(path.namespace)/\(path.name) is gone; what is remembered of it:\n")
            return
        }
        let isReady: Bool = pod.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
        Output.line("pod \(path.namespace)/\(path.name): \(pod.status.phase)\(isReady ? ", Ready" : "")")
        for reason in Self.obstacles(pod) { Output.line("  waits: \(reason)") }
        Output.line()
    }

    /// Why a pod does not run: what the scheduler and the kubelet have put into its status.
    static func obstacles(_ pod: Pod) -> [String] {
        var found: [String] = []
        for condition in pod.status.conditions where condition.type == "PodScheduled" && condition.status == "False" {
            found.append("for a node: \(condition.message)")
        }
        for status in pod.status.initContainerStatuses + pod.status.containerStatuses {
            guard let waiting = status.state.waiting, waiting.reason != "PodInitializing" else { continue }
            let message: String = waiting.message.isEmpty ? "" : ": \(waiting.message)"
            found.append("container \(status.name), \(waiting.reason)\(message)")
        }
        return found
    }

    private func printJSON(_ graph: FlowGraph) {
        var writer = JSONWriter(capacity: 16 * 1024)
        writer.beginArray()
        for (step, parents) in zip(graph.steps, graph.parents) {
            writer.element()
            writer.beginObject()
            writer.key("stage")
            writer.int(FlowStage(step).rawValue)
            writer.key("step")
            step.write(json: &writer)
            writer.key("causedBySteps")
            writer.beginArray()
            for parent in parents {
                writer.element()
                writer.int(Int(graph.steps[parent].id))
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        Output.write(writer.finish() + [0x0A], to: 1)
    }
}
