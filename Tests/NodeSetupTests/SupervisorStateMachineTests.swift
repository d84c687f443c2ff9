import NodeSetup
import Testing

private typealias Machine = ContainerdSupervisor.StateMachine

@Suite struct SupervisorStateMachineTests {
    private func started() -> Machine {
        var machine = Machine()
        #expect(machine.receive(.began(found: nil, isCurrent: true), at: .zero) == [.spawn])
        #expect(machine.receive(.spawned(7), at: .zero) == [.watch(7)])
        return machine
    }

    @Test func `a start is announced when the socket answers, once`() {
        var machine = started()
        #expect(machine.isProbing)
        #expect(machine.receive(.answered, at: .seconds(1)) == [.announceReady(7, adopted: false)])
        #expect(machine.receive(.answered, at: .seconds(1)) == [])
        #expect(!machine.isProbing)
        #expect(machine.deadline == nil)
    }

    @Test func `a containerd that runs with our configuration is adopted, not replaced`() {
        var machine = Machine()
        #expect(machine.receive(.began(found: 40, isCurrent: true), at: .zero) == [.watch(40)])
        #expect(machine.receive(.answered, at: .zero) == [.announceReady(40, adopted: true)])
    }

    @Test func `a containerd with another configuration ends before a new one starts`() {
        var machine = Machine()
        #expect(machine.receive(.began(found: 40, isCurrent: false), at: .zero) == [.watch(40), .terminate(40)])
        #expect(machine.receive(.tick, at: .seconds(9)) == [])
        #expect(machine.receive(.tick, at: .seconds(10)) == [.kill(40)])
        #expect(machine.receive(.exited, at: .seconds(11)) == [.spawn])
    }

    @Test func `deaths in a row are answered ever later, up to the longest delay`() {
        var machine = started()
        var now = Duration.zero
        var delays: [Duration] = []
        for _ in 0..<12 {
            _ = machine.receive(.exited, at: now)
            guard let deadline = machine.deadline else {
                Issue.record("it must wait")
                return
            }
            delays.append(deadline - now)
            #expect(machine.receive(.tick, at: deadline - .milliseconds(1)) == [])
            now = deadline
            #expect(machine.receive(.tick, at: now) == [.spawn])
            _ = machine.receive(.spawned(8), at: now)
        }
        #expect(delays[0] == .milliseconds(100))
        #expect(delays[1] == .milliseconds(200))
        #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(delays.last == .seconds(30))
    }

    @Test func `a stable run forgives the deaths before it`() {
        var machine = started()
        for _ in 0..<5 {
            _ = machine.receive(.exited, at: .zero)
            _ = machine.receive(.tick, at: .seconds(40))
            _ = machine.receive(.spawned(8), at: .zero)
        }
        _ = machine.receive(.answered, at: .seconds(100))
        #expect(machine.receive(.exited, at: .seconds(161)) == [.announceLost])
        #expect(machine.deadline == .seconds(161) + .milliseconds(100))
    }

    @Test func `who never answers is replaced`() {
        var machine = started()
        #expect(machine.receive(.tick, at: .seconds(60)) == [.terminate(7)])
        #expect(machine.receive(.exited, at: .seconds(61)) == [.spawn])
    }

    @Test func `a stop leaves containerd running or ends it, as asked`() {
        var leaving = started()
        _ = leaving.receive(.answered, at: .zero)
        var ending = leaving
        #expect(leaving.receive(.stop(.leaveRunning), at: .zero) == [.finish])
        #expect(ending.receive(.stop(.terminate), at: .zero) == [.terminate(7)])
        #expect(ending.receive(.tick, at: .seconds(10)) == [.kill(7)])
        #expect(ending.receive(.exited, at: .seconds(11)) == [.finish])
        #expect(ending.receive(.exited, at: .seconds(12)) == [])
    }

    @Test func `a stop while it waits to start again ends at once`() {
        var machine = started()
        _ = machine.receive(.exited, at: .zero)
        #expect(machine.receive(.stop(.terminate), at: .zero) == [.finish])
        #expect(machine.receive(.tick, at: .seconds(90)) == [])
    }
}
