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
        let pki: ClusterPKI = try keys()
        let recorder = FlowRecorder()
        let store: EmbeddedStore = try await EmbeddedStore.open(.init(path: files.store))
        let server = try ControlPlane(configuration, pki: pki, store: store, recorder: recorder, log: log)
        let port: Int = try await server.start()
        try writeKubeconfig(pki)
        log.info("api server is ready", [("address", configuration.bindAddress), ("port", String(port))])
        await runAll(server, store: store, pki: pki, recorder: recorder)
        await store.close()
        log.info("stopped")
        _ = consume claim
    }

    private func keys() throws -> ClusterPKI {
        let now: Int = Int(SystemWallClock().now.seconds)
        let (pki, changes) = try ClusterPKI.ensure(
            at: configuration.files.pki, nodeName: configuration.nodeName, hostnames: configuration.serverNames,
            ips: configuration.serverAddresses, now: now)
        for change in changes {
            switch change {
            case .created(let name): log.debug("made certificate", [("file", name)])
            case .renewed(let name): log.info("renewed certificate", [("file", name)])
            case .reissued(let name): log.info("made certificate anew for other names", [("file", name)])
            case .nearEnd(let name): log.warning("certificate is near its end", [("file", name)])
            }
        }
        return pki
    }

    private func writeKubeconfig(_ pki: ClusterPKI) throws {
        let bytes: [UInt8] = PKI.Kubeconfig.encode(
            server: configuration.serverURL, authority: pki.authority.certificatePEM, user: "admin",
            client: try pki.pair(.admin))
        try PKI.Kubeconfig.write(bytes, to: configuration.files.kubeconfig)
    }

    private func runAll(_ server: ControlPlane, store: EmbeddedStore, pki: ClusterPKI, recorder: FlowRecorder) async {
        let log: Log = self.log
        let configuration: ClusterConfiguration = self.configuration
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let number: Int32? = await Signals.wait()
                if let number { log.info("stopping", [("signal", String(number))]) }
            }
            group.addTask { await store.run() }
            group.addTask { await server.run() }
            group.addTask {
                await server.prepare()
                await withDiscardingTaskGroup { group in
                    group.addTask { await server.runControllers() }
                    if configuration.hasNode {
                        group.addTask {
                            await NodeAgent(configuration, server: server, recorder: recorder, log: log).run()
                        }
                    }
                }
            }
            // The first to return decides: a signal, or a part that could not go on and has said why.
            await group.next()
            group.cancelAll()
            await group.waitForAll()
        }
    }
}
