/// Carries bytes between a client and a backend until one of them ends.
package enum StreamRelay {
    private enum End: Sendable {
        case clientEnded
        case backendEnded
        /// The backend takes nothing more, but may still have something to say.
        case backendDeaf
    }

    /// How long a client may take to read the last bytes and close.
    private static let linger: Duration = .seconds(2)

    package static func run(client: some ByteConnection, backend: some ByteConnection) async {
        let isClientThere: Bool = await withTaskGroup(of: End.self) { group in
            group.addTask {
                while let bytes = await client.read() {
                    guard await backend.write(bytes) else { return .backendDeaf }
                }
                return .clientEnded
            }
            group.addTask {
                while let bytes = await backend.read() {
                    guard await client.write(bytes) else { return .clientEnded }
                }
                return .backendEnded
            }
            while let end = await group.next() {
                if end == .backendDeaf { continue }
                group.cancelAll()
                return end == .backendEnded
            }
            return true
        }
        backend.close()
        if isClientThere { await end(client) } else { client.close() }
    }

    /// Ends a client's connection so that it gets all that was written: a socket that is closed with bytes unread is
    /// reset, and the peer's kernel may then throw away what it has received. The rest is done by dropping it.
    package static func end(_ client: some ByteConnection) async {
        client.closeWrite()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { while await client.read() != nil {} }
            group.addTask { try? await Task.sleep(for: linger) }
            await group.next()
            group.cancelAll()
        }
    }
}
