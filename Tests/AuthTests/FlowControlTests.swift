import APIMachinery
import Synchronization
import Testing

@testable import APIServer

private func context(
    _ user: String, _ groups: [String] = ["system:authenticated"], verb: String = "get", resource: String = "pods",
    group: String = "", namespace: String = "default", subresource: String = "", path: String = ""
) -> RequestContext {
    RequestContext(
        user: UserInfo(name: user, groups: groups), verb: verb,
        resource: path.isEmpty ? GroupVersionResource(group: group, version: "v1", resource: resource) : .none,
        namespace: path.isEmpty ? namespace : "", subresource: subresource, path: path)
}

@Suite struct FlowPlanTests {
    @Test(arguments: [
        (context("admin", ["system:masters", "system:authenticated"]), "exempt", ""),
        (context("system:anonymous", ["system:unauthenticated"], path: "/readyz"), "probes", ""),
        (context("system:anonymous", ["system:unauthenticated"]), "global-default", "system:anonymous"),
        (context("jane"), "global-default", "jane"),
        (context("jane", path: "/apis"), "global-default", "jane"),
        (context("system:node:n", ["system:nodes", "system:authenticated"]), "system-nodes", "system:node:n"),
        (
            context("system:node:n", ["system:nodes"], resource: "nodes", namespace: "", subresource: "status"),
            "system-node-high", "system:node:n"
        ),
        (context("system:kube-scheduler", verb: "update"), "kube-scheduler", "default"),
        (
            context(
                "system:kube-scheduler", verb: "update", resource: "leases", group: "coordination.k8s.io",
                namespace: "kube-system"), "system-leader-election", "system:kube-scheduler"
        ),
        (
            context("system:serviceaccount:kube-system:job-controller", ["system:serviceaccounts"]),
            "kube-system-service-accounts", "default"
        ),
        (
            context("system:serviceaccount:a:b", ["system:serviceaccounts", "system:authenticated"]),
            "service-accounts",
            "system:serviceaccount:a:b"
        ),
        (context("nobody", []), "catch-all", "nobody"),
    ])
    func `requests are of the schema that upstream puts them into`(
        _ context: RequestContext, _ schema: String, _ flow: String
    ) {
        let match: FlowMatch = FlowPlan.standard.match(context)
        #expect(match.schema == schema)
        #expect(match.flow == flow)
    }

    @Test func `seats are shared out by shares, and the exempt need none`() {
        let plan: FlowPlan = .standard
        let seats: [String: Int] = plan.levels.mapValues { plan.seats(of: $0, total: 600) }
        #expect(seats["exempt"] == 0)
        #expect(seats["workload-low"] == 245)
        #expect(seats["catch-all"] == 13)
        #expect(seats.values.reduce(0, +) >= 600)
    }

    @Test func `nothing of a level without shares runs`() {
        var jail = FlowPlan.Level("jail")
        jail.shares = 0
        jail.borrowingPercent = 0
        let plan = FlowPlan(schemas: [], levels: [jail])
        #expect(plan.seats(of: jail, total: 600) == 0)
        var level = FlowLevel(jail, seats: 0)
        let waiter = FlowLevel.Waiter(id: 1, seats: 1, deadline: .seconds(1), schema: "s")
        #expect(level.arrive(waiter, hash: 0, spare: 600) == .refuse(.noQueues))
    }

    @Test func `what is mandatory is always there, and a schema without its level does not count`() {
        let plan = FlowPlan(schemas: [FlowPlan.Schema("lost", level: "nowhere", precedence: 3)], levels: [])
        #expect(plan.schemas.map { $0.name } == ["exempt", "catch-all"])
        #expect(plan.match(context("jane")).schema == "catch-all")
    }
}

@Suite struct FlowLevelTests {
    private func level(
        queues: Int = 8, hand: Int = 2, length: Int = 3, lends: Int = 0, borrows: Int? = nil, seats: Int = 2
    ) -> FlowLevel {
        var level = FlowPlan.Level("test")
        level.lendablePercent = lends
        level.borrowingPercent = borrows
        if queues > 0 {
            level.queuing = FlowPlan.Queuing(queues: queues, handSize: hand, lengthLimit: length)
        }
        return FlowLevel(level, seats: seats)
    }

    private func waiter(_ id: UInt64, seats: Int = 1, deadline: Int = 10) -> FlowLevel.Waiter {
        FlowLevel.Waiter(id: id, seats: seats, deadline: .seconds(deadline), schema: "s")
    }

    @Test func `who finds a seat runs, the next one waits, and runs when a seat comes back`() {
        var level = level()
        #expect(level.arrive(waiter(1), hash: 1, spare: 0) == .run)
        #expect(level.arrive(waiter(2), hash: 1, spare: 0) == .run)
        #expect(level.arrive(waiter(3), hash: 1, spare: 0) == .wait)
        #expect(level.next(spare: 0) == nil)
        level.finish(1)
        #expect(level.next(spare: 0)?.id == 3)
        #expect(level.inUse == 2 && level.waiting == 0)
    }

    @Test func `without queues, and with full ones, it is no`() {
        var bare = level(queues: 0, seats: 1)
        #expect(bare.arrive(waiter(1), hash: 1, spare: 0) == .run)
        #expect(bare.arrive(waiter(2), hash: 1, spare: 0) == .refuse(.noQueues))
        var small = level(queues: 1, hand: 1, length: 2, seats: 1)
        #expect(small.arrive(waiter(1), hash: 1, spare: 0) == .run)
        #expect(small.arrive(waiter(2), hash: 1, spare: 0) == .wait)
        #expect(small.arrive(waiter(3), hash: 1, spare: 0) == .wait)
        #expect(small.arrive(waiter(4), hash: 1, spare: 0) == .refuse(.queueFull))
    }

    @Test func `a heavy flow does not keep a light one waiting`() {
        var level = level(queues: 64, hand: 4, length: 50, seats: 1)
        #expect(level.arrive(waiter(0), hash: 7, spare: 0) == .run)
        for id in 1...100 { #expect(level.arrive(waiter(UInt64(id)), hash: 7, spare: 0) == .wait) }
        // Whichever queues it is dealt, one of them is not the heavy flow's.
        #expect(level.arrive(waiter(1000), hash: 123_456_789, spare: 0) == .wait)
        var order: [UInt64] = []
        for _ in 0..<8 {
            level.finish(1)
            if let next = level.next(spare: 0) { order.append(next.id) }
        }
        #expect(order.contains(1000), "\(order)")
    }

    @Test func `seats are borrowed, up to the limit, and lent while they are not used`() {
        var lender = level(lends: 50, seats: 10)
        #expect(lender.lendable == 5)
        for id in 0..<7 { #expect(lender.arrive(waiter(UInt64(id)), hash: 1, spare: 0) == .run) }
        #expect(lender.lendable == 3)
        var borrower = level(borrows: 100, seats: 2)
        for id in 0..<2 { #expect(borrower.arrive(waiter(UInt64(id)), hash: 1, spare: 0) == .run) }
        #expect(borrower.arrive(waiter(2), hash: 1, spare: 1) == .run)
        #expect(borrower.borrowed == 1)
        #expect(borrower.arrive(waiter(3), hash: 1, spare: 0) == .wait)
        #expect(borrower.next(spare: 5)?.id == 3)
        #expect(borrower.arrive(waiter(4), hash: 1, spare: 5) == .wait, "twice its own is the limit")
    }

    @Test func `a request that is wider than the level runs alone`() {
        var level = level(seats: 2)
        #expect(level.arrive(waiter(1, seats: 10), hash: 1, spare: 0) == .run)
        #expect(level.arrive(waiter(2), hash: 1, spare: 0) == .wait)
        level.finish(10)
        #expect(level.next(spare: 0)?.id == 2)
    }

    @Test func `who waits too long is taken out`() {
        var level = level(seats: 1)
        #expect(level.arrive(waiter(1), hash: 1, spare: 0) == .run)
        #expect(level.arrive(waiter(2, deadline: 5), hash: 1, spare: 0) == .wait)
        #expect(level.arrive(waiter(3, deadline: 6), hash: 1, spare: 0) == .wait)
        #expect(level.expire(now: .seconds(5)).map { $0.id } == [2])
        #expect(level.waiting == 1)
        level.finish(1)
        #expect(level.next(spare: 0)?.id == 3)
    }

    @Test func `fewer queues keep who waits`() {
        var level = level(queues: 8, hand: 8, length: 50, seats: 1)
        #expect(level.arrive(waiter(0), hash: 1, spare: 0) == .run)
        for id in 1...8 { #expect(level.arrive(waiter(UInt64(id)), hash: 1, spare: 0) == .wait) }
        var plan: FlowPlan.Level = level.level
        plan.queuing = FlowPlan.Queuing(queues: 2, handSize: 1, lengthLimit: 50)
        level.configure(plan, seats: 1)
        var served: Set<UInt64> = []
        for _ in 1...8 {
            level.finish(1)
            if let next = level.next(spare: 0) { served.insert(next.id) }
        }
        #expect(served == Set(1...8))
    }

    @Test func `a hand has different cards, all of the deck`() {
        var generator = SeededGenerator(1)
        for _ in 0..<1000 {
            let hand: [Int] = FlowLevel.deal(generator.next(), deck: 16, hand: 4)
            #expect(Set(hand).count == 4)
            #expect(hand.allSatisfy { (0..<16).contains($0) })
        }
        #expect(FlowLevel.deal(5, deck: 2, hand: 4).sorted() == [0, 1])
    }
}

@Suite(.timeLimit(.minutes(5))) struct FlowControlTests {
    private func control(seats: Int, lengthLimit: Int = 2, time: @escaping @Sendable () -> Duration = { .zero })
        -> FlowControl
    {
        var settings = FlowControl.Settings()
        settings.seats = seats
        var level = FlowPlan.Level("all")
        level.shares = 1000
        level.queuing = FlowPlan.Queuing(queues: 1, handSize: 1, lengthLimit: lengthLimit)
        var schema = FlowPlan.Schema("all", level: "all", precedence: 1)
        var rule = FlowPlan.Rule()
        rule.users = ["*"]
        rule.resources = [FlowPlan.ResourceRule(clusterScope: true)]
        schema.rules = [rule]
        return FlowControl(settings, plan: FlowPlan(schemas: [schema], levels: [level]), monotonic: time)
    }

    private func match(_ control: FlowControl) -> FlowMatch { control.match(context("jane")) }

    @Test func `a seat that comes back goes to who waits`() async throws {
        let control = control(seats: 1)
        guard case .run(let first) = control.enter(match(control)) else { throw StatusError.internalError("no seat") }
        guard case .queued(let id) = control.enter(match(control)) else { throw StatusError.internalError("no queue") }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await control.wait(id) != nil }
            group.addTask {
                control.leave(first)
                return true
            }
            for await result in group { #expect(result) }
        }
    }

    @Test func `a seat that came before anybody waited is kept`() async throws {
        let control = control(seats: 1)
        guard case .run(let first) = control.enter(match(control)) else { throw StatusError.internalError("no seat") }
        guard case .queued(let id) = control.enter(match(control)) else { throw StatusError.internalError("no queue") }
        control.leave(first)
        let second: FlowControl.Ticket = try #require(await control.wait(id))
        control.leave(second)
        guard case .run = control.enter(match(control)) else { throw StatusError.internalError("no seat") }
    }

    @Test func `too many are refused, too late ones too, and it shows in metrics`() async throws {
        let now = Mutex<Duration>(.zero)
        let control = control(seats: 1) { now.withLock { $0 } }
        guard case .run = control.enter(match(control)) else { throw StatusError.internalError("no seat") }
        guard case .queued(let id) = control.enter(match(control)), case .queued = control.enter(match(control)) else {
            throw StatusError.internalError("no queue")
        }
        guard case .refused(let reason) = control.enter(match(control)) else {
            throw StatusError.internalError("not refused")
        }
        #expect(reason == "queue-full")
        now.withLock { $0 = .seconds(15) }
        control.tick()
        let late: FlowControl.Ticket? = await control.wait(id)
        #expect(late == nil)
        var text: String = ""
        control.writeMetrics(to: &text)
        let prefix: String = "apiserver_flowcontrol_rejected_requests_total{flow_schema=\"all\",priority_level=\"all\","
        #expect(text.contains(prefix + "reason=\"queue-full\"} 1\n"))
        #expect(text.contains(prefix + "reason=\"time-out\"} 2\n"))
    }

    @Test func `the exempt always run, and many tasks never lose a seat`() async {
        let control = control(seats: 4, lengthLimit: 1000)
        let running = Running()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<500 {
                group.addTask { await Self.work(control, running) }
            }
        }
        #expect(running.state.withLock { $0.now } == 0)
        #expect(running.state.withLock { $0.most } <= 4)
    }

    private final class Running: Sendable {
        let state = Mutex<(now: Int, most: Int)>((0, 0))
    }

    private static func work(_ control: FlowControl, _ running: Running) async {
        let ticket: FlowControl.Ticket?
        switch control.enter(control.match(context("jane"))) {
        case .run(let given): ticket = given
        case .queued(let id): ticket = await control.wait(id)
        case .refused: ticket = nil
        }
        guard let ticket else {
            Issue.record("no seat")
            return
        }
        running.state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
        await Task.yield()
        running.state.withLock { $0.now -= 1 }
        control.leave(ticket)
    }
}
