import APICore
package import APIMachinery
import APIServer
package import APIServerHTTP
package import HTTPServer
import StreamConnections
import Streams

/// `pods/exec`, `pods/attach` and `pods/portforward`.
///
///     SPDY client                     bytes as they are, to the kubelet and back
///     WebSocket v1, v4, v5            translated to SPDY, since only that lets standard input end; also in base64
///     WebSocket with a SPDY tunnel    unwrapped
package struct PodStreamHandler: ConnectHandler {
    package enum Kind: String, Sendable, CaseIterable {
        case exec
        case attach
        case portForward = "portforward"
    }

    package let resource = GroupVersionResource(group: "", version: "v1", resource: "pods")
    package var subresource: String { kind.rawValue }
    private let kind: Kind
    private let connector: KubeletConnector

    package init(_ kind: Kind, connector: KubeletConnector) {
        self.kind = kind
        self.connector = connector
    }

    /// All streaming subresources: of pods, and the proxies.
    package static func all(connector: KubeletConnector) -> [any ConnectHandler] {
        [PodLogHandler(connector: connector)] + Kind.allCases.map { PodStreamHandler($0, connector: connector) }
            + ProxyHandler.all(connector: connector)
    }

    package func connect(_ call: ConnectCall, responder: HTTPResponder) {
        do throws(StatusError) {
            guard call.http.method == "GET" || call.http.method == "POST" else {
                throw .methodNotSupported(resource, call.http.method.lowercased())
            }
            let pod: Pod = try PodPlace.pod(call)
            let target: String = try target(pod, call)
            let place: KubeletPlace = try PodPlace.kubelet(of: pod, call, connector)
            guard let wanted = call.http.requestedUpgrade else { throw .badRequest("Upgrade request required") }
            if wanted.lowercased() == "websocket" {
                try openWebSocket(place, target, call, responder)
            } else {
                StreamTasks.start { await proxy(place, target, call, responder) }
            }
        } catch {
            call.fail(error, responder)
        }
    }

    /// Path and query at the kubelet.
    private func target(_ pod: Pod, _ call: ConnectCall) throws(StatusError) -> String {
        let names: [String] = [pod.metadata.namespace, pod.metadata.name]
        let query: QueryString = call.query
        guard kind != .portForward else { return PodPlace.path(["portForward"] + names) }
        let container: String = try PodPlace.container(query["container"] ?? "", of: pod)
        let options: RemoteCommandOptions = Self.options(query)
        var wanted = QueryString()
        if options.stdin { wanted.append("input", "1") }
        if options.stdout { wanted.append("output", "1") }
        if options.stderr { wanted.append("error", "1") }
        if options.tty { wanted.append("tty", "1") }
        if kind == .exec {
            for word in query.values("command") { wanted.append("command", word) }
        }
        return PodPlace.path([kind.rawValue] + names + [container]) + wanted.suffix
    }

    static func options(_ query: QueryString) -> RemoteCommandOptions {
        RemoteCommandOptions(
            stdin: query.flag("stdin"), stdout: query.flag("stdout"), stderr: query.flag("stderr"),
            tty: query.flag("tty"))
    }

    // MARK: - SPDY clients

    private func proxy(_ place: KubeletPlace, _ target: String, _ call: ConnectCall, _ responder: HTTPResponder) async {
        do throws(DialError) {
            let exchange: BackendExchange = try await connector.open(
                place, method: call.http.method, target: target, fields: UpgradeFields.forBackend(call.http.fields))
            await UpgradeProxy.run(
                exchange, responder, more: [HTTP1ResponseHead.Field("audit-id", call.context.id)])
        } catch {
            call.fail(.plain("error dialing backend: \(error.description)"), responder)
        }
    }

    // MARK: - WebSocket clients

    private enum Dialect: Sendable {
        case channels(ChannelProtocol)
        case tunnel
        case ports([Int], ChannelFraming)
    }

    private func openWebSocket(
        _ place: KubeletPlace, _ target: String, _ call: ConnectCall, _ responder: HTTPResponder
    ) throws(StatusError) {
        let fields: HTTPFields = call.http.fields
        guard call.http.method == "GET", fields["sec-websocket-version"] == "13",
            let accept = fields["sec-websocket-key"].flatMap({ WebSocketHandshake.accept(key: $0) })
        else { throw .badRequest("the WebSocket handshake is malformed") }
        let offered: [String] = WebSocketHandshake.protocols(fields.values("sec-websocket-protocol"))
        let (name, dialect): (String, Dialect) = try dialect(offered, call)
        var fieldsOfAnswer: HTTPFields = HTTPFields([
            ("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", accept),
            ("audit-id", call.context.id),
        ])
        // A client that offers none gets none.
        if !name.isEmpty { fieldsOfAnswer.append("sec-websocket-protocol", name) }
        let answer: HTTPFields = fieldsOfAnswer
        StreamTasks.start {
            switch dialect {
            case .channels(let version):
                let options: RemoteCommandOptions = Self.options(call.query)
                guard let (client, server) = await openChannels(place, target, version, answer, call, responder) else {
                    return
                }
                await Self.run(client, server) { RemoteCommandTranslator(version: version, options: options) }
            case .tunnel:
                switch await dial(place, target, "portforward.k8s.io") {
                case .failure(let error): call.fail(error, responder)
                case .success(let server):
                    guard let client = responder.upgrade(fields: answer) else { return }
                    await Self.run(client, .success(server)) { TunnelTranslator() }
                }
            case .ports(let ports, let framing):
                switch await dial(place, target, "portforward.k8s.io") {
                case .failure(let error): call.fail(error, responder)
                case .success(let server):
                    guard let client = responder.upgrade(fields: answer) else { return }
                    await Self.run(client, .success(server)) {
                        PortForwardTranslator(ports: ports, framing: framing)
                    }
                }
            }
        }
    }

    /// Only v5 clients expect that errors come through the stream, and get their handshake first; others take a refused
    /// handshake for a server that knows no WebSocket.
    private func openChannels(
        _ place: KubeletPlace, _ target: String, _ version: ChannelProtocol, _ answer: HTTPFields, _ call: ConnectCall,
        _ responder: HTTPResponder
    ) async -> (RawConnection, Result<BackendExchange, StatusError>)? {
        guard version == .v5 else {
            let server: Result<BackendExchange, StatusError> = await dial(place, target, version.backend)
            if case .failure(let error) = server {
                call.fail(error, responder)
                return nil
            }
            return responder.upgrade(fields: answer).map { ($0, server) }
        }
        guard let client = responder.upgrade(fields: answer) else { return nil }
        let server: Result<BackendExchange, StatusError> = await dial(place, target, "v4.channel.k8s.io")
        if case .failure = server {
            // kubectl begins to read before it has made its streams, and drops what comes for one that is not there
            // yet. A refusal is in no hurry. Cancellation only ends the wait.
            try? await Task.sleep(for: .milliseconds(100))
        }
        return (client, server)
    }

    private func dialect(_ offered: [String], _ call: ConnectCall) throws(StatusError) -> (String, Dialect) {
        guard kind == .portForward else {
            if offered.isEmpty { return ("", .channels(.v1)) }
            guard let version = ChannelProtocol.best(of: offered) else {
                throw .badRequest("unable to upgrade: none of the subprotocols \(offered) is supported")
            }
            return (version.rawValue, .channels(version))
        }
        if offered.contains(TunnelTranslator.portForward) { return (TunnelTranslator.portForward, .tunnel) }
        let known: [ChannelProtocol] = [.v4, .v4Base64]
        let version: ChannelProtocol? = offered.isEmpty ? .v4 : known.first { offered.contains($0.rawValue) }
        guard let version else {
            throw .badRequest("unable to upgrade: none of the subprotocols \(offered) is supported")
        }
        let ports: [Int?] = call.query.values("ports").flatMap { $0.split(separator: ",") }.map { Int($0) }
        let valid: [Int] = ports.compactMap { $0 }.filter { (1...65535).contains($0) }
        guard !valid.isEmpty, valid.count == ports.count, valid.count <= PortForwardTranslator.portLimit else {
            throw .badRequest("query parameter \"ports\" is required, with numbers of ports")
        }
        return (offered.isEmpty ? "" : version.rawValue, .ports(valid, version.framing))
    }

    /// A SPDY connection to the kubelet.
    private func dial(
        _ place: KubeletPlace, _ target: String, _ version: String
    ) async -> Result<BackendExchange, StatusError> {
        do throws(DialError) {
            let exchange: BackendExchange = try await connector.open(
                place, method: "POST", target: target,
                fields: [
                    HTTP1ResponseHead.Field("connection", "Upgrade"), HTTP1ResponseHead.Field("upgrade", "SPDY/3.1"),
                    HTTP1ResponseHead.Field("x-stream-protocol-version", version),
                ])
            if exchange.head.status == 101 { return .success(exchange) }
            let body: [UInt8] = await exchange.wholeBody(limit: 64 * 1024)
            exchange.connection.close()
            return .failure(
                .internalError("unable to upgrade connection: \(String(decoding: body, as: UTF8.self))"))
        } catch {
            return .failure(.internalError("error dialing backend: \(error.description)"))
        }
    }

    private static func run<Translator: StreamTranslator & ~Copyable>(
        _ client: RawConnection, _ server: Result<BackendExchange, StatusError>,
        _ translator: () -> sending Translator
    ) async {
        switch server {
        case .success(let exchange):
            let session = WebSocketSession(
                client: client, backend: exchange.connection, translator: translator())
            await session.run()
        case .failure(let error):
            let status: [UInt8] = [RemoteStream.error.rawValue] + error.body
            _ = await client.write(WebSocketWriter.binary(status) + WebSocketWriter.close(code: 1000))
            await StreamRelay.end(client)
        }
    }
}
