import APICoordination
package import APIMachinery

/// Lets one process of several lead: waits for leadership, runs the work, and stops it when leadership is lost.
package struct LeaderElection: Sendable {
    package enum End: Sendable, Equatable {
        /// The task was cancelled; the lease was given back if it was ours.
        case cancelled
        /// Another one leads, or may do so soon: the work was cancelled and has ended.
        case lost
        /// The work ended by itself; the lease was given back.
        case finished
    }

    private let configuration: LeaderMachine.Configuration
    private let client: APIClient
    private let clock: any MonotonicClock
    private let wallClock: any WallClock
    private let log: Log
    private let random: @Sendable () -> Double

    /// - Parameter random: in 0..<1, spreads the tries of several waiting processes.
    package init(
        _ configuration: LeaderMachine.Configuration, client: APIClient,
        clock: any MonotonicClock = SystemMonotonicClock(), wallClock: any WallClock = SystemWallClock(),
        log: Log = .silent, random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.configuration = configuration
        self.client = client
        self.clock = clock
        self.wallClock = wallClock
        self.log = log
        self.random = random
    }

    /// Waits for leadership, then runs `work` until it ends or leadership is lost.
    package func lead(_ work: @escaping @Sendable () async -> Void) async -> End {
        var machine = LeaderMachine(configuration)
        guard await acquire(&machine) else { return .cancelled }
        log.info("leading", about)
        let acquired: LeaderMachine = machine
        let end: End = await withTaskGroup(of: End.self) { group in
            group.addTask {
                await work()
                return Task.isCancelled ? .cancelled : .finished
            }
            group.addTask { await renew(acquired) }
            let first: End = await group.next() ?? .cancelled
            group.cancelAll()
            await group.waitForAll()
            return Task.isCancelled && first != .lost ? .cancelled : first
        }
        if end == .lost { log.error("lost leadership", about) } else { await release() }
        return end
    }

    private var about: Log.Metadata {
        [("lease", configuration.lease.description), ("identity", configuration.identity)]
    }

    /// False if cancelled.
    private func acquire(_ machine: inout LeaderMachine) async -> Bool {
        while !Task.isCancelled {
            let before: String = machine.holder
            await attempt(&machine, until: clock.now + configuration.renewDeadline)
            if machine.isLeader { return true }
            if machine.holder != before { log.info("waiting for leadership", about + [("holder", machine.holder)]) }
            await clock.sleep(for: configuration.retryPeriod * (1 + 1.2 * random()))
        }
        return false
    }

    private func renew(_ acquired: LeaderMachine) async -> End {
        var machine: LeaderMachine = acquired
        while true {
            await clock.sleep(until: min(clock.now + configuration.retryPeriod, machine.deadline))
            if Task.isCancelled { return .cancelled }
            if machine.giveUp(now: clock.now) { return .lost }
            await attempt(&machine, until: machine.deadline)
            if Task.isCancelled { return .cancelled }
            if machine.giveUp(now: clock.now) { return .lost }
        }
    }

    /// One try to get or keep the lease, not longer than `deadline`.
    private func attempt(_ machine: inout LeaderMachine, until deadline: Duration) async {
        let before: LeaderMachine = machine
        let after: LeaderMachine? = await withTaskGroup(of: LeaderMachine?.self) { group in
            group.addTask { await step(before) }
            group.addTask {
                await clock.sleep(until: deadline)
                return nil
            }
            let first: LeaderMachine?? = await group.next()
            group.cancelAll()
            return first ?? nil
        }
        if let after { machine = after }
    }

    private func step(_ before: LeaderMachine) async -> LeaderMachine {
        var machine: LeaderMachine = before
        do throws(StatusError) {
            let began: Duration = clock.now
            var lease: Lease?
            do throws(StatusError) {
                lease = try await client.get(Lease.self, configuration.lease)
            } catch  where error.isNotFound {
                lease = nil
            }
            switch machine.look(at: lease, now: clock.now, time: wallClock.nowMicro) {
            case .wait:
                break
            case .create(let lease):
                machine.wrote(try await client.create(lease), began: began, now: clock.now)
            case .update(let lease):
                machine.wrote(try await client.update(lease), began: began, now: clock.now)
            }
        } catch {
            log.debug("failed to get or renew the lease", about + [("error", error.message)])
        }
        return machine
    }

    /// Gives the lease back, so that another one need not wait. Best effort, within the retry period.
    private func release() async {
        let time: MicroTime = wallClock.nowMicro
        let (client, configuration, clock, log, about) = (client, configuration, clock, log, about)
        // The task may be cancelled already; requests of a cancelled task would fail.
        await withUncancelledTask {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do throws(StatusError) {
                        var lease: Lease = try await client.get(Lease.self, configuration.lease)
                        guard lease.spec.holderIdentity == configuration.identity else { return }
                        LeaderMachine.release(&lease, time: time)
                        try await client.update(lease)
                    } catch {
                        log.debug("failed to release the lease", about + [("error", error.message)])
                    }
                }
                group.addTask { await clock.sleep(for: configuration.retryPeriod) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

/// Runs a short piece of work to its end although the caller is cancelled.
private func withUncancelledTask(_ work: @escaping @Sendable () async -> Void) async {
    // tidy:allow Task {: awaited here, so it does not outlive its caller; only this keeps cancellation out.
    await Task { await work() }.value
}
