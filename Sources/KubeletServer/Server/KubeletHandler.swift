import APICore
import APIMachinery
package import CRI
import Codec
package import HTTPServer
import PKI
import StreamConnections
import Streams

/// A kubelet's own API, on port 10250: logs, exec, attach, port-forward, pods, numbers.
///
///     request → who (client certificate, token) → may they (nodes/proxy, …) → route → answer
package final class KubeletHandler: HTTPHandler {
    package struct Configuration: Sendable {
        package var nodeName: String
        package var directory: any PodDirectory
        package var runtime: any RuntimeService
        package var gate: any KubeletGate
        /// Whether requests without credentials are let through to the gate as `system:anonymous`.
        package var allowsAnonymous: Bool = false
        package var changes: FileChanges = .shared
        /// Text for `/metrics`, besides our own.
        package var metrics: @Sendable () -> String = { "" }

        package init(
            nodeName: String, directory: any PodDirectory, runtime: any RuntimeService, gate: any KubeletGate
        ) {
            self.nodeName = nodeName
            self.directory = directory
            self.runtime = runtime
            self.gate = gate
        }
    }

    let configuration: Configuration
    let containers: ContainerFinder
    let statistics: NodeStatistics

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        containers = ContainerFinder(directory: configuration.directory, runtime: configuration.runtime)
        statistics = NodeStatistics(nodeName: configuration.nodeName, runtime: configuration.runtime)
    }

    package func identify(peerCertificate: [UInt8]) -> (any Sendable)? {
        try? PeerIdentity(certificateDER: peerCertificate)
    }

    package func handle(_ request: HTTPRequest, responder: HTTPResponder) {
        StreamTasks.start {
            do throws(KubeletFailure) {
                try await self.answer(request, responder)
            } catch {
                error.send(to: responder)
            }
        }
    }

    private func answer(_ request: HTTPRequest, _ responder: HTTPResponder) async throws(KubeletFailure) {
        let question: String.Index = request.target.firstIndex(of: "?") ?? request.target.endIndex
        let path: Substring = request.target[..<question]
        try await admit(request, path)
        guard let route = KubeletRoute(path: path) else { throw KubeletFailure(404, "404 page not found\n") }
        guard route.allows(request.method) else { throw KubeletFailure(405, "405: Method Not Allowed") }
        guard let query = QueryString(parsing: request.target[question...].dropFirst()) else {
            throw KubeletFailure(400, "invalid percent encoding in the query")
        }
        switch route {
        case .health: Self.text("ok", to: responder)
        case .pods: sendPods(to: responder)
        case .metrics: Self.text(metricsText(), type: Self.metricsType, to: responder)
        case .resourceMetrics: Self.text(try await resourceMetrics(), type: Self.metricsType, to: responder)
        case .summary: Self.json(try await summary(), to: responder)
        case .logs(let target): try await sendLogs(target, query, responder)
        case .run(let target): try await run(target, query, responder)
        case .exec(let target): try await exec(target, query, request, responder)
        case .attach(let target): try await attach(target, query, request, responder)
        case .portForward(let target): try await portForward(target, query, request, responder)
        }
    }

    // MARK: - Who and whether

    private func admit(_ request: HTTPRequest, _ path: Substring) async throws(KubeletFailure) {
        let user: KubeletUser = try await authenticate(request)
        let access = KubeletAccess(
            user: user, verb: KubeletRoute.verb(method: request.method), node: configuration.nodeName,
            subresource: KubeletRoute.subresource(path: path))
        guard await configuration.gate.allows(access) else {
            throw KubeletFailure(
                403,
                "Forbidden (user=\(user.name), verb=\(access.verb), resource=nodes, subresource=\(access.subresource))")
        }
    }

    private func authenticate(_ request: HTTPRequest) async throws(KubeletFailure) -> KubeletUser {
        if let peer = request.connection.identity as? PeerIdentity, peer.usages.contains(.clientAuth) {
            return KubeletUser(name: peer.commonName, groups: peer.organizations + ["system:authenticated"])
        }
        if let header = request.fields["authorization"] {
            let parts: [Substring] = header.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer",
                let user = await configuration.gate.user(token: String(parts[1].drop { $0 == " " }))
            {
                return user
            }
            throw KubeletFailure(401, "Unauthorized")
        }
        guard configuration.allowsAnonymous else { throw KubeletFailure(401, "Unauthorized") }
        return .anonymous
    }

    // MARK: - Plain answers

    static let metricsType: String = "text/plain; version=0.0.4; charset=utf-8"

    static func text(_ text: String, type: String = "text/plain; charset=utf-8", to responder: HTTPResponder) {
        responder.respond(status: 200, fields: ["content-type": type], body: Array(text.utf8))
    }

    static func json(_ body: [UInt8], to responder: HTTPResponder) {
        responder.respond(status: 200, fields: ["content-type": "application/json"], body: body)
    }

    private func sendPods(to responder: HTTPResponder) {
        var list = PodList()
        list.items = configuration.directory.pods()
        Self.json(list.jsonBytes, to: responder)
    }
}
