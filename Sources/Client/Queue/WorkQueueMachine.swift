package import Flow

/// The logic of a work queue: which key is waiting, which is worked on, which comes later.
///
///     add ──▶ ready ──next──▶ processing ──done──▶ (gone)
///      ▲        ▲                 │ add meanwhile: dirty
///      │        └─────────────────┘ done: ready again
///    delayed (add after, retry)
///
/// A key is never processed by two at once, and no add is lost: an add during processing makes the key ready again
/// when it is done. What is added twice before it is processed is processed once, with the causes of both.
package struct WorkQueueMachine<Key: Hashable & Sendable>: Sendable {
    /// A key to work on.
    package struct Item: Sendable {
        package var key: Key
        /// Why: the newest `Cause.limit` of all merged adds.
        package var causes: [Cause]
        /// How long it waited since it became ready.
        package var waited: Duration
    }

    private struct Waiting {
        var causes: [Cause]
        var since: Duration
    }

    private var ready: [Key] = []
    /// Index of the first live element of `ready`.
    private var head: Int = 0
    /// Keys in `ready`, and keys that were added while they are processed.
    private var dirty: [Key: Waiting] = [:]
    private var processing: [Key: Duration] = [:]
    private var delayed = TimerHeap<Key>()
    private var delayedCauses: [Key: [Cause]] = [:]
    private var failures: [Key: Int] = [:]
    private let backOff: BackOff
    package private(set) var isShutDown: Bool = false
    package private(set) var metrics = WorkQueueMetrics()

    package init(backOff: BackOff) {
        self.backOff = backOff
    }

    /// Keys that are ready.
    package var depth: Int { ready.count - head }

    /// Adds a key; true if that made one more key ready.
    package mutating func add(_ key: Key, causes: [Cause], now: Duration) -> Bool {
        if isShutDown { return false }
        if dirty[key] != nil {
            dirty[key]?.causes.merge(causes)
            return false
        }
        metrics.adds += 1
        var merged: [Cause] = []
        merged.merge(causes)
        dirty[key] = Waiting(causes: merged, since: now)
        if processing[key] != nil { return false }
        ready.append(key)
        return true
    }

    /// Adds a key later; several such adds count as the earliest.
    package mutating func add(_ key: Key, after delay: Duration, causes: [Cause], now: Duration) -> Bool {
        if isShutDown { return false }
        guard delay > .zero else { return add(key, causes: causes, now: now) }
        delayed.add(key, deadline: now + delay)
        delayedCauses[key, default: []].merge(causes)
        return false
    }

    /// Forgets a delayed add of the key.
    package mutating func cancelDelay(_ key: Key) {
        delayed.remove(key)
        delayedCauses[key] = nil
    }

    /// Adds a failed key again, later each time; tells the delay.
    package mutating func retry(_ key: Key, atLeast: Duration, causes: [Cause], now: Duration) -> Duration {
        let count: Int = failures[key, default: 0] + 1
        failures[key] = count
        metrics.retries += 1
        let delay: Duration = max(atLeast, backOff.delay(failures: count))
        _ = add(key, after: delay, causes: causes, now: now)
        return delay
    }

    /// Forgets the key's failures: its next one backs off from the start.
    package mutating func forget(_ key: Key) { failures[key] = nil }

    package func failures(of key: Key) -> Int { failures[key] ?? 0 }

    /// Makes ready what is due; tells how many keys became ready, and when to call again.
    package mutating func promote(now: Duration) -> (woken: Int, next: Duration?) {
        var woken: Int = 0
        while let key = delayed.pop(due: now) {
            if add(key, causes: delayedCauses.removeValue(forKey: key) ?? [], now: now) { woken += 1 }
        }
        return (woken, isShutDown ? nil : delayed.next())
    }

    /// The next key to work on. It must be given back with `done`.
    package mutating func next(now: Duration) -> Item? {
        guard head < ready.count else { return nil }
        let key: Key = ready[head]
        head += 1
        if head == ready.count {
            ready.removeAll(keepingCapacity: ready.count < 1024)
            head = 0
        } else if head > 1024 && head > ready.count / 2 {
            ready.removeFirst(head)
            head = 0
        }
        guard let waiting = dirty.removeValue(forKey: key) else {
            preconditionFailure("a ready key is dirty")
        }
        processing[key] = now
        let waited: Duration = now - waiting.since
        metrics.queueDuration.observe(waited)
        return Item(key: key, causes: waiting.causes, waited: waited)
    }

    /// The key has been worked on; true if it became ready again.
    package mutating func done(_ key: Key, now: Duration) -> Bool {
        guard let began = processing.removeValue(forKey: key) else {
            preconditionFailure("only a key that is processed can be done")
        }
        metrics.workDuration.observe(now - began)
        guard dirty[key] != nil else { return false }
        ready.append(key)
        return true
    }

    /// Takes no more adds; what is ready is still given out.
    package mutating func shutDown() {
        isShutDown = true
        delayed = TimerHeap()
        delayedCauses = [:]
    }

    /// The metrics with the moment's gauges.
    package func metrics(now: Duration) -> WorkQueueMetrics {
        var result: WorkQueueMetrics = metrics
        result.depth = depth
        result.unfinishedWork = processing.values.reduce(.zero) { $0 + (now - $1) }
        result.longestRunning = processing.values.map { now - $0 }.max() ?? .zero
        return result
    }
}

extension [Cause] {
    /// Adds causes that are not there yet; of too many the newest are kept.
    package mutating func merge(_ more: [Cause]) {
        for cause in more where !contains(cause) { append(cause) }
        if count > Cause.limit { removeFirst(count - Cause.limit) }
    }
}
