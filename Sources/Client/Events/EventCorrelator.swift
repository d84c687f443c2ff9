package import APICore
package import APIMachinery

/// Who reports events.
package struct EventSourceName: Sendable, Hashable {
    /// Upstream's component name: `replicaset-controller`, `kubelet`, …
    package var component: String
    /// The node, for components of nodes.
    package var host: String

    package init(_ component: String, host: String = "") {
        self.component = component
        self.host = host
    }
}

/// Decides what becomes of a note: a new event, a higher count of a known one, or nothing.
///
/// As upstream: equal notes within memory count up one event; from the tenth different message with the same
/// reason within
/// ten minutes on, one event stands for all of them; one object gets 25 events at once, then one in five minutes.
package struct EventCorrelator: Sendable {
    package enum Action: Sendable, Equatable {
        case drop
        case create(APICore.Event)
        /// Raises the count of the event of that name; the whole event is given for when it is gone.
        case count(APICore.Event)
    }

    package static let similarLimit: Int = 10
    package static let similarSpan: Int = 600
    package static let burst: Double = 25
    package static let refillPerSecond: Double = 1.0 / 300
    package static let messageLimit: Int = 1024

    /// What makes notes similar: everything but the message.
    private struct SimilarKey: Hashable, Sendable {
        var source: EventSourceName
        var kind: String
        var apiVersion: String
        var namespace: String
        var name: String
        var uid: String
        var fieldPath: String
        var type: EventNote.Kind
        var reason: String
    }

    private struct EqualKey: Hashable, Sendable {
        var similar: SimilarKey
        /// Empty when the event stands for many messages.
        var message: String
    }

    private struct Subject: Hashable, Sendable {
        var source: EventSourceName
        var kind: String
        var apiVersion: String
        var namespace: String
        var name: String
        var uid: String
    }

    private struct Similar: Sendable {
        var messages: Set<String>
        var last: Time
    }

    private struct Allowance: Sendable {
        var tokens: Double
        var last: Time
    }

    private struct Known: Sendable {
        var name: String
        var count: Int
        var first: Time
    }

    private let source: EventSourceName
    private var similar: LeastRecentlyUsed<SimilarKey, Similar>
    private var known: LeastRecentlyUsed<EqualKey, Known>
    private var allowances: LeastRecentlyUsed<Subject, Allowance>
    private var lastStamp: Int64 = 0

    /// - Parameter capacity: how many different notes are remembered; upstream's number by default.
    package init(source: EventSourceName, capacity: Int = 4096) {
        self.source = source
        similar = LeastRecentlyUsed(capacity: capacity)
        known = LeastRecentlyUsed(capacity: capacity)
        allowances = LeastRecentlyUsed(capacity: capacity)
    }

    package mutating func receive(_ note: EventNote, now: MicroTime) -> Action {
        let time: Time = now.time
        let object: ObjectReference = note.regarding
        let similarKey = SimilarKey(
            source: source, kind: object.kind, apiVersion: object.apiVersion, namespace: object.namespace,
            name: object.name, uid: object.uid, fieldPath: object.fieldPath, type: note.kind, reason: note.reason)
        let isCombined: Bool = isOneOfMany(similarKey, note.message, time)
        let message: String = isCombined ? "(combined from similar events): " + note.message : note.message
        let key = EqualKey(similar: similarKey, message: isCombined ? "" : note.message)

        var event: APICore.Event = event(note, message, now)
        let previous: Known? = known[key]
        if let previous {
            event.metadata.name = previous.name
            event.count = previous.count + 1
            event.firstTimestamp = previous.first
        }
        known[key] = Known(name: event.metadata.name, count: event.count, first: event.firstTimestamp ?? time)
        guard isAllowed(object, time) else { return .drop }
        return previous == nil ? .create(event) : .count(event)
    }

    private mutating func isOneOfMany(_ key: SimilarKey, _ message: String, _ now: Time) -> Bool {
        var record: Similar = similar[key] ?? Similar(messages: [], last: now)
        if now.secondsSince(record.last) > Self.similarSpan { record.messages = [] }
        // No need to remember more of them than make the difference.
        if record.messages.count < Self.similarLimit { record.messages.insert(message) }
        record.last = now
        similar[key] = record
        return record.messages.count >= Self.similarLimit
    }

    private mutating func isAllowed(_ object: ObjectReference, _ now: Time) -> Bool {
        let subject = Subject(
            source: source, kind: object.kind, apiVersion: object.apiVersion, namespace: object.namespace,
            name: object.name, uid: object.uid)
        var allowance: Allowance = allowances[subject] ?? Allowance(tokens: Self.burst, last: now)
        let passed = Double(max(0, now.secondsSince(allowance.last)))
        allowance.tokens = min(Self.burst, allowance.tokens + passed * Self.refillPerSecond)
        allowance.last = now
        let isAllowed: Bool = allowance.tokens >= 1
        if isAllowed { allowance.tokens -= 1 }
        allowances[subject] = allowance
        return isAllowed
    }

    private mutating func event(_ note: EventNote, _ message: String, _ now: MicroTime) -> APICore.Event {
        // Names end in the time in nanoseconds, as hexadecimal digits; ours never repeat.
        lastStamp = max(lastStamp + 1, now.microseconds * 1000)
        let stamp: String = String(lastStamp, radix: 16)
        return APICore.Event.with { event in
            event.metadata.name = note.regarding.name + "." + stamp
            event.metadata.namespace = note.regarding.namespace.isEmpty ? "default" : note.regarding.namespace
            event.involvedObject = note.regarding
            event.reason = note.reason
            event.message = Self.cut(message)
            event.type = note.kind.rawValue
            event.source.component = source.component
            event.source.host = source.host
            event.reportingComponent = source.component
            event.reportingInstance = source.host
            event.firstTimestamp = now.time
            event.lastTimestamp = now.time
            event.count = 1
        }
    }

    /// At most `messageLimit` bytes, at a character's edge.
    private static func cut(_ message: String) -> String {
        guard message.utf8.count > messageLimit else { return message }
        var end: String.Index = message.utf8.index(message.startIndex, offsetBy: messageLimit)
        while end > message.startIndex, end.samePosition(in: message) == nil {
            end = message.utf8.index(before: end)
        }
        return String(message[..<end])
    }
}
