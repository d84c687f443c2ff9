import API
import APIMachinery
import APIServer
import APIServerAudit
import APIServerHTTP
import APIServerOIDC
import APIServerStreams
import APIServerTokens
import APIServerUpkeep
import Client
import ClusterSigning
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
    /// PEM of the authority by which pods know the API server.
    private let rootCA: String
    private let signer: ClusterSigner
    private let access: ClusterAccess
    private let auditFile: AuditFile?
    private let issuerKeys: IssuerKeySource?
    private let flowControl = FlowControlBootstrap()
    private let services: APIServiceBootstrap
    private let board: ComponentBoard

    init(
        _ configuration: ClusterConfiguration, certificates: Certificates, store: EmbeddedStore, recorder: FlowRecorder,
        log: Log
    ) throws {
        self.configuration = configuration
        self.recorder = recorder
        self.log = log
        let pki: ClusterPKI = certificates.pki
        rootCA = String(decoding: pki.authority.certificatePEM, as: UTF8.self)
        signer = ClusterSigner(authority: { certificates.pki.authority })
        let link = ServerLink()
        let board = ComponentBoard(["controller-manager", "scheduler"])
        self.board = board
        let registry = ResourceRegistry(
            KindRegistrations.all(
                services: ClusterServiceAllocator(Self.ranges(configuration), link: link), certificates: X509Inspector()
            ),
            protection: try AccessSetup.protection(configuration.access))
        var settings = ClusterAccess.Configuration()
        settings.address = configuration.serverURL
        issuerKeys = try AccessSetup.authentication(configuration.access, &settings, log: log)
        access = ClusterAccess(
            settings, registry: registry, signer: ClusterTokenSigner(pki.serviceAccountKey),
            verifier: ClusterTokenVerifier([pki.serviceAccountKey.verifyingKey]), clock: SystemWallClock())
        var parts = APIServerCore.Parts(store: store, registry: registry, authorizer: access.authorizer)
        parts.admission = AdmissionPlugins.standard(
            link: link,
            certificates: (access.authorizer, { try? CertificateRequest(pem: $0).organizations }))
        parts.subresources = [EvictionHandler()]
        parts.virtualResources = [BindingResource(), ComponentStatusResource(board.components)]
        access.install(in: &parts)
        parts.flow = recorder
        let audit: (log: AuditLog, file: AuditFile)? = try AccessSetup.audit(configuration.access, log: log)
        parts.audit = audit?.log
        auditFile = audit?.file
        parts.nonResources += [
            FlowHandler(recorder), OpenAPIHandler(registry: registry, virtualResources: parts.virtualResources),
        ]
        services = APIServiceBootstrap(
            served: registry.resources.map { $0.info.gvr } + parts.virtualResources.map { $0.info.gvr })
        core = APIServerCore(parts)
        link.connect(core)
        var http = APIHTTPHandler.Configuration(authenticator: access.authenticator)
        http.anonymous = configuration.access.allowsAnonymous ? .everything : .nothing
        http.identify = { APIServer.PeerIdentity(certificateDER: $0) }
        http.connectHandlers = PodStreamHandler.all(
            connector: KubeletConnector(tls: { certificates.towardsKubelets }))
        handler = APIHTTPHandler(core: core, configuration: http)
        var sockets = HTTPServerConfiguration(host: configuration.bindAddress, port: configuration.port)
        sockets.verifyClient = { certificates.accepts(client: $0) }
        self.http = HTTPServer(
            configuration: sockets, loops: EventLoops(), tls: certificates.server, handler: handler)
    }

    /// Loads the state, makes what every cluster has, and listens. Returns the port.
    func start() async throws -> Int {
        try await core.start()
        let known: ServiceCIDR? = core.services.caches.get(
            ServiceCIDR.self, namespace: "", name: ClusterBootstrap.serviceRange)
        if let known { try configuration.network.checkServices(against: known.spec.cidrs) }
        return try await http.start()
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.core.run() }
            group.addTask { await self.handler.run() }
            if let issuerKeys { group.addTask { await issuerKeys.run() } }
            group.addTask {
                do throws(HTTPServerError) {
                    try await self.http.run()
                } catch {
                    self.log.error("api server stopped", [("error", error.description)])
                }
            }
            await group.waitForAll()
        }
        auditFile?.close()
    }

    /// Makes what every cluster has. Until it returns nobody but `system:masters` may do anything.
    func prepare() async {
        let transport: InProcessTransport = masters
        await bootstrap.ensure { () async throws(StatusError) in
            let written: Int = try await self.access.policy.ensure(over: transport)
            if written > 0 { self.log.info("wrote the default roles", [("objects", String(written))]) }
            try await self.flowControl.ensure(over: transport)
            try await self.services.ensure(over: transport)
        }
    }

    /// Marks the node as one of the control plane as soon as it has registered.
    func label(node: String) async {
        let client = APIClient(masters)
        let clock = SystemMonotonicClock()
        let patch: String = "{\"metadata\":{\"labels\":{\"node-role.kubernetes.io/control-plane\":\"\"}}}"
        while !Task.isCancelled {
            do throws(StatusError) {
                try await client.patch(Node.self, ObjectKey("", node), .merge, Array(patch.utf8))
                return
            } catch {
                if !error.isNotFound { log.warning("failed to label node", [("error", error.message)]) }
            }
            await clock.sleep(for: .milliseconds(100))
        }
    }

    private static func ranges(_ configuration: ClusterConfiguration) -> ClusterServiceAllocator.Configuration {
        var ranges = ClusterServiceAllocator.Configuration(ranges: configuration.network.services)
        ranges.reservedPorts = Set(configuration.ownPorts)
        return ranges
    }

    private var bootstrap: ClusterBootstrap {
        ClusterBootstrap(configuration, client: APIClient(masters), log: log)
    }

    private var flowControlKeeper: Keeper {
        let (flowControl, transport): (FlowControlBootstrap, InProcessTransport) = (flowControl, masters)
        let informers: [any AnyInformer] = [
            Informer(FlowSchema.self, over: transport), Informer(PriorityLevelConfiguration.self, over: transport),
        ]
        return Keeper(over: transport, watching: informers, pause: .seconds(1), log: log) {
            (transport: any Transport) async throws(StatusError) in try await flowControl.ensure(over: transport)
        }
    }

    /// Puts API services back at once, as upstream does.
    private var serviceKeeper: Keeper {
        let (services, transport): (APIServiceBootstrap, InProcessTransport) = (services, masters)
        return Keeper(over: transport, watching: [Informer(APIService.self, over: transport)], log: log) {
            (transport: any Transport) async throws(StatusError) in try await services.ensure(over: transport)
        }
    }

    private func informerSettings(_ component: String) -> InformerSettings {
        var settings = InformerSettings()
        settings.log = log.with([("component", component)])
        return settings
    }

    private var masters: InProcessTransport {
        transport(APIServer.UserInfo(name: "system:apiserver", groups: [APIServer.UserInfo.mastersGroup]))
    }

    /// Controller manager and scheduler.
    func runControllers() async {
        let manager = ControllerManager(
            ControllerContext(
                informers: InformerSet(
                    over: transport(APIServer.UserInfo(name: "system:kube-controller-manager")),
                    settings: informerSettings("controller-manager")),
                transport: { self.transport(Self.controller($0)) }, log: log, recorder: recorder, rootCA: rootCA,
                signer: signer,
                served: Set(core.registry.resources.map { $0.info.gvr }),
                ownPorts: Set(configuration.ownPorts.map { OwnPort("TCP", $0) }), batching: configuration.batching))
        let schedulerTransport: InProcessTransport = transport(APIServer.UserInfo(name: "system:kube-scheduler"))
        let informers = InformerSet(over: schedulerTransport, settings: informerSettings("scheduler"))
        let client = APIClient(schedulerTransport, fieldManager: "kube-scheduler")
        var settings = SchedulerService.Configuration()
        settings.log = log.with([("component", "scheduler")])
        settings.recorder = recorder
        let events = EventRecorder(EventSourceName("default-scheduler"), client: client, log: log)
        settings.events = events
        let scheduler = SchedulerService(client: client, informers: informers, configuration: settings)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.bootstrap.keep() }
            group.addTask { await self.flowControlKeeper.run() }
            group.addTask { await self.serviceKeeper.run() }
            group.addTask {
                await FlowControlConsumer(self.core.fairness, over: self.masters, log: self.log).run()
            }
            group.addTask { await self.board.run("controller-manager") { await manager.run() } }
            group.addTask { await informers.run() }
            group.addTask { await self.board.run("scheduler") { await scheduler.run() } }
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
        InProcessTransport(core: core, user: user, userAgent: Self.agent(user.name) + "/v1.34.0")
    }

    /// The program that a user stands for, as field ownership names it.
    private static func agent(_ user: String) -> String {
        if user.hasPrefix("system:node:") { return "kubelet" }
        if user.hasPrefix("system:serviceaccount:kube-system:") { return "kube-controller-manager" }
        return user.hasPrefix("system:")
            ? (user == "system:apiserver" ? "kube-apiserver" : String(user.dropFirst(7))) : user
    }
}
