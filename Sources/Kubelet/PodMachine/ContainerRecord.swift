package import API
package import APIMachinery

/// What the machine knows and wants of one container of a pod.
package struct ContainerRecord: Sendable, Equatable {
    package enum Role: Sendable, Equatable {
        /// Runs to its end before the next starts.
        case initial
        /// An init container that always restarts: it stays beside the others.
        case sidecar
        case main
        /// Added to a running pod for debugging; never restarted.
        case ephemeral
    }

    /// The one thing in flight for the container.
    package enum Operation: Sendable, Equatable {
        case none
        case ensuringImage
        case launching
        case postStart
        case killing
    }

    package var name: String
    package var role: Role
    package var operation: Operation = .none
    package var instance: ContainerInstance?
    /// The run before the present one.
    package var lastExit: ContainerExit?
    package var lastExitID: String = ""
    package var waitingReason: String = ""
    package var waitingMessage: String = ""
    package var crashes = Backoff()
    package var pulls = Backoff()
    package var imageReference: String = ""
    /// The start-up probe has succeeded, or there is none.
    package var isStarted: Bool = false
    /// The readiness probe has succeeded, or there is none.
    package var isReady: Bool = false
    package var areProbesOn: Bool = false
    /// When the image was last found wanting.
    package var pullFailedAt: Time?
    /// The runtime refused to create or start the container: when to try again.
    package var launchRetryAt: Time?
    /// The grace period of the kill under way, to tell whether a new one is more urgent.
    package var killGrace: Int = 0
    /// When its newest instance was first seen not running, where the runtime does not say since when.
    package var restedAt: Time?
    /// The instance that was killed because the runtime does not know what it does.
    package var killedUnknown: String = ""
    /// What it may have of the node: the spec's, but for CPU and memory that a resize has not been granted. nil for an
    /// ephemeral container, which has none.
    package var granted: ResourceRequirements?
    /// What its newest instance was given.
    package var applied: ResourceRequirements?
    /// It ran in an earlier sandbox and has to run again in the new one, whatever its exit was.
    package var mustRerun: Bool = false

    package init(name: String, role: Role) {
        self.name = name
        self.role = role
    }

    package var exit: ContainerExit? {
        if case .exited(let exit)? = instance?.state { return exit }
        return nil
    }

    package var isRunning: Bool { instance?.isRunning ?? false }

    /// How often it was started again: the attempt of its newest instance.
    package var restartCount: Int { instance?.attempt ?? 0 }
}

/// Doubling waits between attempts: 10 s to 300 s, forgotten after ten minutes without trouble. Upstream's numbers.
package struct Backoff: Sendable, Equatable {
    private static let first: Int = 10
    private static let longest: Int = 300

    private var seconds: Int = 0
    private var since: Time?

    package init() {}

    /// As an earlier life of the kubelet had it: `seconds` is what it noted when the newest attempt began, at `since`.
    /// Where it noted nothing, the number of restarts tells the most that the wait can have grown to.
    package init(noted seconds: Int?, restarts: Int, since: Time?) {
        let doublings: Int = min(max(restarts - 1, 0), 5)
        let most: Int = restarts > 0 ? min(Self.first << doublings, Self.longest) : 0
        self.seconds = min(max(seconds ?? most, 0), Self.longest)
        self.since = since
    }

    /// The wait in force, in seconds; 0 for none.
    package var currentSeconds: Int { seconds }

    /// Whether an attempt that failed at `failure` must still wait at `now`; until when.
    package func waits(after failure: Time, now: Time) -> Time? {
        guard seconds > 0, !isForgotten(at: failure) else { return nil }
        let until: Time = failure.adding(seconds: seconds)
        return until > now ? until : nil
    }

    /// An attempt begins: the next wait is twice as long.
    package mutating func advance(now: Time) {
        if isForgotten(at: now) { seconds = 0 }
        seconds = seconds == 0 ? Self.first : min(seconds * 2, Self.longest)
        since = now
    }

    private func isForgotten(at time: Time) -> Bool {
        guard let since else { return false }
        return time.seconds - since.seconds > Int64(2 * Self.longest)
    }

    package mutating func reset() {
        seconds = 0
        since = nil
    }
}
