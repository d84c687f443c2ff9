import APICore
import APIMachinery
import APIServer
import APIServerHTTP
import Codec
import Foundation
import HTTPServer
import Store
import StreamConnections
import Streams
import Testing

@testable import APIServerStreams

private struct Everyone: Authenticator {
    func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        .authenticated(UserInfo(name: "root", groups: ["system:masters"]))
    }
}

private struct ServiceKind: ResourceStrategy {
    let info = ResourceInfo(Service.gvk, resource: "services", namespaced: true)
    typealias Object = Service
}

private struct EndpointsKind: ResourceStrategy {
    let info = ResourceInfo(Endpoints.gvk, resource: "endpoints", namespaced: true)
    typealias Object = Endpoints
}

/// Tells what it was asked; `/go` redirects, and an upgrade echoes.
private struct Backend: HTTPHandler {
    func handle(_ request: HTTPRequest, responder: HTTPResponder) {
        if request.requestedUpgrade != nil {
            guard let connection = responder.upgrade(fields: ["upgrade": "echo", "connection": "Upgrade"]) else {
                return
            }
            StreamTasks.start {
                while let bytes = await connection.read() {
                    guard await connection.write(bytes) else { return }
                }
            }
            return
        }
        if request.target == "/go" {
            return responder.respond(status: 302, fields: ["location": "/there?x=1", "keep-alive": "5"])
        }
        var lines: [String] = ["\(request.method) \(request.target)"]
        lines += request.fields.fields.map { "\($0.name): \($0.value)" }
        lines.append(String(decoding: request.body, as: UTF8.self))
        responder.respond(
            status: 203, fields: ["content-type": "text/plain", "x-backend": "yes"],
            body: Array(lines.joined(separator: "\n").utf8))
    }
}

private struct Proxied: Sendable {
    let port: Int
    let backend: Int

    func ask(_ method: String, _ target: String, _ fields: [(String, String)] = [], body: String = "") async throws
        -> (head: HTTP1ResponseHead, body: String, exchange: BackendExchange)
    {
        let connection: OutgoingConnection = try await StreamDialer().connect(host: "127.0.0.1", port: port)
        var request = BackendRequest(
            method: method, target: target, host: "api.example",
            fields: fields.map { HTTP1ResponseHead.Field($0.0, $0.1) })
        request.body = Array(body.utf8)
        let exchange: BackendExchange = try await BackendExchange.open(request, on: connection)
        let text: String =
            exchange.head.status == 101 ? "" : String(decoding: await exchange.wholeBody(limit: 1 << 20), as: UTF8.self)
        return (exchange.head, text, exchange)
    }
}

private func withProxy(_ body: @escaping @Sendable (Proxied) async throws -> Void) async throws {
    let path: String = try makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: path + "/store"))
    let registry = ResourceRegistry([TestPodKind(), TestNodeKind(), ServiceKind(), EndpointsKind()])
    let core = APIServerCore(APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer()))
    try await core.start()
    var configuration = APIHTTPHandler.Configuration(authenticator: Everyone())
    let connector = KubeletConnector(timeout: .seconds(5), tls: { nil })
    configuration.connectHandlers = ProxyHandler.Kind.allCases.map {
        ProxyHandler($0, connector: connector, targets: ProxyTarget(isForbidden: { $0 == "169.254.1.1" }))
    }
    let api = APIHTTPHandler(core: core, configuration: configuration)
    let client = InProcessTransport(core: core, user: .apiServer)
    let result: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        let result: Result<Void, any Error>
        do {
            try await withServer(Backend()) { backend in
                try await fill(client, backend)
                try await withServer(api) { port in
                    try await bounded { try await body(Proxied(port: port, backend: backend)) }
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

private func fill(_ client: InProcessTransport, _ port: Int) async throws {
    func create(_ object: some APIObject, _ resource: String, _ namespace: String) async throws {
        _ = try await client.perform(
            APIRequest(
                .create, GroupVersionResource(group: "", version: "v1", resource: resource), namespace: namespace,
                body: object.jsonBytes))
    }
    var pod: Pod = makePod("web")
    pod.status.podIP = "127.0.0.1"
    pod.spec.containers[0].ports = [ContainerPort.with { $0.containerPort = port }]
    try await create(pod, "pods", "default")
    var bad: Pod = makePod("bad")
    bad.status.podIP = "169.254.1.1"
    try await create(bad, "pods", "default")
    let node = Node.with { node in
        node.metadata.name = "node"
        node.status.addresses = [NodeAddress.with { ($0.type, $0.address) = ("InternalIP", "127.0.0.1") }]
        node.status.daemonEndpoints.kubeletEndpoint.Port = port
    }
    try await create(node, "nodes", "")
    for name in ["svc", "idle"] {
        let service = Service.with { service in
            service.metadata.name = name
            service.spec.ports = [ServicePort.with { ($0.name, $0.port) = ("http", 80) }]
        }
        try await create(service, "services", "default")
        let endpoints = Endpoints.with { endpoints in
            endpoints.metadata.name = name
            guard name == "svc" else { return }
            endpoints.subsets = [
                EndpointSubset.with { subset in
                    subset.addresses = [EndpointAddress.with { $0.ip = "127.0.0.1" }]
                    subset.ports = [EndpointPort.with { ($0.name, $0.port) = ("http", port) }]
                }
            ]
        }
        try await create(endpoints, "endpoints", "default")
    }
}

@Suite(.serialized) struct ProxyTests {
    private static let base: String = "/api/v1/namespaces/default"

    @Test func `every method, path, query and body reaches the backend`() async throws {
        try await withProxy { cluster in
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let body: String = method == "GET" ? "" : "hello"
                let target: String = Self.base + "/pods/web/proxy/a//b%2Fc/?q=1&r=%20"
                let answer = try await cluster.ask(method, target, body: body)
                #expect(answer.head.status == 203 && answer.head["x-backend"] == "yes")
                let lines: [Substring] = answer.body.split(separator: "\n")
                #expect(lines.first == "\(method) /a//b%2Fc/?q=1&r=%20")
                #expect(method == "GET" || lines.last == "hello")
            }
            let head = try await cluster.ask("HEAD", Self.base + "/pods/web/proxy/x")
            #expect(head.head.status == 203 && head.body.isEmpty)
        }
    }

    @Test func `the backend learns who asks where, but no credentials`() async throws {
        try await withProxy { cluster in
            let answer = try await cluster.ask(
                "GET", Self.base + "/services/svc:http/proxy/x",
                [
                    ("authorization", "Bearer secret"), ("x-custom", "1"), ("te", "trailers"), ("x-hop", "2"),
                    ("connection", "x-hop"), ("x-forwarded-for", "10.9.9.9"), ("impersonate-user", "jane"),
                ])
            let lines: Set<Substring> = Set(answer.body.split(separator: "\n"))
            #expect(lines.contains("x-custom: 1") && lines.contains("x-forwarded-for: 10.9.9.9, 127.0.0.1"))
            #expect(lines.contains("x-forwarded-uri: \(Self.base)/services/svc:http/proxy"))
            #expect(lines.contains("x-forwarded-host: api.example") && lines.contains("x-forwarded-proto: http"))
            for secret in ["secret", "x-hop: 2", "trailers", "impersonate"] {
                #expect(!answer.body.contains(secret), "\(secret)")
            }
        }
    }

    @Test func `names lead to places, or to upstream's words`() async throws {
        try await withProxy { cluster in
            let port: Int = cluster.backend
            let good: [String] = [
                "/pods/web/proxy/", "/pods/web:\(port)/proxy/", "/pods/http:web:\(port)/proxy/",
                "/services/svc:80/proxy/",
                "/services/svc:http/proxy/", "/services/http:svc:http/proxy/",
            ]
            for target in good {
                #expect(try await cluster.ask("GET", Self.base + target).head.status == 203, "\(target)")
            }
            for target in ["node", "node:\(port)", "http:node:\(port)"] {
                #expect(try await cluster.ask("GET", "/api/v1/nodes/\(target)/proxy/pods").head.status == 203)
            }
            let bad: [(target: String, code: Int, text: String)] = [
                ("/pods/ftp:web:1/proxy/", 400, #"invalid pod request \"ftp:web:1\""#),
                ("/pods/none/proxy/", 404, #"pods \"none\" not found"#),
                ("/pods/bad:80/proxy/", 400, "address not allowed"),
                ("/pods/web:1/proxy/", 503, "error trying to reach service: dial tcp 127.0.0.1:1: connect: "),
                ("/services/svc:81/proxy/", 503, #"no service port 81 found for service \"svc\""#),
                ("/services/svc:grpc/proxy/", 503, #"no endpoints available for service \"svc:grpc\""#),
                ("/services/idle:http/proxy/", 503, #"no endpoints available for service \"idle:http\""#),
                ("/services/none/proxy/", 404, #"services \"none\" not found"#),
            ]
            for item in bad {
                let answer = try await cluster.ask("GET", Self.base + item.target)
                #expect(answer.head.status == item.code && answer.body.contains(item.text), "\(answer.body)")
            }
        }
    }

    @Test func `redirections lead through the proxy`() async throws {
        try await withProxy { cluster in
            let bare = try await cluster.ask("GET", Self.base + "/pods/web/proxy?a=b")
            #expect(bare.head.status == 301 && bare.head["location"] == Self.base + "/pods/web/proxy/?a=b")
            let gone = try await cluster.ask("GET", Self.base + "/pods/web/proxy/go")
            #expect(gone.head.status == 302 && gone.head["location"] == Self.base + "/pods/web/proxy/there?x=1")
            #expect(gone.head["keep-alive"] == nil)
        }
        let place = ProxyPlace(.plain, host: "10.0.0.7", port: 80)
        let cases: [(from: String, to: String)] = [
            ("/x", "/p/proxy/x"), ("x", "x"), ("http://10.0.0.7:80/x", "/p/proxy/x"), ("http://api/x", "/p/proxy/x"),
            ("https://else/x", "https://else/x"), ("//else/x", "//else/x"), ("/p/proxy/y", "/p/proxy/y"),
            ("http://10.0.0.7", "/p/proxy/"),
        ]
        for item in cases {
            let made: String = ProxyHead.location(item.from, place: place, host: "api", prefix: "/p/proxy")
            #expect(made == item.to, "\(item.from)")
        }
    }

    @Test func `an upgrade becomes a pipe`() async throws {
        try await withProxy { cluster in
            let answer = try await cluster.ask(
                "GET", Self.base + "/pods/web/proxy/socket", [("connection", "Upgrade"), ("upgrade", "echo")])
            #expect(answer.head.status == 101 && answer.head["upgrade"] == "echo")
            _ = await answer.exchange.connection.write(Array("ping!".utf8))
            #expect(await readText(answer.exchange.connection, until: "ping!") == "ping!")
        }
    }

    @Test func `only addresses of others are allowed`() {
        for address in [
            "", "127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "ff02::1", "localhost",
        ] {
            #expect(ProxyTarget.isLocal(address), "\(address)")
        }
        for address in ["10.0.0.1", "192.168.1.1", "fd00::1", "node-1"] { #expect(!ProxyTarget.isLocal(address)) }
    }
}
