package import API

/// One probe of one run of a container: when to ask, and what the answers amount to.
///
///     waiting for the delay ─► asking every period ─► threshold reached ─► told once, until the other one is reached
///                                                      (liveness, start-up: failed ─► on hold)
package struct ProbeMachine: Sendable, Equatable {
    package enum Answer: Sendable, Equatable {
        case success
        case failure(String)
    }

    package let kind: ProbeKind
    package let period: Duration
    package let timeout: Duration
    private let successThreshold: Int
    private let failureThreshold: Int
    /// When to ask next, since the clock's origin; nil: never again.
    package private(set) var next: Duration?
    private var run: Int = 0
    private var lastWasSuccess: Bool?
    /// What was told last.
    private var told: ProbeOutcome?

    /// - Parameters:
    ///   - started: when the container started, by the same clock as `receive`'s `now`.
    ///   - jitter: a part of the period to wait before the first question, 0 ..< 1: many probes begin together when the
    ///     kubelet starts on a node full of pods, and only then.
    package init(_ kind: ProbeKind, _ probe: Probe, started: Duration, now: Duration, jitter: Double) {
        self.kind = kind
        period = .seconds(max(1, probe.periodSeconds == 0 ? 10 : probe.periodSeconds))
        timeout = .seconds(max(1, probe.timeoutSeconds))
        successThreshold = max(1, probe.successThreshold)
        failureThreshold = max(1, probe.failureThreshold == 0 ? 3 : probe.failureThreshold)
        next = max(started + .seconds(probe.initialDelaySeconds), now) + period * jitter
    }

    /// Takes an answer; says what the machine of the pod should hear, if anything.
    package mutating func receive(_ answer: Answer, now: Duration) -> ProbeOutcome? {
        schedule(now: now)
        let isSuccess: Bool = answer == .success
        if lastWasSuccess == isSuccess {
            run += 1
        } else {
            lastWasSuccess = isSuccess
            run = 1
        }
        guard run >= (isSuccess ? successThreshold : failureThreshold) else { return nil }
        let outcome: ProbeOutcome
        switch answer {
        case .success: outcome = .success
        case .failure(let message): outcome = .failure(message: message)
        }
        // A container that is to be restarted is left alone; one that has started is not asked again.
        let isOver: Bool =
            switch kind {
            case .startup: true
            case .liveness: !isSuccess
            case .readiness: false
            }
        if isOver { next = nil }
        if case .success? = told, isSuccess { return nil }
        if case .failure? = told, !isSuccess { return nil }
        told = outcome
        return outcome
    }

    /// Every period on a fixed grid; what took longer than a period skips.
    private mutating func schedule(now: Duration) {
        guard var at = next else { return }
        at += period
        if at <= now { at = now + period }
        next = at
    }
}
