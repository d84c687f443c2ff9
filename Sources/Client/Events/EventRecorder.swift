import APICore
package import APIMachinery
import Codec
import Flow
import Synchronization

/// Tells people what a component did, as core/v1 events. Recording never waits and never fails; when the queue is full,
/// or the server does not want an event, it is dropped.
package final class EventRecorder: Sendable {
    private struct Entry: Sendable {
        var note: EventNote
        var time: MicroTime
        var causes: [Cause]
    }

    private struct State {
        var queue: [Entry] = []
        var dropped: Int = 0
    }

    /// Tries per event while the server cannot be reached.
    private static let tries: Int = 4

    private let state: Mutex<State> = Mutex(State())
    private let signal = Signal()
    private let client: APIClient
    private let source: EventSourceName
    private let wallClock: any WallClock
    private let clock: any MonotonicClock
    private let log: Log
    private let capacity: Int

    package init(
        _ source: EventSourceName, client: APIClient, wallClock: any WallClock = SystemWallClock(),
        clock: any MonotonicClock = SystemMonotonicClock(), log: Log = .silent, capacity: Int = 1000
    ) {
        self.source = source
        self.client = client
        self.wallClock = wallClock
        self.clock = clock
        self.log = log
        self.capacity = capacity
    }

    /// How many notes were lost because the queue was full.
    package var dropped: Int { state.withLock { $0.dropped } }

    package func record(_ note: EventNote) {
        let entry = Entry(note: note, time: wallClock.nowMicro, causes: Causes.current)
        state.withLock { state in
            if state.queue.count < capacity { state.queue.append(entry) } else { state.dropped += 1 }
        }
        signal.raise()
    }

    /// Sends what is recorded until the task is cancelled.
    package func run() async {
        var correlator = EventCorrelator(source: source)
        while !Task.isCancelled {
            let batch: [Entry] = state.withLock { state in
                defer { state.queue = [] }
                return state.queue
            }
            if batch.isEmpty { await signal.wait() }
            for entry in batch where !Task.isCancelled {
                let action: EventCorrelator.Action = correlator.receive(entry.note, now: entry.time)
                await Causes.$current.withValue(entry.causes) { await send(action) }
            }
        }
    }

    private func send(_ action: EventCorrelator.Action) async {
        let backOff = BackOff(first: .milliseconds(250), longest: .seconds(10))
        for attempt in 1...Self.tries {
            do throws(StatusError) {
                try await attemptToSend(action)
                return
            } catch {
                let isWorthIt: Bool = error.isConnectionFailure || error.isTooManyRequests
                guard isWorthIt, attempt < Self.tries, !Task.isCancelled else {
                    // Nobody's work depends on it: a forbidden or late event (of a namespace that goes away)
                    // is no error.
                    log.debug("event dropped", [("component", source.component), ("error", error.message)])
                    return
                }
                await clock.sleep(for: backOff.delay(failures: attempt))
            }
        }
    }

    private func attemptToSend(_ action: EventCorrelator.Action) async throws(StatusError) {
        switch action {
        case .drop:
            return
        case .create(let event):
            try await client.create(event)
        case .count(let event):
            do throws(StatusError) {
                try await client.patch(APICore.Event.self, event.key, .strategic, Self.patch(event))
            } catch  where error.isNotFound {
                try await client.create(event)
            }
        }
    }

    /// What a repetition changes.
    private static func patch(_ event: APICore.Event) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("count")
        writer.int(event.count)
        writer.key("lastTimestamp")
        writer.string(event.lastTimestamp?.description ?? "")
        writer.key("message")
        writer.string(event.message)
        writer.endObject()
        return writer.finish()
    }
}
