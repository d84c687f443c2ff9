package import APIMachinery

/// The logic of list and watch: what to do next, given what came of the last step.
///
///     empty ─▶ listing ─▶ opening ─▶ watching ─▶ opening … (the server ends watches now and then)
///                 ▲           │failed   │failed
///                 └── 410 ────┴─────────┘ else: pausing, then opening again at the same revision
///
/// The first list takes what the server has at hand (resourceVersion 0); later ones are not older than what is
/// known, and
/// one after an expired revision reads the newest, as upstream's reflector does.
package struct InformerMachine: Sendable {
    /// What the owner does next.
    package enum Step: Sendable, Equatable {
        /// Read a page. The pages so far are the machine's business.
        case list(resourceVersion: String, continueToken: String)
        /// Open a watch of what comes after the revision.
        case open(from: Int64)
        /// Wait for the open watch's next events.
        case read
        /// Wait that long, then say `paused`.
        case pause(Duration)
    }

    private enum State: Sendable {
        case listing(resourceVersion: String, continueToken: String, pages: [Snapshot])
        case opening
        /// `since` the watch was opened; `quiet` while it has delivered nothing.
        case watching(since: Duration, quiet: Bool)
        case pausing(Duration, then: Plan)
    }

    /// What comes after a pause.
    private enum Plan: Sendable {
        case list(resourceVersion: String)
        case open
    }

    /// A watch that ends sooner, and has delivered nothing, counts as a failure. Upstream's number.
    package static let shortestWatch: Duration = .seconds(1)

    private var state: State = .listing(resourceVersion: "0", continueToken: "", pages: [])
    /// Everything up to this revision has been taken over; 0 before the first list.
    package private(set) var revision: Int64 = 0
    /// In a row.
    package private(set) var failures: Int = 0
    private let backOff: BackOff

    package init(backOff: BackOff) {
        self.backOff = backOff
    }

    package var step: Step {
        switch state {
        case .listing(let resourceVersion, let token, _):
            .list(resourceVersion: token.isEmpty ? resourceVersion : "", continueToken: token)
        case .opening: .open(from: revision)
        case .watching: .read
        case .pausing(let delay, _): .pause(delay)
        }
    }

    /// A page came; the complete list if it was the last one.
    package mutating func listed(_ page: ObjectPage) -> [Snapshot]? {
        guard case .listing(let resourceVersion, _, var pages) = state else {
            preconditionFailure("a page comes only while listing")
        }
        pages += page.snapshots
        guard page.continueToken.isEmpty else {
            state = .listing(
                resourceVersion: resourceVersion, continueToken: page.continueToken, pages: pages)
            return nil
        }
        revision = page.revision
        state = .opening
        return pages
    }

    package mutating func opened(now: Duration) {
        guard case .opening = state else { preconditionFailure("a watch opens only while opening") }
        state = .watching(since: now, quiet: true)
    }

    /// Events up to `last` came; 0 if none of them had a revision.
    package mutating func received(upTo last: Int64) {
        guard case .watching(let since, _) = state else { preconditionFailure("events come only while watching") }
        state = .watching(since: since, quiet: false)
        revision = max(revision, last)
        failures = 0
    }

    /// The watch ended in the normal way.
    package mutating func ended(now: Duration, random: Double) {
        guard case .watching(let since, let quiet) = state else {
            preconditionFailure("only an open watch ends")
        }
        guard quiet && now - since < Self.shortestWatch else {
            failures = 0
            state = .opening
            return
        }
        failures += 1
        state = .pausing(backOff.delay(failures: failures, random: random), then: .open)
    }

    /// The last step failed.
    package mutating func failed(_ error: StatusError, random: Double) {
        failures += 1
        let asked: Duration = error.retryAfterSeconds.map { .seconds($0) } ?? .zero
        let delay: Duration = max(asked, backOff.delay(failures: failures, random: random))
        switch state {
        case .listing(let resourceVersion, let token, _):
            // A revision that the server does not have (any more, or yet), or a token that is too old.
            let isHopeless: Bool = error.isExpired || error.isTimeout || !token.isEmpty
            state = .pausing(delay, then: .list(resourceVersion: isHopeless ? "" : resourceVersion))
        case .opening, .watching:
            if error.isExpired {
                // List at once, but the second time in a row only after a pause.
                state =
                    failures == 1
                    ? .listing(resourceVersion: "", continueToken: "", pages: [])
                    : .pausing(delay, then: .list(resourceVersion: ""))
            } else {
                // The server may not know the revision, or not let us watch: what it says to a list will tell.
                let isRefused: Bool = (400..<500).contains(error.code) && !error.isTooManyRequests
                state = .pausing(delay, then: isRefused ? .list(resourceVersion: String(revision)) : .open)
            }
        case .pausing:
            preconditionFailure("a pause does not fail")
        }
    }

    package mutating func paused() {
        guard case .pausing(_, let plan) = state else { preconditionFailure("only a pause ends") }
        switch plan {
        case .list(let resourceVersion):
            state = .listing(resourceVersion: resourceVersion, continueToken: "", pages: [])
        case .open:
            state = .opening
        }
    }
}
