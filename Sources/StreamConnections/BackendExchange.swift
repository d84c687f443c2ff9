package import Streams
import Synchronization

/// A request for a backend.
package struct BackendRequest: Sendable, Equatable {
    package var method: String
    /// Path and query, encoded.
    package var target: String
    package var host: String
    package var fields: [HTTP1ResponseHead.Field]
    package var body: [UInt8] = []

    package init(method: String, target: String, host: String, fields: [HTTP1ResponseHead.Field] = []) {
        self.method = method
        self.target = target
        self.host = host
        self.fields = fields
    }

    /// Nil if something in it would break the lines of the head.
    var bytes: [UInt8]? {
        var text: String = "\(method) \(target) HTTP/1.1\r\nhost: \(host)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        let tellsLength: Bool = !body.isEmpty || !["GET", "HEAD"].contains(method)
        if tellsLength { text += "content-length: \(body.count)\r\n" }
        let breaks: Int = text.utf8.reduce(0) { $0 + ($1 == 0x0A || $1 == 0x0D || $1 == 0 ? 1 : 0) }
        let lines: Int = 2 + fields.count + (tellsLength ? 1 : 0)
        guard breaks == lines * 2, !target.utf8.contains(0x20) else { return nil }
        return Array((text + "\r\n").utf8) + body
    }
}

/// One exchange with a backend: its head is known, the body, or the connection after an upgrade, follows.
package final class BackendExchange: Sendable {
    private struct State {
        var reader: HTTP1ResponseReader
        var events: [HTTP1ResponseReader.Event]
    }

    package let head: HTTP1ResponseHead
    package let connection: OutgoingConnection
    private let state: Mutex<State>

    private init(
        head: HTTP1ResponseHead, connection: OutgoingConnection, reader: HTTP1ResponseReader,
        events: [HTTP1ResponseReader.Event]
    ) {
        self.head = head
        self.connection = connection
        state = Mutex(State(reader: reader, events: events))
    }

    /// Sends a request and reads the head of the answer. After 101 the connection is the caller's, from the first byte
    /// behind the head.
    ///
    /// - Parameter timeout: for the head; after it the connection is closed.
    package static func open(
        _ request: BackendRequest, on connection: OutgoingConnection, timeout: Duration = .seconds(60)
    ) async throws(DialError) -> BackendExchange {
        typealias Outcome = Result<BackendExchange, DialError>
        let outcome: Outcome = await withTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                do throws(DialError) {
                    return .success(try await exchange(request, on: connection))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return nil
            }
            let first: Outcome? = await group.next() ?? nil
            if first == nil { connection.close() }
            group.cancelAll()
            return first ?? .failure(DialError("net/http: timeout awaiting response headers"))
        }
        return try outcome.get()
    }

    private static func exchange(
        _ request: BackendRequest, on connection: OutgoingConnection
    ) async throws(DialError) -> BackendExchange {
        guard let bytes = request.bytes else { throw DialError("the request for the backend is malformed") }
        guard await connection.write(bytes) else { throw DialError(connection.failure ?? "EOF") }
        var reader = HTTP1ResponseReader()
        while true {
            guard let received = await connection.read() else { throw DialError(connection.failure ?? "EOF") }
            var events: [HTTP1ResponseReader.Event] = try check { () throws(HTTP1ResponseError) in
                try reader.receive(received)
            }
            guard case .head(let head) = events.first else { continue }
            events.removeFirst()
            if head.status == 101 {
                for case .body(let rest) in events { connection.unread(rest) }
                events = []
            }
            return BackendExchange(head: head, connection: connection, reader: reader, events: events)
        }
    }

    private static func check<Value>(_ body: () throws(HTTP1ResponseError) -> Value) throws(DialError) -> Value {
        do throws(HTTP1ResponseError) {
            return try body()
        } catch {
            throw DialError(error.description)
        }
    }

    /// The next piece of the body; nil at its end. An error: the body was cut off.
    package func nextBody() async throws(DialError) -> [UInt8]? {
        while true {
            switch state.withLock({ $0.events.isEmpty ? nil : $0.events.removeFirst() }) {
            case .body(let bytes): return bytes
            case .end: return nil
            case .head: continue
            case nil: break
            }
            let received: [UInt8]? = await connection.read()
            if received == nil, let failure = connection.failure { throw DialError(failure) }
            let isOver: Bool = try Self.check { () throws(HTTP1ResponseError) in
                try state.withLock { state throws(HTTP1ResponseError) in
                    if let received {
                        state.events += try state.reader.receive(received)
                        return false
                    }
                    let last: [HTTP1ResponseReader.Event] = try state.reader.closed()
                    state.events += last
                    return last.isEmpty
                }
            }
            if isOver { return nil }
        }
    }

    /// The body up to a limit; what was received before an error.
    package func wholeBody(limit: Int) async -> [UInt8] {
        var body: [UInt8] = []
        while body.count < limit, let bytes = try? await nextBody() { body += bytes }
        return Array(body.prefix(limit))
    }
}
