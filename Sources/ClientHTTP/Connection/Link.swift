import NIOCore
import NIOHTTP1
import NIOHTTP2

/// An open connection to the server.
enum Link: Sendable {
    /// Any number of exchanges at once.
    case http2(any Channel, NIOHTTP2Handler.StreamMultiplexer)
    /// One exchange at a time.
    case http1(any Channel, NIOLoopBound<ResponseHandler>)

    var channel: any Channel {
        switch self {
        case .http2(let channel, _), .http1(let channel, _): channel
        }
    }
}
