import NIOCore
import Synchronization

/// What an exchange needs of its connection. Called on the connection's event loop only.
protocol ResponseSink: AnyObject {
    func respond(_ exchange: Exchange, status: Int, fields: HTTPFields, body: [UInt8])
    func begin(_ exchange: Exchange, status: Int, fields: HTTPFields)
    /// Sends what `take` gives.
    func drain(_ exchange: Exchange)
    /// Ends one run of drains: time to flush.
    func drained()
    /// Cuts the exchange (HTTP/2: the stream; HTTP/1.1: the connection).
    func abort(_ exchange: Exchange)
    func upgrade(_ exchange: Exchange, status: Int, fields: HTTPFields, input: RawInput)
    func resumeReading()
    /// Nobody holds the raw connection any more: close it once its output is sent.
    func abandoned(_ exchange: Exchange)
}

/// One request's answer: what was promised, what waits to be sent, who wants to know of its end.
///
/// Any thread writes into it; the connection's event loop takes out.
///
///     waiting ──claim──► answering ──finish + all taken + written──► complete
///        └──────────────────┴──────── close(reason) ───────────────► closed
final class Exchange: Sendable {
    /// What a writer gave, not yet sent.
    enum Chunk {
        case bytes([UInt8])
        case buffer(ByteBuffer)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .buffer(let buffer): buffer.readableBytes
            }
        }
    }

    /// A part of a chunk.
    enum Piece {
        case slice(ArraySlice<UInt8>)
        case buffer(ByteBuffer)
    }

    /// A piece of body, sent in one turn.
    struct Turn {
        var pieces: [Piece] = []
        var bytes: Int = 0
        /// Nothing follows.
        var end: Bool = false

        /// All of it, copied only where it is not one buffer already.
        func buffer(_ allocator: ByteBufferAllocator) -> ByteBuffer {
            if pieces.count == 1, case .buffer(let buffer) = pieces[0] { return buffer }
            var whole: ByteBuffer = allocator.buffer(capacity: bytes)
            append(to: &whole)
            return whole
        }

        func append(to buffer: inout ByteBuffer) {
            for piece in pieces {
                switch piece {
                case .slice(let slice): buffer.writeBytes(slice)
                case .buffer(let part): buffer.writeImmutableBuffer(part)
                }
            }
        }
    }

    private struct State {
        var answered: Bool = false
        /// No more bytes will be accepted.
        var ended: Bool = false
        /// The end was handed to the connection.
        var endTaken: Bool = false
        /// Terminal, well or not (`reason`).
        var over: Bool = false
        var reason: HTTPCloseReason?
        /// Waiting to be drained by the outbox.
        var registered: Bool = false

        var chunks: [Chunk] = []
        /// The chunks before this index were taken.
        var firstChunk: Int = 0
        /// Bytes of the first chunk that were taken.
        var offset: Int = 0
        var pending: Int = 0
        var inFlight: Int = 0

        var closeCallbacks: [@Sendable (HTTPCloseReason) -> Void] = []
        var writableCallbacks: [@Sendable () -> Void] = []
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0

        mutating func dropChunks() {
            chunks.removeAll()
            firstChunk = 0
            offset = 0
            pending = 0
        }
    }

    /// One turn of a body; a loop goes on with other work after it.
    static let turnBytes: Int = 64 * 1024
    /// How much more than that a turn may have, so that no small rest remains.
    private static let turnSlack: Int = 16 * 1024
    /// Bytes given to the connection and not yet taken by the socket.
    static let inFlightLimit: Int = 256 * 1024

    /// HTTP/2 stream number; 0 for HTTP/1.1.
    let streamID: Int
    let isHead: Bool
    let canUpgrade: Bool
    private let outbox: Outbox
    private let lowWatermark: Int
    private let limit: Int
    private let state: Mutex<State>

    init(streamID: Int, isHead: Bool, canUpgrade: Bool, outbox: Outbox, lowWatermark: Int, limit: Int) {
        self.streamID = streamID
        self.isHead = isHead
        self.canUpgrade = canUpgrade
        self.outbox = outbox
        self.lowWatermark = lowWatermark
        self.limit = limit
        self.state = Mutex(State())
    }

    /// True for the first caller.
    func claimAnswer() -> Bool {
        state.withLock {
            if $0.answered { return false }
            $0.answered = true
            return true
        }
    }

    // MARK: any thread

    func respond(status: Int, fields: HTTPFields, body: [UInt8]) {
        guard !isOver else { return }
        outbox.perform { $0.respond(self, status: status, fields: fields, body: body) }
    }

    func begin(status: Int, fields: HTTPFields) {
        guard !isOver else { return }
        outbox.perform { $0.begin(self, status: status, fields: fields) }
    }

    func upgrade(status: Int, fields: HTTPFields) -> RawConnection {
        let input: RawInput = RawInput()
        if isOver {
            input.end()
        } else {
            outbox.perform { $0.upgrade(self, status: status, fields: fields, input: input) }
        }
        return RawConnection(self, input)
    }

    func resumeReading() {
        guard !isOver else { return }
        outbox.perform { $0.resumeReading() }
    }

    func enqueue(_ chunk: Chunk) -> HTTPBodyWriter.WriteResult {
        let count: Int = chunk.count
        let result: (HTTPBodyWriter.WriteResult, Bool) = state.withLock { state in
            if state.over || state.ended { return (.closed, false) }
            if count == 0 { return (.accepted, false) }
            let held: Int = state.pending + state.inFlight
            // One write larger than the bound passes when nothing waits, or it could never be sent.
            if held > 0, held + count > limit { return (.full, false) }
            state.chunks.append(chunk)
            state.pending += count
            return (.accepted, Self.register(&state))
        }
        if result.1 { outbox.add(self) }
        return result.0
    }

    func finish() {
        let register: Bool = state.withLock { state in
            if state.over || state.ended { return false }
            state.ended = true
            return Self.register(&state)
        }
        if register { outbox.add(self) }
    }

    func abortUnlessFinished() {
        let abort: Bool = state.withLock { state in
            if state.over || state.ended { return false }
            state.ended = true
            state.dropChunks()
            return true
        }
        if abort { outbox.perform { $0.abort(self) } }
    }

    /// Ends a raw connection that nobody holds, after what was written.
    func abandon() {
        guard !isOver else { return }
        finish()
        outbox.perform { $0.abandoned(self) }
    }

    /// Cuts the connection of an upgraded exchange, whatever waits.
    func cut() {
        guard !isOver else { return }
        state.withLock {
            $0.ended = true
            $0.dropChunks()
        }
        outbox.perform { $0.abort(self) }
    }

    var executor: LoopExecutor { outbox.executor }

    var bufferedBytes: Int { state.withLock { $0.pending + $0.inFlight } }
    var isWritable: Bool { state.withLock { !$0.over && !$0.ended && $0.pending + $0.inFlight < lowWatermark } }
    var closeReason: HTTPCloseReason? { state.withLock { $0.reason } }
    private var isOver: Bool { state.withLock { $0.over } }

    func onClose(_ body: @escaping @Sendable (HTTPCloseReason) -> Void) {
        let reason: HTTPCloseReason? = state.withLock {
            if !$0.over { $0.closeCallbacks.append(body) }
            return $0.reason
        }
        if let reason { body(reason) }
    }

    func whenWritable(_ body: @escaping @Sendable () -> Void) {
        let now: Bool = state.withLock {
            if $0.over || $0.pending + $0.inFlight < lowWatermark { return true }
            $0.writableCallbacks.append(body)
            return false
        }
        if now { outbox.eventLoop.execute(body) }
    }

    func writable() async -> Bool {
        let id: UInt64 = state.withLock {
            $0.nextWaiter += 1
            return $0.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let now: Bool = state.withLock {
                    if $0.over || Task.isCancelled || $0.pending + $0.inFlight < lowWatermark { return true }
                    $0.waiters[id] = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
        return isWritable && !Task.isCancelled
    }

    private static func register(_ state: inout State) -> Bool {
        if state.registered { return false }
        state.registered = true
        return true
    }

    // MARK: the connection's event loop

    /// The whole body of an answer, to be sent in turns.
    func preload(_ body: [UInt8]) {
        state.withLock { state in
            guard !state.over else { return }
            state.chunks = [.bytes(body)]
            state.pending = body.count
            state.ended = true
        }
    }

    /// The outbox is about to drain.
    func unregister() {
        state.withLock { $0.registered = false }
    }

    /// The next piece to send; nil when there is nothing, or enough is in flight.
    func take() -> Turn? {
        state.withLock { state in
            guard !state.over, !state.endTaken else { return nil }
            guard state.pending > 0 || state.ended else { return nil }
            guard state.inFlight < Self.inFlightLimit else { return nil }
            var turn: Turn = Turn()
            while state.firstChunk < state.chunks.count, turn.bytes < Self.turnBytes {
                let count: Int = state.chunks[state.firstChunk].count
                // A little more than a turn is one turn: a small rest would cost as much as a large one.
                let fits: Bool = turn.bytes + count - state.offset <= Self.turnBytes + Self.turnSlack
                let end: Int = fits ? count : min(count, state.offset + Self.turnBytes - turn.bytes)
                switch state.chunks[state.firstChunk] {
                case .bytes(let bytes): turn.pieces.append(.slice(bytes[state.offset..<end]))
                case .buffer(let buffer):
                    let begin: Int = buffer.readerIndex + state.offset
                    // A part of what is there is always a slice.
                    guard let slice = buffer.getSlice(at: begin, length: end - state.offset) else { break }
                    turn.pieces.append(.buffer(slice))
                }
                turn.bytes += end - state.offset
                if end == count {
                    state.chunks[state.firstChunk] = .bytes([])
                    state.firstChunk += 1
                    state.offset = 0
                } else {
                    state.offset = end
                }
            }
            if state.firstChunk == state.chunks.count {
                state.chunks.removeAll(keepingCapacity: true)
                state.firstChunk = 0
            }
            state.pending -= turn.bytes
            state.inFlight += turn.bytes
            turn.end = state.ended && state.pending == 0
            state.endTaken = turn.end
            return turn
        }
    }

    /// Whether bytes wait for the socket.
    var isInFlight: Bool { isInFlight(besides: 0) }

    func isInFlight(besides bytes: Int) -> Bool { state.withLock { $0.inFlight > bytes } }

    /// The socket took bytes of a turn.
    func wrote(_ bytes: Int) {
        let ready: ([@Sendable () -> Void], [CheckedContinuation<Void, Never>]) = state.withLock { state in
            state.inFlight -= bytes
            guard state.pending + state.inFlight < lowWatermark else { return ([], []) }
            return Self.takeWriters(&state)
        }
        Self.wake(ready)
    }

    /// Everything was sent.
    func complete() {
        let ready: ([@Sendable () -> Void], [CheckedContinuation<Void, Never>]) = state.withLock { state in
            if state.over { return ([], []) }
            state.over = true
            state.ended = true
            state.dropChunks()
            state.closeCallbacks.removeAll()
            return Self.takeWriters(&state)
        }
        Self.wake(ready)
    }

    /// It ended before it was complete.
    func close(_ reason: HTTPCloseReason) {
        var callbacks: [@Sendable (HTTPCloseReason) -> Void] = []
        let ready: ([@Sendable () -> Void], [CheckedContinuation<Void, Never>]) = state.withLock { state in
            if state.over { return ([], []) }
            state.over = true
            state.reason = reason
            state.dropChunks()
            swap(&callbacks, &state.closeCallbacks)
            return Self.takeWriters(&state)
        }
        for callback in callbacks { callback(reason) }
        Self.wake(ready)
    }

    private static func takeWriters(
        _ state: inout State
    ) -> ([@Sendable () -> Void], [CheckedContinuation<Void, Never>]) {
        if state.writableCallbacks.isEmpty && state.waiters.isEmpty { return ([], []) }
        let result: ([@Sendable () -> Void], [CheckedContinuation<Void, Never>]) = (
            state.writableCallbacks, Array(state.waiters.values)
        )
        state.writableCallbacks.removeAll()
        state.waiters.removeAll()
        return result
    }

    private static func wake(_ ready: ([@Sendable () -> Void], [CheckedContinuation<Void, Never>])) {
        for callback in ready.0 { callback() }
        for waiter in ready.1 { waiter.resume() }
    }
}
