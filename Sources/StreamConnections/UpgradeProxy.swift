package import HTTPServer
package import Streams

/// The fields of a request to switch protocols, that go on to the backend.
package enum UpgradeFields {
    private static let kept: Set<String> = [
        "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
        "sec-websocket-extensions", "x-stream-protocol-version", "accept", "user-agent", "origin",
    ]

    package static func forBackend(_ fields: HTTPFields) -> [HTTP1ResponseHead.Field] {
        fields.fields.filter { kept.contains($0.name) }.map { HTTP1ResponseHead.Field($0.name, $0.value) }
    }
}

/// Gives a client the backend's answer to a request to switch protocols, and then carries the bytes.
package enum UpgradeProxy {
    /// Of a refusal's text.
    private static let bodyLimit: Int = 64 * 1024
    /// Fields that belong to one connection, or that the server writes itself.
    private static let dropped: Set<String> = [
        "date", "content-length", "transfer-encoding", "keep-alive", "te", "trailer",
    ]

    /// - Parameter more: fields besides the backend's.
    package static func run(
        _ exchange: BackendExchange, _ responder: HTTPResponder, more: [HTTP1ResponseHead.Field] = []
    ) async {
        var fields = HTTPFields()
        let isUpgrade: Bool = exchange.head.status == 101
        for field in more + exchange.head.fields where !dropped.contains(field.name) {
            if field.name == "connection" || field.name == "upgrade", !isUpgrade { continue }
            fields.append(field.name, field.value)
        }
        guard isUpgrade else {
            let body: [UInt8] = await exchange.wholeBody(limit: bodyLimit)
            exchange.connection.close()
            responder.respond(status: exchange.head.status, fields: fields, body: body)
            return
        }
        guard let client = responder.upgrade(fields: fields) else {
            exchange.connection.close()
            responder.respond(
                status: 400, fields: ["content-type": "text/plain; charset=utf-8"],
                body: Array("Upgrade request required".utf8))
            return
        }
        await StreamRelay.run(client: client, backend: exchange.connection)
    }
}
