import APICore
package import APIMachinery
package import APIServerHTTP
package import HTTPServer
import StreamConnections
import Streams

/// `pods/log`: asks the kubelet, and hands on what it says.
package struct PodLogHandler: ConnectHandler {
    package let resource = GroupVersionResource(group: "", version: "v1", resource: "pods")
    package let subresource: String = "log"
    /// Of a kubelet's refusal; upstream's limit.
    private static let refusalLimit: Int = 50_000

    private let connector: KubeletConnector

    package init(connector: KubeletConnector) {
        self.connector = connector
    }

    package func connect(_ call: ConnectCall, responder: HTTPResponder) {
        do throws(StatusError) {
            guard call.http.method == "GET" else { throw .methodNotSupported(resource, call.http.method.lowercased()) }
            let asked: LogQuery = try Self.options(call)
            let pod: Pod = try PodPlace.pod(call)
            let container: String = try PodPlace.container(asked.container, of: pod)
            // Not scheduled yet: nothing was written, and that is no error.
            if pod.spec.nodeName.isEmpty {
                return responder.respond(status: 200, fields: Self.fields(call))
            }
            let place: KubeletPlace = try PodPlace.kubelet(of: pod, call, connector)
            let path: String = PodPlace.path([
                "containerLogs", pod.metadata.namespace, pod.metadata.name, container,
            ])
            StreamTasks.start { await stream(from: place, path + asked.query.suffix, call, responder) }
        } catch {
            call.fail(error, responder)
        }
    }

    private static func fields(_ call: ConnectCall) -> HTTPFields {
        var fields: HTTPFields = call.answerFields
        fields.append("content-type", "text/plain")
        return fields
    }

    // MARK: - Options

    private static func options(_ call: ConnectCall) throws(StatusError) -> LogQuery {
        let asked: LogQuery
        do throws(LogQuery.Malformed) {
            asked = try LogQuery(call.query)
        } catch {
            throw .badRequest("strconv.ParseInt: parsing \"\(error.value)\": invalid syntax")
        }
        var errors = FieldErrors()
        if let lines = asked.tailLines, lines < 0 {
            errors.append(.invalid(FieldPath("tailLines"), lines, "must be greater than or equal to 0"))
        }
        if let bytes = asked.limitBytes, bytes < 1 {
            errors.append(.invalid(FieldPath("limitBytes"), bytes, "must be greater than 0"))
        }
        if asked.sinceSeconds != nil, asked.sinceTime != nil {
            errors.append(
                .forbidden(.root, "at most one of `sinceTime` or `sinceSeconds` may be specified"))
        } else if let seconds = asked.sinceSeconds, seconds < 1 {
            errors.append(.invalid(FieldPath("sinceSeconds"), seconds, "must be greater than 0"))
        }
        if let time = asked.sinceTime, MicroTime(time) == nil {
            throw .badRequest("parsing time \"\(time)\" as RFC 3339 failed")
        }
        guard errors.isEmpty else {
            let kind = GroupVersionKind(group: "", version: "v1", kind: "PodLogOptions")
            throw .invalid(kind, call.request.name, errors)
        }
        return asked
    }

    // MARK: - Streaming

    private func stream(from place: KubeletPlace, _ target: String, _ call: ConnectCall, _ responder: HTTPResponder)
        async
    {
        let exchange: BackendExchange
        do throws(DialError) {
            exchange = try await connector.open(
                place, method: "GET", target: target, fields: [HTTP1ResponseHead.Field("connection", "close")])
        } catch {
            call.fail(.plain("Get \"https://\(place.authority)\(target)\": \(error.description)"), responder)
            return
        }
        defer { exchange.connection.close() }
        guard (200...206).contains(exchange.head.status) else {
            let body: [UInt8] = await exchange.wholeBody(limit: Self.refusalLimit)
            call.fail(
                Self.refusal(exchange.head.status, String(decoding: body, as: UTF8.self), call.request.name), responder)
            return
        }
        guard let writer = responder.stream(status: 200, fields: Self.fields(call)) else { return }
        // A log that is silent for hours must not outlive its reader.
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

    /// Upstream's mapping of what a kubelet answers.
    static func refusal(_ code: Int, _ text: String, _ name: String) -> StatusError {
        switch code {
        case 400: return .badRequest(text)
        case 500: return .internalError(text)
        default:
            return StatusError(code: code, body: Array(text.utf8), method: "GET", action: " pods/log \(name)")
        }
    }
}

extension HTTPBodyWriter {
    /// Takes bytes, and returns when there is room for more. False: the client left.
    func take(_ bytes: [UInt8]) async -> Bool {
        while true {
            switch write(bytes) {
            case .accepted:
                if !isWritable { _ = await writable() }
                return closeReason == nil
            case .full: if await !writable() { return false }
            case .closed: return false
            }
        }
    }
}
