/// Between a WebSocket client and a SPDY server: the same streams in other clothes. Pure.
///
///     client ── binary message: channel byte, bytes ──►  translator  ── DATA of that stream ──► runtime
///
/// The translator opens one SPDY stream per channel, and ends the WebSocket when the error stream and all output have
/// ended, or the server has.
package struct RemoteCommandTranslator: StreamTranslator, ~Copyable {
    private static let closeChannel: UInt8 = 255

    private let version: ChannelProtocol
    private let streams: [RemoteStream]
    private var reader = WebSocketReader()
    private var codec = SPDYCodec()
    private var open: Set<RemoteStream> = []
    private var isFinished: Bool = false

    package init(version: ChannelProtocol, options: RemoteCommandOptions) {
        self.version = version
        self.streams = options.streams.filter { $0 != .resize || version.hasResize }
    }

    /// What to send first: a stream for each channel, and to the client an empty message on the lowest channel that it
    /// reads, as upstream's server does to show that it is there.
    package mutating func begin() -> [StreamAction] {
        var actions: [StreamAction] = []
        for stream in streams {
            open.insert(stream)
            let fields: [SPDYField] = [SPDYField("streamtype", stream.streamType)]
            actions.append(
                .toServer(codec.encode(.synStream(id: Self.id(of: stream, in: streams), fields: fields, isLast: false)))
            )
        }
        let first: RemoteStream = [.stdout, .stderr].first { streams.contains($0) } ?? .error
        return actions + [.toClient(version.framing.message(first.rawValue, []))]
    }

    /// Client streams have odd numbers, in the order of opening.
    private static func id(of stream: RemoteStream, in streams: [RemoteStream]) -> UInt32 {
        UInt32((streams.firstIndex(of: stream) ?? 0) * 2 + 1)
    }

    private func stream(id: UInt32) -> RemoteStream? {
        let index: Int = Int(id) / 2
        return id % 2 == 1 && index < streams.count ? streams[index] : nil
    }

    package mutating func receive(fromClient bytes: [UInt8]) throws(WebSocketError) -> [StreamAction] {
        guard !isFinished else { return [] }
        var actions: [StreamAction] = []
        for message in try reader.receive(bytes) {
            switch message {
            case .binary(let payload), .text(let payload): actions += toServer(payload)
            case .ping(let payload): actions.append(.toClient(WebSocketWriter.pong(payload)))
            case .pong: break
            case .close:
                isFinished = true
                actions += [.toClient(WebSocketWriter.close(code: 1000)), .finish]
            }
        }
        return actions
    }

    private mutating func toServer(_ payload: [UInt8]) -> [StreamAction] {
        guard let (channel, content) = version.framing.content(payload) else { return [] }
        if channel == Self.closeChannel && version == .v5 {
            guard content.count == 1, let closed = RemoteStream(rawValue: content[0]), closed == .stdin,
                open.remove(closed) != nil
            else { return [] }
            return [.toServer(codec.encode(.data(id: Self.id(of: closed, in: streams), [], isLast: true)))]
        }
        guard let stream = RemoteStream(rawValue: channel), stream == .stdin || stream == .resize,
            open.contains(stream)
        else { return [] }
        // An empty message opens a channel, and says nothing.
        guard !content.isEmpty else { return [] }
        return [.toServer(codec.encode(.data(id: Self.id(of: stream, in: streams), content, isLast: false)))]
    }

    package mutating func receive(fromServer bytes: [UInt8]) throws(SPDYError) -> [StreamAction] {
        guard !isFinished else { return [] }
        var actions: [StreamAction] = []
        for frame in try codec.receive(bytes) {
            switch frame {
            case .data(let id, let payload, let isLast):
                guard let stream = stream(id: id) else { continue }
                if !payload.isEmpty { actions.append(.toClient(version.framing.message(stream.rawValue, payload))) }
                if isLast { actions += ended(stream) }
            case .reset(let id, _):
                if let stream = stream(id: id) { actions += ended(stream) }
            case .synReply(let id, _, let isLast):
                if isLast, let stream = stream(id: id) { actions += ended(stream) }
            case .ping(let id): actions.append(.toServer(codec.encode(.ping(id: id))))
            case .goAway: actions += finish()
            case .synStream, .other: break
            }
        }
        return actions
    }

    /// The server's connection is at its end.
    package mutating func serverClosed() -> [StreamAction] { finish() }

    private mutating func ended(_ stream: RemoteStream) -> [StreamAction] {
        open.remove(stream)
        let isOutputOpen: Bool = open.contains(.stdout) || open.contains(.stderr)
        guard stream == .error || !open.contains(.error), !isOutputOpen || stream == .error else { return [] }
        // Output may still be on its way behind the error; then its own end finishes.
        return open.contains(.error) || isOutputOpen ? [] : finish()
    }

    private mutating func finish() -> [StreamAction] {
        guard !isFinished else { return [] }
        isFinished = true
        return [.toClient(WebSocketWriter.close(code: 1000)), .finish]
    }
}
