package import Streams
import Synchronization

/// Carries a WebSocket client's streams to a SPDY server and back, through a translator.
package final class WebSocketSession<Translator: StreamTranslator & ~Copyable>: Sendable {
    private enum End: Sendable {
        case finished
        case clientGone
    }

    private let client: any ByteConnection
    private let backend: any ByteConnection
    /// Never held while bytes are written. What goes to the server leaves in the order in which it was made, because
    /// only frames without compressed fields are made after the beginning.
    private let translator: Mutex<Translator>

    package init(client: any ByteConnection, backend: any ByteConnection, translator: consuming sending Translator) {
        self.client = client
        self.backend = backend
        self.translator = Mutex(translator)
    }

    package func run() async {
        let end: End = await carry()
        backend.close()
        if end == .finished { await StreamRelay.end(client) } else { client.close() }
    }

    private func carry() async -> End {
        if let end = await perform(translator.withLock { $0.begin() }) { return end }
        return await withTaskGroup(of: End.self) { group in
            group.addTask { await self.readClient() }
            group.addTask { await self.readBackend() }
            let end: End = await group.next() ?? .finished
            group.cancelAll()
            return end
        }
    }

    private func readClient() async -> End {
        while let bytes = await client.read() {
            let actions: [StreamAction]
            do throws(WebSocketError) {
                actions = try translator.withLock { translator throws(WebSocketError) in
                    try translator.receive(fromClient: bytes)
                }
            } catch {
                switch error {
                case .violation(let code, let reason):
                    return await perform([.toClient(WebSocketWriter.close(code: code, reason: reason)), .finish])
                        ?? .finished
                }
            }
            if let end = await perform(actions) { return end }
        }
        return .clientGone
    }

    private func readBackend() async -> End {
        while let bytes = await backend.read() {
            let actions: [StreamAction]
            do throws(SPDYError) {
                actions = try translator.withLock { translator throws(SPDYError) in
                    try translator.receive(fromServer: bytes)
                }
            } catch {
                return await perform([
                    .toClient(WebSocketWriter.close(code: 1011, reason: "the backend broke the protocol")), .finish,
                ]) ?? .finished
            }
            if let end = await perform(actions) { return end }
        }
        return await perform(translator.withLock { $0.serverClosed() }) ?? .finished
    }

    /// Nil: go on.
    private func perform(_ actions: [StreamAction]) async -> End? {
        for action in actions {
            switch action {
            case .toClient(let bytes): if await !client.write(bytes) { return .clientGone }
            // A backend that takes nothing more may still have something to say: its end is seen by its reader.
            case .toServer(let bytes): _ = await backend.write(bytes)
            case .finish: return .finished
            }
        }
        return nil
    }
}
