package import APICoordination
package import APIMachinery

/// The logic of leader election on a Lease, as upstream's: who may write, when the leader must give up.
///
/// Times on the lease are for people; whether a holder is alive is judged by how long *we* have seen no
/// change, so that clocks
/// of different machines need not agree.
package struct LeaderMachine: Sendable {
    package struct Configuration: Sendable {
        package var lease: ObjectKey
        /// Unique per process: host name and a random part.
        package var identity: String
        /// How long others wait without a sign of life.
        package var leaseDuration: Duration = .seconds(15)
        /// How long the leader keeps trying to renew before it gives up.
        package var renewDeadline: Duration = .seconds(10)
        package var retryPeriod: Duration = .seconds(2)

        package init(lease: ObjectKey, identity: String) {
            self.lease = lease
            self.identity = identity
        }
    }

    /// What to do about a lease.
    package enum Action: Sendable, Equatable {
        case create(Lease)
        case update(Lease)
        /// Somebody else leads.
        case wait
    }

    package let configuration: Configuration
    package private(set) var isLeader: Bool = false
    /// The lease as we saw or wrote it last, and when that was.
    private var seen: LeaseSpec?
    private var seenAt: Duration = .zero
    /// When the last successful write began.
    private var renewedAt: Duration = .zero

    package init(_ configuration: Configuration) {
        precondition(
            configuration.leaseDuration > configuration.renewDeadline
                && configuration.renewDeadline > configuration.retryPeriod,
            "a leader must give up before others take over, and try more than once before that")
        self.configuration = configuration
    }

    /// Who leads, as far as we know; empty: nobody.
    package var holder: String { seen?.holderIdentity ?? "" }

    /// Until when the leader leads if no renewal succeeds.
    package var deadline: Duration { renewedAt + configuration.renewDeadline }

    /// Looks at the lease as it is on the server; nil: there is none.
    package mutating func look(at lease: Lease?, now: Duration, time: MicroTime) -> Action {
        guard let lease else { return .create(mine(Lease(), time: time)) }
        if lease.spec != seen {
            seen = lease.spec
            seenAt = now
        }
        let holder: String = lease.spec.holderIdentity ?? ""
        if holder != configuration.identity {
            // Another one wrote: whatever we believed, we do not lead.
            isLeader = false
            let length: Duration = .seconds(lease.spec.leaseDurationSeconds ?? 0)
            if !holder.isEmpty && now < seenAt + length { return .wait }
        }
        return .update(mine(lease, time: time))
    }

    /// The write that `look` asked for succeeded; it began at `began`.
    package mutating func wrote(_ lease: Lease, began: Duration, now: Duration) {
        seen = lease.spec
        seenAt = now
        renewedAt = began
        isLeader = true
    }

    /// Whether leadership is lost because no renewal has succeeded in time.
    package mutating func giveUp(now: Duration) -> Bool {
        guard isLeader, now >= deadline else { return !isLeader }
        isLeader = false
        return true
    }

    /// Makes the lease one that hands leadership over at once.
    package static func release(_ lease: inout Lease, time: MicroTime) {
        lease.spec.holderIdentity = ""
        lease.spec.leaseDurationSeconds = 1
        lease.spec.acquireTime = time
        lease.spec.renewTime = time
    }

    private func mine(_ lease: Lease, time: MicroTime) -> Lease {
        var lease: Lease = lease
        lease.metadata.namespace = configuration.lease.namespace
        lease.metadata.name = configuration.lease.name
        let isSame: Bool = lease.spec.holderIdentity == configuration.identity
        if !isSame {
            let isFirst: Bool = lease.metadata.uid.isEmpty
            lease.spec.leaseTransitions = isFirst ? 0 : (lease.spec.leaseTransitions ?? 0) + 1
            lease.spec.acquireTime = time
        }
        lease.spec.holderIdentity = configuration.identity
        lease.spec.leaseDurationSeconds = Int(configuration.leaseDuration.components.seconds)
        lease.spec.renewTime = time
        return lease
    }
}
