import API
import APIMachinery
import APIServer
import Client
import Flow
import HTTPServer
import Netfilter
import NetfilterKernel
import NodeSetup
import ServiceProxy
import Synchronization

/// The node's service proxy, with what it serves: health at 10256, metrics at 10249 (both upstream's), and a
/// health-check port for each service that wants one.
struct NodeProxy: Sendable {
    private let cluster: ClusterConfiguration
    private let transport: InProcessTransport
    private let recorder: FlowRecorder
    private let log: Log

    init(_ configuration: ClusterConfiguration, server: ControlPlane, recorder: FlowRecorder, log: Log) {
        cluster = configuration
        transport = server.transport(APIServer.UserInfo(name: "system:kube-proxy", groups: ["system:authenticated"]))
        self.recorder = recorder
        self.log = log.with([("component", ServiceProxyService.component)])
    }

    /// Runs until the task is cancelled. Without netfilter it says so, and the node goes on without services.
    func run() async {
        do throws(NetlinkSocket.Error) {
            await run(try NodePackets())
        } catch {
            log.error("services are not served", [("error", error.description)])
            await Gate().wait()
        }
    }

    private func run(_ packets: NodePackets) async {
        var settings = InformerSettings()
        settings.log = log
        let informers = InformerSet(over: transport, settings: settings)
        let loops = EventLoops(count: 1)
        let checks = HealthCheckPorts(host: cluster.network.everyAddress, loops: loops, log: log)
        var configuration = ServiceProxyService.Configuration()
        configuration.log = log
        configuration.recorder = recorder
        let events = EventRecorder(
            EventSourceName("kube-proxy", host: cluster.nodeName), client: APIClient(transport), log: log)
        configuration.events = events
        configuration.healthChecks = { checks.set($0) }
        let proxy = ServiceProxyService(
            node: facts, informers: informers, rules: packets, configuration: configuration)
        await withDiscardingTaskGroup { group in
            group.addTask { await informers.run() }
            group.addTask { await proxy.run() }
            group.addTask { await events.run() }
            group.addTask { await checks.run() }
            group.addTask {
                await serve(
                    host: cluster.network.everyAddress, port: ClusterConfiguration.proxyHealthPort, loops,
                    Self.health(proxy.metrics))
            }
            group.addTask {
                await serve(
                    host: "127.0.0.1", port: ClusterConfiguration.proxyMetricsPort, loops, Self.metrics(proxy.metrics))
            }
        }
    }

    private var facts: NodeFacts {
        var node = NodeFacts(name: cluster.nodeName)
        node.addresses = cluster.addresses.compactMap { InternetAddress($0) }
        node.ownPorts = Set(cluster.ownPorts.compactMap { UInt16(exactly: $0) }.map { NodeFacts.OwnPort(.tcp, $0) })
        node.ownPorts.insert(NodeFacts.OwnPort(.udp, UInt16(ClusterConfiguration.dnsNodePort)))
        node.podRanges = cluster.network.podRanges.compactMap { IPPrefix($0) }
        node.bridgeFilters = NodePackets.seesBridges
        node.families = Files.exists("/proc/net/if_inet6") ? [.ip4, .ip6] : [.ip4]
        return node
    }

    /// Somebody else may have the port: that costs its answers, not the services.
    private func serve(host: String, port: Int, _ loops: EventLoops, _ handler: HTTPClosureHandler) async {
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(host: host, port: port), loops: loops, handler: handler)
        do throws(HTTPServerError) {
            try await server.run()
        } catch {
            log.warning("does not answer on its port", [("error", error.description)])
        }
    }

    private static func health(_ metrics: ProxyMetrics) -> HTTPClosureHandler {
        HTTPClosureHandler { request, responder in
            let health = ProxyHealth(
                lastSync: metrics.lastSync, lastQueued: metrics.lastQueued, now: FlowRecorder.systemTime())
            guard request.target == "/healthz" || request.target == "/livez" else {
                return responder.respond(status: 404)
            }
            let code: Int = health.isHealthy ? 200 : 503
            metrics.answered(request.target, code: code)
            responder.respond(
                status: code, fields: ["content-type": "application/json", "x-content-type-options": "nosniff"],
                body: Array(health.body.utf8))
        }
    }

    private static func metrics(_ metrics: ProxyMetrics) -> HTTPClosureHandler {
        HTTPClosureHandler { request, responder in
            switch request.target {
            case "/metrics":
                responder.respond(
                    status: 200, fields: ["content-type": "text/plain; version=0.0.4; charset=utf-8"],
                    body: Array(metrics.text.utf8))
            case "/proxyMode":
                responder.respond(status: 200, fields: ["content-type": "text/plain"], body: Array("nftables".utf8))
            default:
                responder.respond(status: 404)
            }
        }
    }
}

/// Answers load balancers that ask whether this node has endpoints of a service: a port for each service with external
/// traffic policy Local.
final class HealthCheckPorts: Sendable {
    private struct State {
        var wanted: [UInt16: HealthCheck] = [:]
        var servers: [UInt16: HTTPServer] = [:]
    }

    private let state: Mutex<State> = Mutex(State())
    private let changed = Signal()
    private let host: String
    private let loops: EventLoops
    private let log: Log

    init(host: String, loops: EventLoops, log: Log) {
        self.host = host
        self.loops = loops
        self.log = log
    }

    func set(_ wanted: [UInt16: HealthCheck]) {
        state.withLock { $0.wanted = wanted }
        changed.raise()
    }

    /// Runs until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let (gone, new): ([HTTPServer], [UInt16]) = state.withLock { state in
                    let gone = state.servers.filter { state.wanted[$0.key] == nil }
                    for port in gone.keys { state.servers[port] = nil }
                    return (Array(gone.values), state.wanted.keys.filter { state.servers[$0] == nil }.sorted())
                }
                for server in gone { await server.shutdown(within: .zero) }
                for port in new {
                    let server: HTTPServer = makeServer(port)
                    state.withLock { $0.servers[port] = server }
                    group.addTask { await self.serve(server, port) }
                }
                await changed.wait()
            }
            group.cancelAll()
        }
    }

    private func serve(_ server: HTTPServer, _ port: UInt16) async {
        do throws(HTTPServerError) {
            try await server.run()
        } catch {
            log.warning("failed to serve a health-check port", [("port", String(port)), ("error", error.description)])
        }
    }

    private func makeServer(_ port: UInt16) -> HTTPServer {
        let handler = HTTPClosureHandler { [weak self] _, responder in
            guard let check = self?.state.withLock({ $0.wanted[port] }) else { return responder.respond(status: 503) }
            responder.respond(
                status: check.localEndpoints > 0 ? 200 : 503,
                fields: [
                    "content-type": "application/json", "x-content-type-options": "nosniff",
                    "x-load-balancing-endpoint-weight": String(check.localEndpoints),
                ], body: Array(check.body.utf8))
        }
        return HTTPServer(
            configuration: HTTPServerConfiguration(host: host, port: Int(port)), loops: loops, handler: handler)
    }
}
