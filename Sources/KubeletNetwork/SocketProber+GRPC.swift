import Codec
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Kubelet
import NIOCore

/// `grpc.health.v1.Health/Check` over plain text, on a connection of its own.
extension SocketProber {
    package func grpc(host: String, port: Int, service: String, timeout: Duration) async -> NetworkProbeResult {
        let place: String = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let limit: String = "\(timeout.components.seconds)s"
        do {
            // The library takes nothing but addresses here, and traps otherwise.
            let target: any ResolvableTarget
            switch try? SocketAddress(ipAddress: host, port: port) {
            case .v4?: target = .ipv4(address: host, port: port)
            case .v6?: target = .ipv6(address: host, port: port)
            default: return .failure("error: health rpc probe failed: \"\(host)\" is no address")
            }
            let transport = try HTTP2ClientTransport.Posix(
                target: target, transportSecurity: .plaintext,
                config: .defaults { $0.http2.authority = place })
            let status: Int = try await withGRPCClient(transport: transport) { client in
                try await Self.check(client, service, timeout)
            }
            let names: [String] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
            if status == 1 { return .success }
            let name: String = names.indices.contains(status) ? names[status] : String(status)
            return .failure("service unhealthy (responded with \"\(name)\")")
        } catch let error as RPCError {
            switch error.code {
            case .unimplemented:
                return .failure(
                    "this server does not implement the grpc health protocol (grpc.health.v1.Health): \(error.message)")
            case .deadlineExceeded: return .failure("timeout: health rpc did not complete within \(limit)")
            case .unavailable:
                return .failure("timeout: failed to connect service \"\(place)\" within \(limit): \(error.message)")
            default: return .failure("error: health rpc probe failed: \(error)")
            }
        } catch {
            return .failure("error: health rpc probe failed: \(error)")
        }
    }

    private static func check(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>, _ service: String, _ timeout: Duration
    ) async throws -> Int {
        var options = CallOptions.defaults
        options.timeout = timeout
        // A server that is not there is an answer; waiting for it would tell nothing more.
        options.waitForReady = false
        let request = ClientRequest(message: HealthCheckRequest(service: service))
        return try await client.unary(
            request: request,
            descriptor: MethodDescriptor(fullyQualifiedService: "grpc.health.v1.Health", method: "Check"),
            serializer: HealthCheckRequest.Serializer(), deserializer: HealthCheckResponse.Deserializer(),
            options: options
        ) { try $0.message.status }
    }
}

/// `message HealthCheckRequest { string service = 1; }`
struct HealthCheckRequest: ProtobufCodable, Sendable {
    var service: String

    init(service: String) { self.service = service }

    init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        service = ""
        while true {
            switch try reader.nextField() {
            case 0: return
            case 1: service = try reader.string()
            default: try reader.skip()
            }
        }
    }

    func write(protobuf writer: inout ProtobufWriter) {
        if !service.isEmpty { writer.string(service, field: 1) }
    }

    struct Serializer: MessageSerializer {
        func serialize<Bytes: GRPCContiguousBytes>(_ message: HealthCheckRequest) throws -> Bytes {
            Bytes(ProtobufWriter.encode(message))
        }
    }
}

/// `message HealthCheckResponse { ServingStatus status = 1; }`
struct HealthCheckResponse: ProtobufCodable, Sendable {
    var status: Int = 0

    init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        while true {
            switch try reader.nextField() {
            case 0: return
            case 1: status = try reader.int32()
            default: try reader.skip()
            }
        }
    }

    func write(protobuf writer: inout ProtobufWriter) {
        writer.int(status, field: 1)
    }

    struct Deserializer: MessageDeserializer {
        func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) throws -> HealthCheckResponse {
            let bytes: [UInt8] = serializedMessageBytes.withUnsafeBytes { Array($0) }
            return try ProtobufReader.decode(HealthCheckResponse.self, from: bytes)
        }
    }
}
