import APICore
package import APIMachinery
import APIServer
package import APIServerHTTP
package import HTTPServer
import NIOSSL
import StreamConnections
import Streams
import Synchronization

/// `pods/proxy`, `services/proxy` and `nodes/proxy`: any method, any path, upgrades too.
///
/// A request's body is there in full (the server's limit applies); answers stream.
package final class ProxyHandler: ConnectHandler {
    package enum Kind: String, Sendable, CaseIterable {
        case pods
        case services
        case nodes
    }

    package let resource: GroupVersionResource
    package let subresource: String = "proxy"
    private let kind: Kind
    private let connector: KubeletConnector
    private let targets: ProxyTarget
    private let context: Mutex<NIOSSLContext?> = Mutex(nil)

    package init(_ kind: Kind, connector: KubeletConnector, targets: ProxyTarget = ProxyTarget()) {
        self.kind = kind
        self.connector = connector
        self.targets = targets
        resource = GroupVersionResource(group: "", version: "v1", resource: kind.rawValue)
    }

    package static func all(connector: KubeletConnector) -> [any ConnectHandler] {
        Kind.allCases.map { ProxyHandler($0, connector: connector) }
    }

    package func connect(_ call: ConnectCall, responder: HTTPResponder) {
        let (path, query): (Substring, Substring) = Self.split(call.http.target)
        // Pages with relative links need the slash (upstream's issue 4958).
        if call.rest.isEmpty, !path.hasSuffix("/"), call.http.method == "GET" || call.http.method == "HEAD" {
            var fields: HTTPFields = call.answerFields
            fields.append("location", "\(path)/\(query)")
            return responder.respond(status: 301, fields: fields)
        }
        // The parser of targets leaves out one slash at the end.
        let rest: String =
            call.rest.isEmpty ? "/" : call.rest + (path.hasSuffix("/") && !call.rest.hasSuffix("/") ? "/" : "")
        let prefix: String = path.hasSuffix(rest) ? String(path.dropLast(rest.count)) : String(path)
        do throws(StatusError) {
            let place: ProxyPlace = try place(call)
            StreamTasks.start { await self.carry(call, responder, to: place, target: rest + query, prefix: prefix) }
        } catch {
            call.fail(error, responder)
        }
    }

    private static func split(_ target: String) -> (path: Substring, query: Substring) {
        let question: String.Index = target.firstIndex(of: "?") ?? target.endIndex
        return (target[..<question], target[question...])
    }

    private func place(_ call: ConnectCall) throws(StatusError) -> ProxyPlace {
        let (namespace, name): (String, String) = (call.request.namespace, call.request.name)
        let services = call.server.services
        switch kind {
        case .pods:
            return try targets.pod(name) { services.caches.get(Pod.self, namespace: namespace, name: $0) }
        case .services:
            return try targets.service(
                name, find: { services.caches.get(Service.self, namespace: namespace, name: $0) },
                endpoints: { services.caches.get(Endpoints.self, namespace: namespace, name: $0) },
                pick: { Int(services.environment.random() % UInt64($0)) })
        case .nodes:
            let connector: KubeletConnector = connector
            return try targets.node(
                name, find: { services.caches.get(Node.self, namespace: "", name: $0) },
                kubelet: { (node: Node) throws(StatusError) -> KubeletPlace in try connector.place(of: node) })
        }
    }

    // MARK: - Carrying

    private func carry(
        _ call: ConnectCall, _ responder: HTTPResponder, to place: ProxyPlace, target: String, prefix: String
    ) async {
        let isUpgrade: Bool = call.http.requestedUpgrade != nil
        var request = BackendRequest(
            method: call.http.method, target: target, host: place.authority,
            fields: ProxyHead.request(call.http, prefix: prefix, keepsUpgrade: isUpgrade))
        request.body = call.http.body
        let exchange: BackendExchange
        do throws(DialError) {
            exchange = try await open(request, at: place)
        } catch {
            return call.fail(
                .serviceUnavailable("error trying to reach service: \(error.description)"), responder)
        }
        if exchange.head.status == 101 {
            await UpgradeProxy.run(exchange, responder, more: [HTTP1ResponseHead.Field("audit-id", call.context.id)])
            return
        }
        defer { exchange.connection.close() }
        let host: String = call.http.fields["host"] ?? ""
        var fields: HTTPFields = ProxyHead.answer(exchange.head, place: place, host: host, prefix: prefix)
        fields.append("audit-id", call.context.id)
        let hasBody: Bool = call.http.method != "HEAD" && ![204, 304].contains(exchange.head.status)
        guard hasBody else { return responder.respond(status: exchange.head.status, fields: fields) }
        guard let writer = responder.stream(status: exchange.head.status, fields: fields) else { return }
        // Something silent, such as a stream of events, must not outlive its reader.
        writer.onClose { _ in exchange.connection.close() }
        do throws(DialError) {
            while let bytes = try await exchange.nextBody() {
                guard await writer.take(bytes) else { return }
            }
            writer.finish()
        } catch {
            writer.abort()
        }
    }

    private func open(_ request: BackendRequest, at place: ProxyPlace) async throws(DialError) -> BackendExchange {
        let security: StreamDialer.Security
        switch place.security {
        case .plain: security = .plain
        case .unverifiedTLS: security = .tls(try unverified(), serverName: nil)
        case .kubelet:
            return try await connector.open(KubeletPlace(host: place.host, port: place.port), request)
        }
        let connection: OutgoingConnection = try await StreamDialer(security: security)
            .connect(host: place.host, port: place.port)
        return try await BackendExchange.open(request, on: connection)
    }

    private func unverified() throws(DialError) -> NIOSSLContext {
        if let known = context.withLock({ $0 }) { return known }
        let made: NIOSSLContext = try BackendTLS(authorities: nil).context(verify: false)
        context.withLock { $0 = made }
        return made
    }
}
