/// What a translator wants done, in this order.
package enum StreamAction: Sendable, Equatable {
    case toClient([UInt8])
    case toServer([UInt8])
    /// Both connections are done.
    case finish
}

/// Between a WebSocket client and a SPDY server. Pure; its owner reads and writes.
package protocol StreamTranslator: SendableMetatype, ~Copyable {
    /// Once, before anything is received.
    mutating func begin() -> [StreamAction]
    mutating func receive(fromClient bytes: [UInt8]) throws(WebSocketError) -> [StreamAction]
    mutating func receive(fromServer bytes: [UInt8]) throws(SPDYError) -> [StreamAction]
    /// The server's connection is at its end.
    mutating func serverClosed() -> [StreamAction]
}
