import APICoordination
import APIMachinery
import Client
import Synchronization
import Testing

@Suite struct LeaderElectionTests {
    private func machine(_ identity: String) -> LeaderMachine {
        LeaderMachine(.init(lease: ObjectKey("kube-system", "kube-scheduler"), identity: identity))
    }

    private let time = MicroTime(Time(seconds: 1_700_000_000))

    @Test func `a lease that nobody renews is taken over after its duration, as we saw it`() throws {
        var one = machine("one")
        var two = machine("two")
        guard case .create(var lease) = one.look(at: nil, now: .zero, time: time) else {
            Issue.record("the first one creates the lease")
            return
        }
        #expect(lease.spec.leaseTransitions == 0)
        #expect(lease.spec.leaseDurationSeconds == 15)
        lease.metadata.uid = "u"
        one.wrote(lease, began: .zero, now: .zero)
        #expect(one.isLeader)

        // The other one's clock starts elsewhere: only what it sees counts.
        #expect({ two.look(at: lease, now: .seconds(500), time: time) == .wait }())
        #expect({ two.look(at: lease, now: .milliseconds(514_999), time: time) == .wait }())
        guard case .update(let taken) = two.look(at: lease, now: .seconds(515), time: time) else {
            Issue.record("the second one takes over")
            return
        }
        #expect(taken.spec.holderIdentity == "two")
        #expect(taken.spec.leaseTransitions == 1)

        #expect({ !one.giveUp(now: .milliseconds(9_999)) }())
        #expect({ one.giveUp(now: .seconds(10)) }())
        #expect({ one.look(at: taken, now: .seconds(16), time: time) == .wait }())
        #expect(!one.isLeader)
    }

    @Test func `a renewed lease is waited for anew, a released one is taken at once`() {
        var two = machine("two")
        var lease = Lease.with {
            $0.metadata.uid = "u"
            $0.spec.holderIdentity = "one"
            $0.spec.leaseDurationSeconds = 15
            $0.spec.renewTime = time
        }
        #expect({ two.look(at: lease, now: .zero, time: time) == .wait }())
        lease.spec.renewTime = time.adding(microseconds: 1)
        #expect({ two.look(at: lease, now: .seconds(14), time: time) == .wait }())
        #expect({ two.look(at: lease, now: .seconds(28), time: time) == .wait }())
        LeaderMachine.release(&lease, time: time)
        #expect({ two.look(at: lease, now: .seconds(28), time: time) != .wait }())
    }

    @Test func `the leader works while it renews, and stops when it cannot`() async {
        let (server, clock) = (FakeServer(), ManualMonotonicClock())
        let election = LeaderElection(
            .init(lease: ObjectKey("kube-system", "it"), identity: "me"), client: APIClient(server), clock: clock,
            wallClock: ManualWallClock())
        let isWorking = Gate()
        let hasStopped = Gate()
        await withTaskGroup(of: LeaderElection.End.self) { group in
            group.addTask {
                await election.lead {
                    isWorking.open()
                    await Gate().wait()
                    hasStopped.open()
                }
            }
            await isWorking.wait()
            #expect(server.objects(Lease.self).first?.spec.holderIdentity == "me")
            await clock.waitForSleepers()
            clock.advance(by: .seconds(2))
            #expect(await eventually { server.count(.update) == 1 })
            for _ in 0..<100 { server.fail(.get, .connectionFailure("gone")) }
            while !hasStopped.isOpen {
                await clock.waitForSleepers()
                clock.advance(by: .seconds(2))
                for _ in 0..<50 { await Task.yield() }
            }
            #expect(await group.next() == .lost)
            #expect(clock.now <= .seconds(14))
        }
    }

    @Test func `work that ends, or is cancelled, gives the lease back`() async {
        let server = FakeServer()
        let election = LeaderElection(
            .init(lease: ObjectKey("kube-system", "it"), identity: "me"), client: APIClient(server),
            clock: ManualMonotonicClock(), wallClock: ManualWallClock())
        #expect(await election.lead {} == .finished)
        #expect(server.objects(Lease.self).first?.spec.holderIdentity == "")
        let isWorking = Gate()
        let end: LeaderElection.End? = await withTaskGroup(of: LeaderElection.End.self) { group in
            group.addTask {
                await election.lead {
                    isWorking.open()
                    await Gate().wait()
                }
            }
            await isWorking.wait()
            group.cancelAll()
            return await group.next()
        }
        #expect(end == .cancelled)
        #expect(server.objects(Lease.self).first?.spec.holderIdentity == "")
    }
}
