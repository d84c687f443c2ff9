package import CRI
import Codec
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore

/// A container runtime behind a unix socket. One connection, made at the first call and made again when it
/// breaks. Calls made before `run` wait for it.
package final class CRIClient: Sendable {
    /// An answer may list thousands of containers: the kubelet's limit, 16 MiB.
    private static let largestMessageBytes = 16 << 20

    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let requestTimeout: Duration

    /// - Parameters:
    ///   - socket: the path of the socket, with or without `unix://` before it.
    ///   - requestTimeout: what a call may take unless `CRIMethod` has another rule.
    package init(socket: String, requestTimeout: Duration = .seconds(120)) throws(CRIError) {
        let path = socket.hasPrefix("unix://") ? String(socket.dropFirst("unix://".count)) : socket
        do {
            let transport = try HTTP2ClientTransport.Posix(
                // containerd's gRPC library refuses an authority that is a path.
                target: .unixDomainSocket(path: path, authority: "localhost"),
                transportSecurity: .plaintext,
                config: .defaults { config in
                    // A runtime that restarts is back within a second: look often.
                    config.backoff.initial = .milliseconds(50)
                    config.backoff.max = .seconds(2)
                    config.channelDebuggingCallbacks.onCreateTCPConnection = { connection in
                        connection.eventLoop.submit {
                            try connection.pipeline.syncOperations.addHandler(PingAnswering(), position: .first)
                        }
                    }
                })
            client = GRPCClient(transport: transport)
        } catch {
            throw CRIError(.unavailable, "failed to use socket \(path): \(error)")
        }
        self.requestTimeout = requestTimeout
    }

    /// Keeps the connection until the task is cancelled or `shutDown` was called. Call once.
    package func run() async throws(CRIError) {
        do {
            try await withTaskCancellationHandler {
                try await client.runConnections()
            } onCancel: {
                client.beginGracefulShutdown()
            }
        } catch {
            throw Self.mapped(error)
        }
    }

    /// No new calls; `run` returns when those under way have ended.
    package func shutDown() { client.beginGracefulShutdown() }

    /// Waits until the runtime answers: it may still be starting. Tries until the time is over, then throws
    /// the last error.
    package func waitUntilReady(within limit: Duration) async throws(CRIError) -> StatusResponse {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            do throws(CRIError) {
                return try await status(StatusRequest())
            } catch {
                // containerd accepts calls before its CRI part is ready, and says `unknown` or `unimplemented`.
                let mayPass = [.unavailable, .unknown, .unimplemented, .deadlineExceeded].contains(error.code)
                guard mayPass, clock.now < end else { throw error }
                do {
                    try await clock.sleep(for: .milliseconds(20))
                } catch {
                    throw CRIError(.cancelled, "cancelled while the runtime was starting")
                }
            }
        }
    }

    func call<Request: ProtobufCodable & Sendable, Response: ProtobufCodable & Sendable>(
        _ method: some CRIMethod, _ request: Request, requested: Duration = .zero
    ) async throws(CRIError) -> Response {
        do {
            return try await client.unary(
                request: ClientRequest(message: request),
                descriptor: Self.descriptor(method),
                serializer: ProtobufSerializer<Request>(),
                deserializer: ProtobufDeserializer<Response>(),
                options: options(method, requested)
            ) { response in
                try response.message
            }
        } catch {
            throw Self.mapped(error)
        }
    }

    func stream<Request: ProtobufCodable & Sendable, Response: ProtobufCodable & Sendable>(
        _ method: some CRIMethod, _ request: Request, handle: @escaping @Sendable (Response) async -> Void
    ) async throws(CRIError) {
        do {
            try await client.serverStreaming(
                request: ClientRequest(message: request),
                descriptor: Self.descriptor(method),
                serializer: ProtobufSerializer<Request>(),
                deserializer: ProtobufDeserializer<Response>(),
                options: options(method, .zero)
            ) { response in
                for try await message in response.messages { await handle(message) }
            }
        } catch {
            throw Self.mapped(error)
        }
    }

    /// `/service/method`, apart.
    private static func descriptor(_ method: some CRIMethod) -> MethodDescriptor {
        let parts = method.rawValue.split(separator: "/")
        precondition(parts.count == 2, "a method of CRI has a service and a name")
        return MethodDescriptor(fullyQualifiedService: String(parts[0]), method: String(parts[1]))
    }

    private func options(_ method: some CRIMethod, _ requested: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = method.deadline(usual: requestTimeout, requested: requested)
        options.maxResponseMessageBytes = Self.largestMessageBytes
        options.maxRequestMessageBytes = Self.largestMessageBytes
        return options
    }

    private static func mapped(_ error: any Error) -> CRIError {
        if error is CancellationError { return CRIError(.cancelled, "the call was cancelled") }
        if let error = error as? RPCError {
            return CRIError(CRIError.Code(rawValue: error.code.rawValue) ?? .unknown, error.message)
        }
        if let error = error as? RuntimeError { return CRIError(.unavailable, error.message) }
        return CRIError(.unknown, "\(error)")
    }
}
