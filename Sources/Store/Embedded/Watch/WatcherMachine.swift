/// One watcher: reads history until it has caught up, then takes live events; in order, none twice or missed.
///
///                 receive(history) that reaches what was pushed
///     history ────────────────────────────────────────────────▶ live
///        ▲                                                        │
///        └──────────── missed: the dispatcher fell behind ────────┘
///     either ──▶ ended: cancelled, or an error (once; then nil)
///
/// While it reads history it ignores pushed events, but notes how far they went: history must reach that before
/// it goes live. From then on each push brings all events after `position`.
struct WatcherMachine: Sendable {
    struct Limits: Sendable {
        var events: Int
        var bytes: Int
    }

    enum Step: Sendable {
        case deliver(events: [StoreEvent], revision: Revision)
        /// Read events after this revision, then `receive`, or `fail`.
        case readHistory(after: Revision)
        /// Nothing to do until a push says so.
        case wait
        /// nil: cancelled.
        case end(StoreError?)
    }

    private enum Phase: Sendable {
        /// Can transition to `live` or `ended`.
        case history
        /// Can transition to `history` or `ended`.
        case live
        /// Terminal. The error is told once.
        case ended(StoreError?)
    }

    let prefix: [UInt8]
    private let limits: Limits
    private var phase: Phase = .history
    private var buffer: [StoreEvent] = []
    private var bufferBytes: Int = 0
    /// Matching events up to here are delivered or in the buffer.
    private var position: Revision
    /// The newest revision that was pushed.
    private var pushed: Revision = 0

    /// Delivers events after `position`.
    init(prefix: [UInt8], after position: Revision, limits: Limits) {
        self.prefix = prefix
        self.position = position
        self.limits = limits
    }

    var isEnded: Bool {
        if case .ended = phase { true } else { false }
    }

    /// `next` would say `wait`.
    var isIdle: Bool {
        if case .live = phase { buffer.isEmpty } else { false }
    }

    /// What the reader should do now.
    mutating func next() -> Step {
        if case .ended(let error) = phase {
            phase = .ended(nil)
            return .end(error)
        }
        if !buffer.isEmpty {
            bufferBytes = 0
            return .deliver(events: exchange(&buffer, with: []), revision: position)
        }
        if case .history = phase {
            return .readHistory(after: position)
        }
        return .wait
    }

    /// Events after `position` up to `revision`, as asked by `readHistory`.
    mutating func receive(history events: [StoreEvent], through revision: Revision) {
        guard case .history = phase else { return }
        append(events, through: revision)
        if position >= pushed {
            phase = .live
        }
    }

    /// The events up to `revision` of keys with the prefix; none before those that came before.
    ///
    /// - Returns: true if a waiting reader should call `next`.
    mutating func push(_ events: [StoreEvent], through revision: Revision) -> Bool {
        pushed = max(pushed, revision)
        guard case .live = phase else { return false }
        append(events, through: revision)
        if buffer.count > limits.events || bufferBytes > limits.bytes {
            end(.slowWatcher(buffered: buffer.count))
        }
        return isEnded || !buffer.isEmpty
    }

    /// Events up to `revision` passed that nobody can push any more: they are to be read from history.
    mutating func missed(through revision: Revision) -> Bool {
        pushed = max(pushed, revision)
        guard case .live = phase, position < revision else { return false }
        phase = .history
        return true
    }

    /// The first end counts.
    mutating func end(_ error: StoreError?) {
        guard !isEnded else { return }
        phase = .ended(error)
        buffer = []
        bufferBytes = 0
    }

    private mutating func append(_ events: [StoreEvent], through revision: Revision) {
        for event in events where event.current.modRevision > position {
            buffer.append(event)
            bufferBytes += event.bytes
        }
        position = max(position, revision)
    }
}
