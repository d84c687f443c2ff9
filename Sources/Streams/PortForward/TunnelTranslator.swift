/// A WebSocket connection as a tunnel: the payloads of its messages are the bytes of a SPDY connection, which nobody
/// here looks into. Pure.
package struct TunnelTranslator: StreamTranslator, ~Copyable {
    /// The subprotocol that asks for it.
    package static let portForward: String = "SPDY/3.1+portforward.k8s.io"

    private var reader = WebSocketReader()
    private var isFinished: Bool = false

    package init() {}

    package mutating func begin() -> [StreamAction] { [] }

    package mutating func receive(fromClient bytes: [UInt8]) throws(WebSocketError) -> [StreamAction] {
        guard !isFinished else { return [] }
        var actions: [StreamAction] = []
        for message in try reader.receive(bytes) {
            switch message {
            case .binary(let payload): if !payload.isEmpty { actions.append(.toServer(payload)) }
            case .text: throw .violation(code: 1003, reason: "a tunnel takes binary messages only")
            case .ping(let payload): actions.append(.toClient(WebSocketWriter.pong(payload)))
            case .pong: break
            case .close: actions += finish()
            }
        }
        return actions
    }

    package mutating func receive(fromServer bytes: [UInt8]) throws(SPDYError) -> [StreamAction] {
        isFinished || bytes.isEmpty ? [] : [.toClient(WebSocketWriter.binary(bytes))]
    }

    package mutating func serverClosed() -> [StreamAction] { finish() }

    private mutating func finish() -> [StreamAction] {
        guard !isFinished else { return [] }
        isFinished = true
        return [.toClient(WebSocketWriter.close(code: 1000)), .finish]
    }
}
