import APICore
import CRI
import HTTPServer
import StreamConnections
import Streams

extension KubeletHandler {
    func exec(
        _ target: KubeletRoute.Target, _ query: QueryString, _ request: HTTPRequest, _ responder: HTTPResponder
    ) async throws(KubeletFailure) {
        let streams: RemoteCommandOptions = try Self.streams(query)
        let pod: Pod = try containers.pod(target)
        var call = ExecRequest()
        call.containerId = try await containers.running(target.container, of: pod)
        call.cmd = query.values("command")
        call.tty = streams.tty
        call.stdin = streams.stdin
        call.stdout = streams.stdout
        call.stderr = streams.stderr
        let asked: ExecRequest = call
        let url: String = try await runtime { runtime throws(CRIError) in try await runtime.exec(asked).url }
        try await proxy(to: url, request, responder)
    }

    func attach(
        _ target: KubeletRoute.Target, _ query: QueryString, _ request: HTTPRequest, _ responder: HTTPResponder
    ) async throws(KubeletFailure) {
        let streams: RemoteCommandOptions = try Self.streams(query)
        let pod: Pod = try containers.pod(target)
        var call = AttachRequest()
        call.containerId = try await containers.running(target.container, of: pod)
        call.tty = Self.hasTerminal(target.container, pod)
        call.stdin = streams.stdin
        call.stdout = streams.stdout
        call.stderr = streams.stderr && !call.tty
        let asked: AttachRequest = call
        let url: String = try await runtime { runtime throws(CRIError) in try await runtime.attach(asked).url }
        try await proxy(to: url, request, responder)
    }

    func portForward(
        _ target: KubeletRoute.Target, _ query: QueryString, _ request: HTTPRequest, _ responder: HTTPResponder
    ) async throws(KubeletFailure) {
        let pod: Pod = try containers.pod(target)
        var call = PortForwardRequest()
        for text in query.values("port").flatMap({ $0.split(separator: ",") }) {
            guard let port = Int(text), (1...65535).contains(port) else {
                throw KubeletFailure(400, "unable to parse \"\(text)\" as a port")
            }
            call.port.append(port)
        }
        call.podSandboxId = try await containers.sandbox(of: pod)
        let asked: PortForwardRequest = call
        let url: String = try await runtime { runtime throws(CRIError) in try await runtime.portForward(asked).url }
        try await proxy(to: url, request, responder)
    }

    /// Runs a command to its end, and answers with what it wrote.
    func run(
        _ target: KubeletRoute.Target, _ query: QueryString, _ responder: HTTPResponder
    ) async throws(KubeletFailure) {
        let pod: Pod = try containers.pod(target)
        var call = ExecSyncRequest()
        call.containerId = try await containers.running(target.container, of: pod)
        call.cmd = (query["cmd"] ?? "").split(separator: " ").map { String($0) }
        let asked: ExecSyncRequest = call
        let result: ExecSyncResponse = try await runtime { runtime throws(CRIError) in
            try await runtime.execSync(asked)
        }
        guard result.exitCode == 0 else {
            throw KubeletFailure(
                500,
                "command '\(asked.cmd.joined(separator: " "))' exited with \(result.exitCode): "
                    + String(decoding: result.stderr, as: UTF8.self))
        }
        responder.respond(
            status: 200, fields: ["content-type": "text/plain; charset=utf-8"], body: result.stdout + result.stderr)
    }

    // MARK: -

    private static func streams(_ query: QueryString) throws(KubeletFailure) -> RemoteCommandOptions {
        // A terminal has no stderr of its own: the runtime refuses both.
        let tty: Bool = query.flag("tty")
        let options = RemoteCommandOptions(
            stdin: query.flag("input"), stdout: query.flag("output"), stderr: query.flag("error") && !tty, tty: tty)
        guard options.stdin || options.stdout || options.stderr else {
            throw KubeletFailure(400, "you must specify at least 1 of stdin, stdout, stderr")
        }
        return options
    }

    private static func hasTerminal(_ name: String, _ pod: Pod) -> Bool {
        pod.spec.containers.contains { $0.name == name && $0.tty }
            || pod.spec.initContainers.contains { $0.name == name && $0.tty }
            || pod.spec.ephemeralContainers.contains { $0.name == name && $0.tty }
    }

    private func runtime<Value: Sendable>(
        _ body: (any RuntimeService) async throws(CRIError) -> Value
    ) async throws(KubeletFailure) -> Value {
        do throws(CRIError) {
            return try await body(configuration.runtime)
        } catch {
            throw KubeletFailure(error)
        }
    }

    /// Connects the client with the runtime's streaming server, byte for byte.
    private func proxy(
        to url: String, _ request: HTTPRequest, _ responder: HTTPResponder
    ) async throws(KubeletFailure) {
        guard request.requestedUpgrade != nil else { throw KubeletFailure(400, "Upgrade request required") }
        guard let place = StreamURL(url) else {
            throw KubeletFailure(500, "the runtime's streaming address \"\(url)\" cannot be used")
        }
        let exchange: BackendExchange
        do throws(DialError) {
            let connection: OutgoingConnection = try await StreamDialer().connect(host: place.host, port: place.port)
            let call = BackendRequest(
                method: request.method, target: place.target, host: place.authority,
                fields: UpgradeFields.forBackend(request.fields))
            exchange = try await BackendExchange.open(call, on: connection)
        } catch {
            throw KubeletFailure(500, "error dialing backend: \(error.description)")
        }
        await UpgradeProxy.run(exchange, responder)
    }
}
