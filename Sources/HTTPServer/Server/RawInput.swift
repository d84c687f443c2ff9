import Synchronization

/// Bytes received on a raw connection and not yet read: a bounded buffer between the event loop and one reader.
final class RawInput: Sendable {
    private struct State {
        var chunks: [[UInt8]] = []
        var bytes: Int = 0
        var ended: Bool = false
        /// The loop stopped reading because `bytes` reached the bound.
        var paused: Bool = false
        var reader: CheckedContinuation<[UInt8]?, Never>?
    }

    private enum ReadResult {
        case bytes([UInt8])
        case end
        case wait
    }

    private let state: Mutex<State> = Mutex(State())

    /// The next bytes; nil at the end or when cancelled. Calls `resume` when reading had stopped and may go on.
    func read(resume: () -> Void) async -> [UInt8]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<[UInt8]?, Never>) in
                let (result, wasPaused): (ReadResult, Bool) = state.withLock { Self.read(&$0, continuation) }
                switch result {
                case .bytes(let bytes): continuation.resume(returning: bytes)
                case .end: continuation.resume(returning: nil)
                case .wait: break
                }
                if wasPaused { resume() }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(returning: nil)
        }
    }

    private static func read(
        _ state: inout State, _ continuation: CheckedContinuation<[UInt8]?, Never>
    ) -> (ReadResult, Bool) {
        precondition(state.reader == nil, "a raw connection has one reader at a time")
        if state.bytes > 0 {
            let bytes: [UInt8] = state.chunks.count == 1 ? state.chunks[0] : Array(state.chunks.joined())
            let wasPaused: Bool = state.paused
            state.chunks = []
            state.bytes = 0
            state.paused = false
            return (.bytes(bytes), wasPaused)
        }
        if state.ended || Task.isCancelled { return (.end, false) }
        state.reader = continuation
        return (.wait, false)
    }

    /// Takes received bytes; true: stop reading until `read` says to resume. On the event loop.
    func received(_ bytes: [UInt8], limit: Int) -> Bool {
        let (reader, pause): (CheckedContinuation<[UInt8]?, Never>?, Bool) = state.withLock { state in
            if state.ended || bytes.isEmpty { return (nil, false) }
            if let reader = state.reader.take() { return (reader, false) }
            state.chunks.append(bytes)
            state.bytes += bytes.count
            state.paused = state.bytes >= limit
            return (nil, state.paused)
        }
        reader?.resume(returning: bytes)
        return pause
    }

    /// Nothing follows; what is there can still be read.
    func end() {
        let reader: CheckedContinuation<[UInt8]?, Never>? = state.withLock {
            $0.ended = true
            return $0.reader.take()
        }
        reader?.resume(returning: nil)
    }
}
