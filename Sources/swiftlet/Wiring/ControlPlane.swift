import API
import APIMachinery
import APIServer
import APIServerHTTP
import Client
import Controllers
import Flow
import HTTPServer
import PKI
import Scheduler
import Store

/// API server, controller manager and scheduler.
final class ControlPlane: Sendable {
    private let core: APIServerCore
    private let handler: APIHTTPHandler
    private let http: HTTPServer
    private let configuration: ClusterConfiguration
    private let recorder: FlowRecorder
    private let log: Log
    /// What controllers may watch.
    private let served: Set<GroupVersionResource>
    /// PEM of the authority by which pods know the API server.
    private let rootCA: String

    init(
        _ configuration: ClusterConfiguration, pki: ClusterPKI, store: EmbeddedStore, recorder: FlowRecorder, log: Log
    ) throws {
        self.configuration = configuration
        self.recorder = recorder
        self.log = log
        let link = ServerLink()
        let allocator = ClusterServiceAllocator(link: link)
        let registry = ResourceRegistry(KindRegistrations.all(services: allocator))
        served = Set(registry.resources.map(\.info.gvr))
        rootCA = String(decoding: pki.authority.certificatePEM, as: UTF8.self)
        var parts = APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer())
        parts.admission = AdmissionPlugins.standard(link: link)
        parts.flow = recorder
        parts.nonResources = [FlowHandler(recorder)]
        core = APIServerCore(parts)
        link.connect(core)
        var settings = APIHTTPHandler.Configuration(authenticator: UnionAuthenticator([CertificateAuthenticator()]))
        settings.identify = Self.identify
        handler = APIHTTPHandler(core: core, configuration: settings)
        let pair: CertifiedKey = try pki.pair(.apiserver)
        let identity = TLSIdentity(
            certificateChain: pair.certificate, privateKey: pair.key,
            clientAuthorities: pki.authority.certificatePEM)
        http = HTTPServer(
            configuration: HTTPServerConfiguration(host: configuration.bindAddress, port: configuration.port),
            loops: EventLoops(), tls: TLSIdentityBox(identity), handler: handler)
    }

    private static func identify(_ certificate: [UInt8]) -> APIServer.PeerIdentity? {
        guard let peer = try? PKI.PeerIdentity(certificateDER: certificate) else { return nil }
        return APIServer.PeerIdentity(commonName: peer.commonName, organizations: peer.organizations)
    }

    /// Loads the state, makes what every cluster has, and listens. Returns the port.
    func start() async throws -> Int {
        try await core.start()
        return try await http.start()
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.core.run() }
            group.addTask { await self.handler.run() }
            group.addTask { await self.bootstrap() }
            group.addTask {
                do throws(HTTPServerError) {
                    try await self.http.run()
                } catch {
                    self.log.error("api server stopped", [("error", error.description)])
                }
            }
            await group.waitForAll()
        }
    }

    private func bootstrap() async {
        let client = APIClient(
            transport(APIServer.UserInfo(name: "system:apiserver", groups: [APIServer.UserInfo.mastersGroup])))
        await ClusterBootstrap(configuration, client: client, log: log).ensure()
    }

    /// Controller manager and scheduler.
    func runControllers() async {
        let manager = ControllerManager(
            ControllerContext(
                informers: InformerSet(over: transport(APIServer.UserInfo(name: "system:kube-controller-manager"))),
                transport: { self.transport(Self.controller($0)) }, log: log, recorder: recorder, rootCA: rootCA,
                served: served))
        let schedulerTransport: InProcessTransport = transport(APIServer.UserInfo(name: "system:kube-scheduler"))
        let informers = InformerSet(over: schedulerTransport)
        let client = APIClient(schedulerTransport, fieldManager: "kube-scheduler")
        var settings = SchedulerService.Configuration()
        settings.log = log.with([("component", "scheduler")])
        settings.recorder = recorder
        let events = EventRecorder(EventSourceName("default-scheduler"), client: client, log: log)
        settings.events = events
        let scheduler = SchedulerService(client: client, informers: informers, configuration: settings)
        await withDiscardingTaskGroup { group in
            group.addTask { await manager.run() }
            group.addTask { await informers.run() }
            group.addTask { await scheduler.run() }
            group.addTask { await events.run() }
        }
    }

    /// Upstream gives each controller a service account of its own.
    private static func controller(_ name: String) -> APIServer.UserInfo {
        APIServer.UserInfo(
            name: "system:serviceaccount:kube-system:\(name)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system"])
    }

    /// A way into the API server for a part of this process.
    func transport(_ user: APIServer.UserInfo) -> InProcessTransport {
        InProcessTransport(core: core, user: user)
    }
}
