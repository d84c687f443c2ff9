import APIServer
import Client
import ClusterDNS
import ClusterDNSServer
import Flow
import HTTPServer
import Kubelet
import NodeSetup

/// The node's own DNS server: the cluster's DNS address is this machine's, so no question for a name of the cluster leaves it.
struct NodeDNS: Sendable {
    private let server: ClusterDNSServer
    private let feed: ZoneFeed
    private let informers: InformerSet
    private let configuration: ClusterConfiguration
    private let log: Log

    /// Takes the address and the ports; nil if it cannot have them, which is logged.
    static func open(
        _ configuration: ClusterConfiguration, server: ControlPlane, recorder: FlowRecorder, log: Log
    ) async -> NodeDNS? {
        let log: Log = log.with([("component", "dns")])
        let paths: NodePaths = configuration.paths
        let added: Result<Void, ClusterAddress.Error> = await OwnedThread.run {
            Result { () throws(ClusterAddress.Error) in
                try ClusterAddress.install(configuration.network.dnsAddress, paths: paths)
            }
        }
        do {
            try added.get()
            return try NodeDNS(configuration, server, recorder, log)
        } catch {
            log.error(
                "pods resolve names as the node does: the cluster's dns server cannot run", [("error", "\(error)")])
            return nil
        }
    }

    private init(
        _ configuration: ClusterConfiguration, _ controlPlane: ControlPlane, _ recorder: FlowRecorder, _ log: Log
    ) throws(DNSServerError) {
        self.configuration = configuration
        self.log = log
        let server = try ClusterDNSServer(Self.settings(configuration, recorder, log))
        for problem in server.problems { log.warning("not reachable everywhere", [("error", problem.description)]) }
        let user = APIServer.UserInfo(
            name: "system:serviceaccount:kube-system:\(ClusterBootstrap.dnsAccount)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system"])
        var settings = InformerSettings()
        settings.log = log
        informers = InformerSet(over: controlPlane.transport(user), settings: settings)
        feed = ZoneFeed(informers) { server.post($0) }
        self.server = server
    }

    private static func settings(
        _ configuration: ClusterConfiguration, _ recorder: FlowRecorder, _ log: Log
    ) -> ClusterDNSServer.Configuration {
        guard let domain = DNSName(ClusterConfiguration.domain),
            let address = InternetAddress(configuration.network.dnsAddress)
        else { preconditionFailure("the cluster's domain and address are ours to choose") }
        var zone = ClusterZone.Configuration(domain: domain)
        zone.serverAddresses = [address]
        let network: ClusterNetwork = configuration.network
        zone.ownRanges = (network.serviceRanges + network.podRanges).compactMap { IPPrefix($0) }
        // The cluster's own address is of this machine alone. On the machine's others everybody could ask, and a
        // resolver that is open to the world serves attacks: only pods and the machine itself may.
        var listeners: [ClusterDNSServer.Listener] = [ClusterDNSServer.Listener(address)]
        let own: [InternetAddress] = configuration.addresses.compactMap { InternetAddress($0) }
        if let first = own.first {
            let clients: [String] =
                network.podRanges + ["127.0.0.0/8", "::1/128"]
                + (own + [address]).map { "\($0)/\($0.isIPv6 ? 128 : 32)" }
            listeners.append(
                ClusterDNSServer.Listener(
                    first, port: UInt16(ClusterConfiguration.dnsNodePort),
                    clients: clients.compactMap { IPPrefix($0) })
            )
        }
        var settings = ClusterDNSServer.Configuration(
            listeners: listeners, zone: zone, upstreams: .file(resolverFile))
        settings.log = log
        settings.updated = { updates in
            for update in updates { record(update, recorder) }
        }
        return settings
    }

    /// Where the servers for outside names stand, for pods as for the DNS server.
    static var resolverFile: String { Resolver.file { Files.text($0) } }

    /// The ninth step of a pod's way: it can be found.
    private static func record(_ update: ZoneUpdate, _ recorder: FlowRecorder) {
        let (namespace, name): (String, String) = (update.service.namespace, update.service.name)
        let what: String = "name resolvable \(name).\(namespace).svc.\(ClusterConfiguration.domain)"
        let causes: [Cause] = update.revisions.map { .revision($0) }
        if update.isNew {
            recorder.record(
                component: "dns", what: what, object: ObjectPath("services", namespace: namespace, name: name),
                causes: causes)
        }
        for pod in update.pods {
            recorder.record(
                component: "dns", what: what, object: ObjectPath("pods", namespace: namespace, name: pod),
                causes: causes)
        }
    }

    /// Serves until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await server.run() }
            group.addTask { await informers.run() }
            group.addTask { await feed.run() }
            let loops = EventLoops(count: 1)
            for address in [configuration.network.dnsAddress] + configuration.addresses.prefix(1) {
                group.addTask { await serveMetrics(address, loops) }
            }
            // The node does not end when one of them does.
            group.addTask { _ = await Gate().wait() }
        }
    }

    /// CoreDNS' metrics, where CoreDNS has them.
    private func serveMetrics(_ address: String, _ loops: EventLoops) async {
        let handler = HTTPClosureHandler { [server] request, responder in
            guard request.method == "GET", request.target == "/metrics" else {
                return responder.respond(status: 404, body: Array("not found\n".utf8))
            }
            server.report { counters in
                responder.respond(
                    status: 200, fields: ["content-type": "text/plain; version=0.0.4; charset=utf-8"],
                    body: Array(counters.text(server: ":53").utf8))
            }
        }
        let http = HTTPServer(
            configuration: HTTPServerConfiguration(host: address, port: ClusterConfiguration.dnsMetricsPort),
            loops: loops, handler: handler)
        do throws(HTTPServerError) {
            try await http.start()
            try await http.run()
        } catch {
            log.warning("no metrics", [("error", error.description)])
        }
    }
}
