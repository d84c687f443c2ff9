import APICore
import APIMachinery
import APIServer
import APIServerHTTP
import APIServerStreams
import CRI
import Codec
import Foundation
import HTTPServer
import KubeletServer
import PKI
import Store
import StreamConnections
import Streams
import Synchronization

/// Everything between a client and a runtime, on loopback: API server (plain HTTP) → kubelet (TLS) → fake runtime.
struct Cluster: Sendable {
    let runtime: FakeRuntime
    let streaming: FakeStreamingServer
    let directory: TestDirectory
    let apiPort: Int
    let kubeletPort: Int
    let client: InProcessTransport
    let tls: BackendTLS

    /// A connection to the API server, and the answer's head.
    func open(_ method: String, _ target: String, _ fields: [(String, String)] = []) async throws -> BackendExchange {
        let connection: OutgoingConnection = try await StreamDialer().connect(host: "127.0.0.1", port: apiPort)
        let request = BackendRequest(
            method: method, target: target, host: "localhost",
            fields: fields.map { HTTP1ResponseHead.Field($0.0, $0.1) })
        return try await BackendExchange.open(request, on: connection)
    }

    func get(_ target: String) async throws -> (code: Int, body: String) {
        let exchange: BackendExchange = try await open("GET", target)
        return (exchange.head.status, String(decoding: await exchange.wholeBody(limit: 1 << 20), as: UTF8.self))
    }

    /// The kubelet itself.
    func kubelet(_ target: String, tls: BackendTLS? = nil, fields: [(String, String)] = []) async throws -> (
        code: Int, body: String
    ) {
        let context = try (tls ?? self.tls).context()
        let dialer = StreamDialer(security: .tls(context, serverName: nil))
        let connection: OutgoingConnection = try await dialer.connect(host: "127.0.0.1", port: kubeletPort)
        let request = BackendRequest(
            method: "GET", target: target, host: "node", fields: fields.map { HTTP1ResponseHead.Field($0.0, $0.1) })
        let exchange: BackendExchange = try await BackendExchange.open(request, on: connection)
        return (exchange.head.status, String(decoding: await exchange.wholeBody(limit: 1 << 20), as: UTF8.self))
    }

    func websocket(_ target: String, _ protocols: String) async throws -> BackendExchange {
        try await open(
            "GET", target,
            [
                ("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-protocol", protocols),
            ])
    }

    static let exec: String = "/api/v1/namespaces/default/pods/web/exec"
}

/// The kubelet's pods, set by the test.
final class TestDirectory: PodDirectory {
    let list: Mutex<[Pod]> = Mutex([])
    func pods() -> [Pod] { list.withLock { $0 } }
    func pod(namespace: String, name: String) -> Pod? {
        pods().first { $0.metadata.namespace == namespace && $0.metadata.name == name }
    }
}

/// Lets the API server in, and whoever has the token `good`, but that one only to `metrics`.
struct TestGate: KubeletGate {
    func user(token: String) async -> KubeletUser? { token == "good" ? KubeletUser(name: "good") : nil }
    func allows(_ access: KubeletAccess) async -> Bool {
        access.node == "node" && (access.user.name == "apiserver" || access.subresource == "metrics")
    }
}

struct TestPodKind: ResourceStrategy {
    let info = ResourceInfo(
        Pod.gvk, resource: "pods", namespaced: true,
        subresources: ["log", "exec", "attach", "portforward"].map {
            ResourceInfo.Subresource($0, gvk: Pod.gvk, verbs: ["get", "create"])
        })
    typealias Object = Pod
}

struct TestNodeKind: ResourceStrategy {
    let info = ResourceInfo(Node.gvk, resource: "nodes", namespaced: false)
    typealias Object = Node
}

private struct Everyone: Authenticator {
    func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        .authenticated(UserInfo(name: "root", groups: ["system:masters"]))
    }
}

func makePod(_ name: String, node: String = "node", containers: [String] = ["c"]) -> Pod {
    Pod.with { pod in
        pod.metadata.name = name
        pod.metadata.namespace = "default"
        pod.metadata.uid = "u1"
        pod.spec.nodeName = node
        pod.spec.containers = containers.map { name in APICore.Container.with { $0.name = name } }
        pod.status.phase = "Running"
        pod.status.containerStatuses = containers.map { name in
            APICore.ContainerStatus.with {
                $0.name = name
                $0.containerID = "fake://id-\(name)"
                $0.state.running = ContainerStateRunning()
            }
        }
    }
}

/// - Parameter real: a runtime in the place of the fake one.
func withCluster(
    real: (any RuntimeService)? = nil, _ body: @escaping @Sendable (Cluster) async throws -> Void
) async throws {
    let now: Int = Int(Date().timeIntervalSince1970)
    let authority: CertificateAuthority = try .create(commonName: "test-ca", at: now)
    let server: CertifiedKey = try authority.issue(
        .server("node", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
    let pair: CertifiedKey = try authority.issue(.client(user: "apiserver", groups: ["system:masters"]), at: now)
    let tls = BackendTLS(
        authorities: authority.certificatePEM, certificateChain: pair.certificate, privateKey: pair.key)
    let identity = TLSIdentityBox(
        TLSIdentity(
            certificateChain: server.certificate, privateKey: server.key, clientAuthorities: authority.certificatePEM))
    let runtime = FakeRuntime()
    let streaming = FakeStreamingServer()
    let pods = TestDirectory()
    let kubelet = KubeletHandler(
        KubeletHandler.Configuration(nodeName: "node", directory: pods, runtime: real ?? runtime, gate: TestGate()))
    let path: String = try makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: path + "/store"))
    let registry = ResourceRegistry([TestPodKind(), TestNodeKind()])
    let core = APIServerCore(APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer()))
    try await core.start()
    var configuration = APIHTTPHandler.Configuration(authenticator: Everyone())
    configuration.connectHandlers = PodStreamHandler.all(
        connector: KubeletConnector(timeout: .seconds(5), tls: { tls }))
    let api = APIHTTPHandler(core: core, configuration: configuration)
    let result: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        let result: Result<Void, any Error>
        do {
            try await withServer(streaming) { streamingPort in
                runtime.set { $0.streamingPort = streamingPort }
                try await withServer(tls: identity, kubelet) { kubeletPort in
                    try await withServer(api) { apiPort in
                        let cluster = Cluster(
                            runtime: runtime, streaming: streaming, directory: pods, apiPort: apiPort,
                            kubeletPort: kubeletPort,
                            client: InProcessTransport(core: core, user: .apiServer), tls: tls)
                        try await cluster.fill()
                        try await bounded(real == nil ? .seconds(100) : .seconds(240)) { try await body(cluster) }
                    }
                }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        group.cancelAll()
        return result
    }
    await store.close()
    try result.get()
}

extension Cluster {
    fileprivate func fill() async throws {
        try await create(node("node", kubeletPort), "nodes", "")
        // Port 1 of loopback: nobody listens.
        try await create(node("down", 1), "nodes", "")
        for pod in [
            makePod("web"), makePod("two", containers: ["c", "d"]), makePod("nowhere", node: ""),
            makePod("lost", node: "down"), makePod("stray"),
        ] { try await create(pod, "pods", "default") }
        directory.list.withLock { $0 = [makePod("web"), makePod("two", containers: ["c", "d"])] }
    }

    private func node(_ name: String, _ port: Int) -> Node {
        Node.with { node in
            node.metadata.name = name
            node.status.addresses = [
                NodeAddress.with {
                    $0.type = "InternalIP"
                    $0.address = "127.0.0.1"
                }
            ]
            node.status.daemonEndpoints.kubeletEndpoint.Port = port
        }
    }

    private func create(_ object: some APIObject, _ resource: String, _ namespace: String) async throws {
        let gvr = GroupVersionResource(group: "", version: "v1", resource: resource)
        _ = try await client.perform(APIRequest(.create, gvr, namespace: namespace, body: object.jsonBytes))
    }
}
