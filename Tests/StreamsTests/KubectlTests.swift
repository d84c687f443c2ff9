import Foundation
import StreamConnections
import Synchronization
import Testing

/// The real `kubectl`, in front of the API server of `withCluster`.
@Suite(.serialized, .enabled(if: Kubectl.isThere)) struct KubectlTests {
    @Test(arguments: ["true", "false"])
    func `kubectl exec carries input, output and its end`(overWebSocket: String) async throws {
        try await withCluster { cluster in
            let run: Kubectl.Run = try await Kubectl.run(
                ["exec", "-i", "web", "-c", "c", "--", "cat"], cluster, input: "hello\n",
                environment: ["KUBECTL_REMOTE_COMMAND_WEBSOCKETS": overWebSocket])
            #expect(run.output == "hello\n", "\(run.errors)")
            #expect(run.errors.contains("bye"))
            #expect(run.code == 0)
        }
    }

    @Test(arguments: ["true", "false"])
    func `kubectl shows why exec failed`(overWebSocket: String) async throws {
        try await withCluster { cluster in
            cluster.runtime.set { $0.isRunning = false }
            let run: Kubectl.Run = try await Kubectl.run(
                ["exec", "web", "--", "true"], cluster,
                environment: ["KUBECTL_REMOTE_COMMAND_WEBSOCKETS": overWebSocket])
            #expect(run.errors.contains("unable to upgrade connection: container not found (\"c\")"), "\(run.errors)")
            #expect(run.code == 1)
        }
    }

    @Test func `kubectl attach reaches the runtime`() async throws {
        try await withCluster { cluster in
            let run: Kubectl.Run = try await Kubectl.run(
                ["attach", "-i", "web", "-c", "c"], cluster, input: "hello\n")
            // Before it attaches, kubectl looks whether the container has an input.
            #expect(run.output == "hello\n" || run.errors.contains("Unable to use"), "\(run.errors)")
            #expect(cluster.runtime.state.withLock { $0.attaches.count } == 1)
        }
    }

    @Test func `kubectl logs shows and follows`() async throws {
        try await withLogFile { path in
            try write("2016-10-06T00:17:09.1Z stdout F one\n2016-10-06T00:17:09.2Z stderr F two\n", to: path)
            try await withCluster { cluster in
                cluster.runtime.set { $0.logPath = path }
                let tail: Kubectl.Run = try await Kubectl.run(["logs", "web", "--tail=1", "--timestamps"], cluster)
                #expect(tail.output == "2016-10-06T00:17:09.200000000Z two\n", "\(tail.errors)")
                cluster.runtime.set { $0.isRunning = false }
                let follow: Kubectl.Run = try await Kubectl.run(["logs", "-f", "web"], cluster)
                #expect(follow.output == "one\ntwo\n", "\(follow.errors)")
                let previous: Kubectl.Run = try await Kubectl.run(["logs", "-p", "web"], cluster)
                #expect(
                    previous.errors.contains(
                        "Error from server (BadRequest): previous terminated container \"c\" in pod \"web\" not found"),
                    "\(previous.errors)")
            }
        }
    }

    @Test(arguments: ["true", "false"])
    func `kubectl port-forward opens a way to the pod`(overWebSocket: String) async throws {
        try await withCluster { cluster in
            try await Kubectl.forward("web", cluster, ["KUBECTL_PORT_FORWARD_WEBSOCKETS": overWebSocket]) { port in
                let connection = try await StreamClient.connect(port: port)
                _ = await connection.write(Array("ping".utf8))
                #expect(await readText(connection, until: "80:ping") == "80:ping")
            }
        }
    }
}
