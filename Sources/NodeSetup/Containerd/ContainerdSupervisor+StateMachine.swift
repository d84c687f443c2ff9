extension ContainerdSupervisor {
    /// What to leave when the supervisor stops.
    package enum StopMode: Sendable, Equatable {
        /// containerd goes on, for the next Swiftlet to adopt.
        case leaveRunning
        /// containerd ends. Containers live on either way: their shims are processes of their own.
        case terminate
    }

    /// The decisions of the supervisor: no clock, no process, no file. Times are since an arbitrary start.
    ///
    ///     idle ──found──▶ starting ──answers──▶ running
    ///       │               ▲    │                 │
    ///       └──── spawn ────┘    └─────exited──────┴──▶ waiting ──time──▶ spawning
    ///     any ──stop──▶ stopping ──exited──▶ finished
    package struct StateMachine: Equatable, Sendable {
        package struct Runner: Equatable, Sendable {
            package var processID: Int32
            /// It was there before us, so it is not our child.
            package var isAdopted: Bool
        }

        package enum State: Equatable, Sendable {
            case idle
            /// Waits for `spawned` or `spawnFailed`.
            case spawning
            /// The process runs; its socket does not answer yet.
            case starting(Runner, giveUpAt: Duration)
            case running(Runner, since: Duration)
            /// Ends so that another can start in its place (its configuration is old, or it does not answer).
            case replacing(Runner, killAt: Duration)
            case waiting(until: Duration)
            case stopping(Runner, killAt: Duration)
            /// Terminal.
            case finished
        }

        package enum Event: Equatable, Sendable {
            /// The first event: a containerd of ours was found, or none.
            case began(found: Int32?, isCurrent: Bool)
            case spawned(Int32)
            case spawnFailed
            case answered
            case exited
            case tick
            case stop(StopMode)
        }

        package enum Action: Equatable, Sendable {
            case spawn
            /// Wait for this process's end, and try its socket until it answers.
            case watch(Int32)
            case terminate(Int32)
            case kill(Int32)
            case announceReady(Int32, adopted: Bool)
            case announceLost
            case finish
        }

        package struct Limits: Equatable, Sendable {
            /// How long the socket may stay silent after a start. A large image store takes seconds to open.
            package var start: Duration = .seconds(60)
            /// Between the polite and the forcible end.
            package var termination: Duration = .seconds(10)
            package var firstDelay: Duration = .milliseconds(100)
            package var longestDelay: Duration = .seconds(30)
            /// Who ran this long starts again with the first delay.
            package var stable: Duration = .seconds(60)

            package init() {}
        }

        package private(set) var state: State = .idle
        /// Ends in a row without a stable run between them.
        package private(set) var failures = 0
        private let limits: Limits

        package init(limits: Limits = Limits()) { self.limits = limits }

        /// When `tick` is due; nil when only an event can change something.
        package var deadline: Duration? {
            switch state {
            case .starting(_, let time), .replacing(_, let time), .stopping(_, let time), .waiting(let time): time
            case .idle, .spawning, .running, .finished: nil
            }
        }

        /// Whether the socket should be tried now and then.
        package var isProbing: Bool {
            if case .starting = state { true } else { false }
        }

        package mutating func receive(_ event: Event, at now: Duration) -> [Action] {
            switch event {
            case .began(let found, let isCurrent): begin(found: found, isCurrent: isCurrent, now)
            case .spawned(let processID): spawned(processID, now)
            case .spawnFailed: state == .spawning ? retry(now) : []
            case .answered: answered(now)
            case .exited: exited(now)
            case .tick: tick(now)
            case .stop(let mode): stop(mode, now)
            }
        }

        private mutating func begin(found: Int32?, isCurrent: Bool, _ now: Duration) -> [Action] {
            precondition(state == .idle, "a supervisor begins once")
            guard let found else {
                state = .spawning
                return [.spawn]
            }
            let runner = Runner(processID: found, isAdopted: true)
            if isCurrent {
                state = .starting(runner, giveUpAt: now + limits.start)
                return [.watch(found)]
            }
            state = .replacing(runner, killAt: now + limits.termination)
            return [.watch(found), .terminate(found)]
        }

        private mutating func spawned(_ processID: Int32, _ now: Duration) -> [Action] {
            precondition(state == .spawning, "nothing was to be spawned")
            state = .starting(Runner(processID: processID, isAdopted: false), giveUpAt: now + limits.start)
            return [.watch(processID)]
        }

        private mutating func answered(_ now: Duration) -> [Action] {
            guard case .starting(let runner, _) = state else { return [] }
            state = .running(runner, since: now)
            return [.announceReady(runner.processID, adopted: runner.isAdopted)]
        }

        private mutating func exited(_ now: Duration) -> [Action] {
            switch state {
            case .starting:
                return retry(now)
            case .running(_, let since):
                if now - since >= limits.stable { failures = 0 }
                return [.announceLost] + retry(now)
            case .replacing:
                state = .spawning
                return [.spawn]
            case .stopping:
                state = .finished
                return [.finish]
            case .idle, .spawning, .waiting, .finished:
                return []
            }
        }

        private mutating func retry(_ now: Duration) -> [Action] {
            // 100 ms, 200 ms, 400 ms … and never more than 2^16 of them, so that nothing overflows.
            let delay = limits.firstDelay * (1 << min(failures, 16))
            failures += 1
            state = .waiting(until: now + min(delay, limits.longestDelay))
            return []
        }

        private mutating func tick(_ now: Duration) -> [Action] {
            guard let deadline, now >= deadline else { return [] }
            switch state {
            case .waiting:
                state = .spawning
                return [.spawn]
            case .starting(let runner, _):
                failures += 1
                state = .replacing(runner, killAt: now + limits.termination)
                return [.terminate(runner.processID)]
            case .replacing(let runner, _):
                state = .replacing(runner, killAt: now + limits.termination)
                return [.kill(runner.processID)]
            case .stopping(let runner, _):
                state = .stopping(runner, killAt: now + limits.termination)
                return [.kill(runner.processID)]
            case .idle, .spawning, .running, .finished:
                return []
            }
        }

        private mutating func stop(_ mode: StopMode, _ now: Duration) -> [Action] {
            switch state {
            case .idle, .spawning, .waiting:
                state = .finished
                return [.finish]
            case .starting(let runner, _), .running(let runner, _):
                guard mode == .terminate else {
                    state = .finished
                    return [.finish]
                }
                state = .stopping(runner, killAt: now + limits.termination)
                return [.terminate(runner.processID)]
            case .replacing(let runner, let killAt):
                // It is ending already, and has to: its configuration is not the one on disk.
                state = .stopping(runner, killAt: killAt)
                return []
            case .stopping, .finished:
                return []
            }
        }
    }
}
