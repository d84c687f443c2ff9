import Synchronization

/// Bytes received and not yet read: a bounded buffer between an event loop and one reader.
final class IncomingBytes: Sendable {
    /// Above this many bytes reading stops.
    static let limit: Int = 256 * 1024

    private struct State {
        var chunks: [[UInt8]] = []
        var count: Int = 0
        var isEnded: Bool = false
        var isPaused: Bool = false
        var failure: String?
        var reader: CheckedContinuation<[UInt8]?, Never>?
    }

    private enum Step {
        case give([UInt8], wasPaused: Bool)
        case end
        case wait
    }

    private let state: Mutex<State> = Mutex(State())

    func read(resume: () -> Void) async -> [UInt8]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<[UInt8]?, Never>) in
                switch state.withLock({ Self.step(&$0, continuation) }) {
                case .give(let bytes, let wasPaused):
                    continuation.resume(returning: bytes)
                    if wasPaused { resume() }
                case .end: continuation.resume(returning: nil)
                case .wait: break
                }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(returning: nil)
        }
    }

    private static func step(_ state: inout State, _ continuation: CheckedContinuation<[UInt8]?, Never>) -> Step {
        precondition(state.reader == nil, "a connection has one reader at a time")
        if state.count > 0 {
            let bytes: [UInt8] = state.chunks.count == 1 ? state.chunks[0] : Array(state.chunks.joined())
            let wasPaused: Bool = state.isPaused
            state.chunks = []
            state.count = 0
            state.isPaused = false
            return .give(bytes, wasPaused: wasPaused)
        }
        if state.isEnded || Task.isCancelled { return .end }
        state.reader = continuation
        return .wait
    }

    func received(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let reader: CheckedContinuation<[UInt8]?, Never>? = state.withLock { state in
            if state.isEnded { return nil }
            if let reader = state.reader.take() { return reader }
            state.chunks.append(bytes)
            state.count += bytes.count
            state.isPaused = state.count >= Self.limit
            return nil
        }
        reader?.resume(returning: bytes)
    }

    /// Puts bytes back that were read too far. Only the reader calls this.
    func unread(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        state.withLock { state in
            state.chunks.insert(bytes, at: 0)
            state.count += bytes.count
        }
    }

    /// Nothing follows; what is there can still be read.
    func end(failure: String? = nil) {
        let reader: CheckedContinuation<[UInt8]?, Never>? = state.withLock { state in
            if state.failure == nil, !state.isEnded { state.failure = failure }
            state.isEnded = true
            return state.reader.take()
        }
        reader?.resume(returning: nil)
    }

    var isPaused: Bool { state.withLock { $0.isPaused } }
    /// What broke the connection.
    var failure: String? { state.withLock { $0.failure } }
}
