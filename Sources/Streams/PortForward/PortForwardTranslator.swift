/// Between a WebSocket client that speaks the old port-forward protocol (the Python client does) and a SPDY server.
/// Pure.
///
///     channel 2i     data of the i-th port of the query    SPDY stream with streamtype: data, port, requestid
///     channel 2i+1   errors of that port                   streamtype: error
///
/// The first message of each channel to the client is the port in two bytes, the lower one first.
package struct PortForwardTranslator: StreamTranslator, ~Copyable {
    package static let portLimit: Int = 100

    private let ports: [Int]
    private let framing: ChannelFraming
    private var reader = WebSocketReader()
    private var codec = SPDYCodec()
    /// Data streams that the server has not ended.
    private var openData: Set<Int> = []
    private var isFinished: Bool = false

    /// `ports` from 1 to 65535, at most `portLimit`.
    package init(ports: [Int], framing: ChannelFraming = .binary) {
        self.ports = ports
        self.framing = framing
    }

    /// Error streams first, as the server wants them. Stream numbers: 4i+1 for errors, 4i+3 for data.
    package mutating func begin() -> [StreamAction] {
        var actions: [StreamAction] = []
        for (index, port) in ports.enumerated() {
            openData.insert(index)
            for (id, type) in [(index * 4 + 1, "error"), (index * 4 + 3, "data")] {
                let fields: [SPDYField] = [
                    SPDYField("port", String(port)), SPDYField("requestid", String(index)),
                    SPDYField("streamtype", type),
                ]
                let frame: SPDYFrame = .synStream(id: UInt32(id), fields: fields, isLast: false)
                actions.append(.toServer(codec.encode(frame)))
            }
            // Nothing is ever sent on the stream of errors.
            actions.append(.toServer(codec.encode(.data(id: UInt32(index * 4 + 1), [], isLast: true))))
            let number: [UInt8] = [UInt8(port & 0xff), UInt8(port >> 8 & 0xff)]
            for channel in [index * 2, index * 2 + 1] {
                actions.append(.toClient(framing.message(UInt8(channel), number)))
            }
        }
        return actions
    }

    package mutating func receive(fromClient bytes: [UInt8]) throws(WebSocketError) -> [StreamAction] {
        guard !isFinished else { return [] }
        var actions: [StreamAction] = []
        for message in try reader.receive(bytes) {
            switch message {
            case .binary(let payload), .text(let payload):
                guard let (channel, content) = framing.content(payload), !content.isEmpty, channel % 2 == 0,
                    Int(channel) / 2 < ports.count
                else { continue }
                let id: UInt32 = UInt32(channel) * 2 + 3
                actions.append(.toServer(codec.encode(.data(id: id, content, isLast: false))))
            case .ping(let payload): actions.append(.toClient(WebSocketWriter.pong(payload)))
            case .pong: break
            case .close: actions += finish()
            }
        }
        return actions
    }

    package mutating func receive(fromServer bytes: [UInt8]) throws(SPDYError) -> [StreamAction] {
        guard !isFinished else { return [] }
        var actions: [StreamAction] = []
        for frame in try codec.receive(bytes) {
            switch frame {
            case .data(let id, let payload, let isLast):
                guard let channel = channel(id) else { continue }
                if !payload.isEmpty { actions.append(.toClient(framing.message(channel, payload))) }
                if isLast { actions += ended(channel) }
            case .reset(let id, _):
                if let channel = channel(id) { actions += ended(channel) }
            case .synReply(let id, _, let isLast):
                if isLast, let channel = channel(id) { actions += ended(channel) }
            case .ping(let id): actions.append(.toServer(codec.encode(.ping(id: id))))
            case .goAway: actions += finish()
            case .synStream, .other: break
            }
        }
        return actions
    }

    package mutating func serverClosed() -> [StreamAction] { finish() }

    private func channel(_ id: UInt32) -> UInt8? {
        guard id % 2 == 1, Int(id) / 4 < ports.count else { return nil }
        return UInt8(Int(id) / 4 * 2 + (id % 4 == 1 ? 1 : 0))
    }

    /// The WebSocket has no way to end one channel: it ends when all data streams have.
    private mutating func ended(_ channel: UInt8) -> [StreamAction] {
        guard channel % 2 == 0 else { return [] }
        openData.remove(Int(channel) / 2)
        return openData.isEmpty ? finish() : []
    }

    private mutating func finish() -> [StreamAction] {
        guard !isFinished else { return [] }
        isFinished = true
        return [.toClient(WebSocketWriter.close(code: 1000)), .finish]
    }
}
