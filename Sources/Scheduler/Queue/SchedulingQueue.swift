import API

/// The pods that wait for a node, in three places.
///
///     add ──► active ──pop──► in flight ──bound──► (gone)
///               ▲                 │ no node
///               │ back-off over   ▼
///            back-off ◄──event── unschedulable
///
/// Active pods are popped by priority, then by age. A pod that found no node sleeps until an event that may help it,
/// then waits out its back-off (1 s doubled per attempt, at most 10 s), as upstream does. Time comes from the caller.
package struct SchedulingQueue: Sendable {
    package struct Entry: Sendable {
        package var pod: PodInfo
        package var attempts: Int
        /// Microseconds since 1970 at which the pod was first queued.
        package var queuedAt: Int64
        package var failedPlugins: Set<PluginName> = []
        /// When it last went to sleep.
        package var parkedAt: Int64 = 0
    }

    /// Something that may make room or remove an obstacle.
    package enum ClusterEvent: Sendable {
        case nodeAdded, nodeChanged, podGone, volumesChanged
    }

    private var active = Heap()
    private var backingOff: [String: (entry: Entry, until: Int64)] = [:]
    private var unschedulable: [String: Entry] = [:]
    private var inFlight: [String: Entry] = [:]
    /// Raised while a pod is in flight, so that an event between its decision and its return is not lost.
    private var eventsDuringFlight: [ClusterEvent] = []
    private var sequence: Int64 = 0

    private static let initialBackoff: Int64 = 1_000_000
    private static let maximumBackoff: Int64 = 10_000_000
    /// A pod that no event woke is tried again after this long (upstream: five minutes).
    private static let longestSleep: Int64 = 300_000_000

    package init() {}

    package var counts: (active: Int, backoff: Int, unschedulable: Int) {
        (active.count, backingOff.count, unschedulable.count)
    }

    /// A pod without a node appeared, or its spec changed in a way that matters.
    package mutating func add(_ pod: PodInfo, now: Int64) {
        let uid: String = pod.pod.metadata.uid
        let known: Entry? = remove(uid: uid)
        sequence += 1
        let entry = Entry(pod: pod, attempts: known?.attempts ?? 0, queuedAt: known?.queuedAt ?? now)
        active.push(entry, sequence: sequence)
    }

    /// Replaces what is known of a waiting pod without changing its turn. false if it does not wait here.
    package mutating func refresh(_ pod: PodInfo) -> Bool {
        let uid: String = pod.pod.metadata.uid
        if backingOff[uid] != nil {
            backingOff[uid]?.entry.pod = pod
        } else if unschedulable[uid] != nil {
            unschedulable[uid]?.pod = pod
        } else if inFlight[uid] != nil {
            inFlight[uid]?.pod = pod
        } else {
            return active.replace(pod)
        }
        return true
    }

    /// The pod is bound, gone, or no longer ours.
    @discardableResult
    package mutating func remove(uid: String) -> Entry? {
        if let entry = active.remove(uid: uid) { return entry }
        if let (entry, _) = backingOff.removeValue(forKey: uid) { return entry }
        if let entry = unschedulable.removeValue(forKey: uid) { return entry }
        return inFlight.removeValue(forKey: uid)
    }

    /// The next pod to try; it is in flight until `remove` or `park`.
    package mutating func pop(now: Int64) -> Entry? {
        wake(now: now)
        guard var entry = active.pop() else { return nil }
        entry.attempts += 1
        inFlight[entry.pod.pod.metadata.uid] = entry
        return entry
    }

    /// No node took the pod: it sleeps until an event helps, or backs off if one came meanwhile.
    package mutating func park(uid: String, failed plugins: Set<PluginName>, now: Int64) {
        guard var entry = inFlight.removeValue(forKey: uid) else { return }
        entry.failedPlugins = plugins
        entry.parkedAt = now
        let helped: Bool = eventsDuringFlight.contains { Self.helps($0, plugins) }
        if inFlight.isEmpty { eventsDuringFlight = [] }
        if helped {
            backingOff[uid] = (entry, now + Self.backoff(entry.attempts))
        } else {
            unschedulable[uid] = entry
        }
    }

    /// Something went wrong that has nothing to do with the nodes (a binding was refused): try again after the back-off.
    package mutating func retry(uid: String, now: Int64) {
        guard let entry = inFlight.removeValue(forKey: uid) else { return }
        backingOff[uid] = (entry, now + Self.backoff(entry.attempts))
    }

    /// Wakes the pods that an event may help.
    package mutating func notice(_ event: ClusterEvent, now: Int64) {
        if !inFlight.isEmpty { eventsDuringFlight.append(event) }
        for (uid, entry) in unschedulable where Self.helps(event, entry.failedPlugins) {
            unschedulable[uid] = nil
            enqueueAfterBackoff(entry, uid: uid, now: now)
        }
    }

    /// When `pop` may have something next, in microseconds since 1970; nil if only an event can tell.
    package var nextDeadline: Int64? {
        let backoff: Int64? = backingOff.values.lazy.map(\.until).min()
        let sleep: Int64? = unschedulable.values.lazy.map { $0.parkedAt + Self.longestSleep }.min()
        return [backoff, sleep].compactMap { $0 }.min()
    }

    private mutating func wake(now: Int64) {
        for (uid, (entry, until)) in backingOff where until <= now {
            backingOff[uid] = nil
            sequence += 1
            active.push(entry, sequence: sequence)
        }
        for (uid, entry) in unschedulable where entry.parkedAt + Self.longestSleep <= now {
            unschedulable[uid] = nil
            sequence += 1
            active.push(entry, sequence: sequence)
        }
    }

    private mutating func enqueueAfterBackoff(_ entry: Entry, uid: String, now: Int64) {
        let until: Int64 = entry.parkedAt + Self.backoff(entry.attempts)
        if until > now {
            backingOff[uid] = (entry, until)
        } else {
            sequence += 1
            active.push(entry, sequence: sequence)
        }
    }

    private static func backoff(_ attempts: Int) -> Int64 {
        let doublings: Int = min(max(attempts - 1, 0), 5)
        return min(initialBackoff << Int64(doublings), maximumBackoff)
    }

    /// Which plugins' refusals an event may overcome.
    private static func helps(_ event: ClusterEvent, _ plugins: Set<PluginName>) -> Bool {
        switch event {
        case .nodeAdded, .nodeChanged: return true
        case .podGone: return !plugins.isDisjoint(with: [.nodeResourcesFit, .nodePorts, .volumeRestrictions])
        case .volumesChanged: return !plugins.isDisjoint(with: [.volumeRestrictions, .volumeBinding])
        }
    }
}
