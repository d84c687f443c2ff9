import API
import APIMachinery
import APIServer
import APIServerHTTP
import ArgumentParser
import Client
import Controllers
import Flow
import Glibc
import HTTPServer
import NodeSetup
import PKI
import Scheduler
import Store

/// A whole cluster in one process: builds the parts and runs them in one task group.
///
/// Parts meet only in the API: each has a transport of its own, with its own identity.
struct Cluster {
    private let configuration: ClusterConfiguration
    private let log: Log

    init(_ configuration: ClusterConfiguration) {
        self.configuration = configuration
        self.log = LineLog.make(verbose: configuration.isVerbose)
    }

    /// Runs until SIGINT or SIGTERM, or until a part cannot go on.
    func run() async throws {
        let files: ClusterFiles = configuration.files
        try DataDirectory.claim(configuration.paths)
        try Files.makeDirectory(configuration.paths.runDirectory, mode: 0o755)
        let claim = try ProcessFile(claiming: files.process)
        let certificates = try Certificates(configuration, log: log)
        let recorder = FlowRecorder()
        let store: EmbeddedStore = try await EmbeddedStore.open(.init(path: files.store))
        let server = try ControlPlane(
            configuration, certificates: certificates, store: store, recorder: recorder, log: log)
        let port: Int = try await server.start()
        try certificates.writeKubeconfig()
        log.info("api server is ready", [("address", configuration.bindAddress), ("port", String(port))])
        await runAll(server, store: store, certificates: certificates, recorder: recorder)
        await store.close()
        log.info("stopped")
        _ = consume claim
    }

    private func runAll(
        _ server: ControlPlane, store: EmbeddedStore, certificates: Certificates, recorder: FlowRecorder
    ) async {
        let log: Log = self.log
        let configuration: ClusterConfiguration = self.configuration
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await store.run() }
            group.addTask { await certificates.run() }
            group.addTask { await server.run() }
            group.addTask {
                // A signal ends these first, so that to their last moment they have a server that answers.
                await withTaskGroup(of: Void.self) { users in
                    users.addTask {
                        let number: Int32? = await Signals.wait()
                        if let number { log.info("stopping", [("signal", String(number))]) }
                    }
                    users.addTask {
                        await Self.runUsers(
                            of: server, configuration, certificates: certificates, recorder: recorder, log: log)
                    }
                    await users.next()
                    users.cancelAll()
                }
            }
            // The first to return decides: a signal, or a part that could not go on and has said why.
            await group.next()
            group.cancelAll()
            await group.waitForAll()
        }
    }

    /// Whatever uses the API server: what every cluster has, the controllers, the node.
    private static func runUsers(
        of server: ControlPlane, _ configuration: ClusterConfiguration, certificates: Certificates,
        recorder: FlowRecorder, log: Log
    ) async {
        await server.prepare()
        await withDiscardingTaskGroup { group in
            group.addTask { await server.runControllers() }
            if configuration.hasNode {
                group.addTask {
                    await NodeAgent(
                        configuration, server: server, certificates: certificates, recorder: recorder, log: log
                    ).run()
                }
            }
        }
    }
}
