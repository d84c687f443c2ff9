package import APIMachinery
import Codec
import Synchronization

/// Where lines of the audit log go. Called on event loops: it must not block, and has a bound.
package protocol AuditSink: Sendable {
    /// One event as JSON, without a newline. False: there was no room, the event is lost.
    func append(_ line: [UInt8]) -> Bool
}

/// Keeps what the policy asks for.
package final class AuditLog: Sendable {
    private let policy: AuditPolicy
    private let sink: any AuditSink
    private let counts = Mutex<(events: Int, lost: Int)>((0, 0))

    package init(policy: AuditPolicy, sink: any AuditSink) {
        self.policy = policy
        self.sink = sink
    }

    /// The record of a request that is about to be answered; nil if the policy wants nothing of it.
    ///
    /// - Parameters:
    ///   - context: with the user that was authenticated, not the one that it acts as.
    ///   - uri: as the client sent it.
    ///   - resource: what the body is of; without it, bodies in protobuf are not kept.
    package func begin(
        _ context: RequestContext, uri: String, body: [UInt8] = [], contentType: String = "",
        resource: (any ServedResource)? = nil
    ) -> AuditEntry? {
        let decision: AuditPolicy.Decision = policy.decision(context, user: context.user)
        guard decision.level > .none else { return nil }
        let isKept: Bool = decision.level >= .request
        let entry = AuditEntry(
            self, decision, context, uri: uri,
            requestObject: isKept ? AuditJSON.object(body, contentType, decision.omitManagedFields, resource) : nil)
        entry.write(.requestReceived, at: context.receivedAt)
        return entry
    }

    fileprivate func append(_ line: [UInt8]) {
        let isWritten: Bool = sink.append(line)
        counts.withLock { counts in
            if isWritten { counts.events += 1 } else { counts.lost += 1 }
        }
    }

    /// Upstream's counters, for `/metrics`.
    package func writeMetrics(to text: inout String) {
        let (events, lost): (Int, Int) = counts.withLock { ($0.events, $0.lost) }
        MetricText.head("apiserver_audit_event_total", "Audit events written.", "counter", &text)
        MetricText.line("apiserver_audit_event_total", [], [], Double(events), &text)
        MetricText.head("apiserver_audit_error_total", "Audit events lost.", "counter", &text)
        MetricText.line("apiserver_audit_error_total", ["plugin"], ["log"], Double(lost), &text)
    }
}

/// What is kept about one request, stage by stage.
package final class AuditEntry: Sendable {
    private struct State {
        var impersonated: UserInfo?
        var isComplete: Bool = false
    }

    package let trail = AuditTrail()
    package var wantsAnswers: Bool { decision.level == .requestResponse }
    private let log: AuditLog
    private let decision: AuditPolicy.Decision
    private let context: RequestContext
    private let uri: String
    private let requestObject: [UInt8]?
    private let state = Mutex(State())

    fileprivate init(
        _ log: AuditLog, _ decision: AuditPolicy.Decision, _ context: RequestContext, uri: String,
        requestObject: [UInt8]?
    ) {
        self.log = log
        self.decision = decision
        self.context = context
        self.uri = uri
        self.requestObject = requestObject
    }

    /// The user that the request acts as, if it is another one.
    package func impersonate(_ user: UserInfo) {
        state.withLock { $0.impersonated = user }
    }

    /// How a request ended, or a long one began.
    package struct Outcome: Sendable {
        package var code: Int
        /// The answer if it is a Status.
        package var status: Status?
        /// JSON; only asked for if `wantsAnswers`.
        package var object: [UInt8]?
        /// Of an object that was created.
        package var name: String

        package init(code: Int, status: Status? = nil, object: [UInt8]? = nil, name: String = "") {
            self.code = code
            self.status = status
            self.object = object
            self.name = name
        }
    }

    package func started(_ outcome: Outcome, at time: MicroTime) {
        write(.responseStarted, at: time, outcome)
    }

    /// The first end counts: a late answer of a request that has timed out is no answer.
    package func complete(_ outcome: Outcome, at time: MicroTime) {
        let isFirst: Bool = state.withLock { state in
            defer { state.isComplete = true }
            return !state.isComplete
        }
        if isFirst { write(.responseComplete, at: time, outcome) }
    }

    fileprivate func write(_ stage: AuditStage, at time: MicroTime, _ outcome: Outcome? = nil) {
        guard !decision.omitStages.contains(stage) else { return }
        var event = AuditEvent(level: decision.level, stage: stage, context: context, uri: uri, time: time)
        event.impersonated = state.withLock { $0.impersonated }
        event.outcome = outcome
        event.requestObject = requestObject
        if let object = outcome?.object, wantsAnswers {
            event.responseObject = AuditJSON.object(object, "application/json", decision.omitManagedFields)
        }
        event.annotations = stage == .requestReceived ? [:] : trail.annotations
        log.append(event.line())
    }
}
