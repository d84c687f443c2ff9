import NIOCore
import NIOHTTP2

/// One request of an HTTP/2 connection. On the event loop only.
///
///     collecting ──END_STREAM──► answering ──END_STREAM sent, stream closed──► gone
final class HTTP2Stream {
    let id: HTTP2StreamID
    let method: String
    let target: String
    let fields: HTTPFields
    let bodyLimit: Int
    var body: [UInt8] = []
    /// Received and not yet given back to the client's window.
    var uncredited: Int = 0
    /// The client has sent everything.
    var isWhole: Bool = false
    /// nil while the body is collected.
    var exchange: Exchange?
    var headSent: Bool = false
    /// We have sent everything; kept until the stream is closed.
    var endSent: Bool = false
    /// A body is neither expected nor sent.
    var sendsBody: Bool = true
    /// Since when it waits for the client: for its body, or to take ours.
    var waitingSince: NIODeadline = .now()

    init(id: HTTP2StreamID, method: String, target: String, fields: HTTPFields, bodyLimit: Int) {
        self.id = id
        self.method = method
        self.target = target
        self.fields = fields
        self.bodyLimit = bodyLimit
    }
}
