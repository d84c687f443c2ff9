import Testing

@testable import Store

struct WatcherMachineTests {
    private static func event(_ revision: Revision, bytes: Int = 1) -> StoreEvent {
        let value = [UInt8](repeating: 0, count: bytes)
        let current = KeyValue(
            key: utf8("/a"), value: value, createRevision: revision, modRevision: revision, version: 1)
        return StoreEvent(kind: .put, current: current, previous: nil)
    }

    /// A machine by reference, whose steps are said in short: `read 5`, `6 7 @8`, `wait`, `end`, an error.
    private final class Driver {
        private var machine: WatcherMachine

        init(_ machine: WatcherMachine) {
            self.machine = machine
        }

        var isIdle: Bool { machine.isIdle }
        var isEnded: Bool { machine.isEnded }

        func next() -> String {
            switch machine.next() {
            case .readHistory(let position): "read \(position)"
            case .deliver(let events, let revision):
                events.map { "\($0.current.modRevision) " }.joined() + "@\(revision)"
            case .wait: "wait"
            case .end(nil): "end"
            case .end(.some(let error)): "\(error)"
            }
        }

        func receive(history events: [StoreEvent], through revision: Revision) {
            machine.receive(history: events, through: revision)
        }

        func push(_ events: [StoreEvent], through revision: Revision) -> Bool {
            machine.push(events, through: revision)
        }

        func missed(through revision: Revision) -> Bool {
            machine.missed(through: revision)
        }

        func end(_ error: StoreError?) {
            machine.end(error)
        }
    }

    private static func machine(after: Revision, events: Int = 3, bytes: Int = 1000) -> Driver {
        Driver(WatcherMachine(prefix: utf8("/"), after: after, limits: .init(events: events, bytes: bytes)))
    }

    private typealias Tests = WatcherMachineTests

    /// history  read 5 ─────── gives 6, 7        read 7 ── gives 8
    /// pushes          push 8                                       push 8 again, 9
    @Test func `history that is overtaken by pushes is read further without gap or duplicate`() {
        let machine = Tests.machine(after: 5)
        #expect(machine.next() == "read 5")
        #expect(!machine.push([Tests.event(8)], through: 8))
        machine.receive(history: [Tests.event(6), Tests.event(7)], through: 7)
        #expect(machine.next() == "6 7 @7")
        #expect(machine.next() == "read 7")
        machine.receive(history: [Tests.event(8)], through: 8)
        #expect(machine.next() == "8 @8")
        #expect(machine.isIdle)
        #expect(machine.push([Tests.event(8), Tests.event(9)], through: 9))
        #expect(machine.next() == "9 @9")
        #expect(machine.next() == "wait")
    }

    @Test func `pushes of other keys move the revision only`() {
        let machine = Tests.machine(after: 5)
        machine.receive(history: [], through: 5)
        #expect(!machine.push([], through: 8))
        #expect(machine.push([Tests.event(9)], through: 10))
        #expect(machine.next() == "9 @10")
    }

    @Test func `a future start skips what comes before`() {
        let machine = Tests.machine(after: 7)
        machine.receive(history: [], through: 5)
        #expect(!machine.push([Tests.event(6), Tests.event(7)], through: 7))
        #expect(machine.push([Tests.event(8)], through: 8))
        #expect(machine.next() == "8 @8")
    }

    @Test func `a slow watcher is cut off by events`() {
        let machine = Tests.machine(after: 0)
        machine.receive(history: [], through: 0)
        #expect(machine.push((1...3).map { Tests.event($0) }, through: 3))
        #expect(!machine.isEnded)
        #expect(machine.push([Tests.event(4)], through: 4))
        #expect(machine.next() == "\(StoreError.slowWatcher(buffered: 4))")
        #expect(machine.next() == "end")
    }

    @Test func `a slow watcher is cut off by bytes`() {
        let machine = Tests.machine(after: 0, bytes: 100)
        machine.receive(history: [], through: 0)
        #expect(machine.push([Tests.event(1, bytes: 60)], through: 1))
        #expect(machine.next() == "1 @1")
        _ = machine.push([Tests.event(2, bytes: 60)], through: 2)
        #expect(!machine.isEnded)
        _ = machine.push([Tests.event(3, bytes: 60)], through: 3)
        #expect(machine.isEnded)
    }

    @Test func `a watcher that missed pushes keeps its buffer and reads the rest`() {
        let machine = Tests.machine(after: 0)
        machine.receive(history: [], through: 0)
        _ = machine.push([Tests.event(1)], through: 1)
        #expect(machine.missed(through: 5))
        #expect(!machine.push([Tests.event(6)], through: 6))
        #expect(machine.next() == "1 @1")
        #expect(machine.next() == "read 1")
        machine.receive(history: [Tests.event(5), Tests.event(6)], through: 6)
        #expect(machine.next() == "5 6 @6")
        #expect(machine.next() == "wait")
    }

    @Test func `the first end counts and is told once`() {
        let machine = Tests.machine(after: 0)
        machine.end(.compacted(requested: 1, compacted: 2))
        machine.end(nil)
        _ = machine.push([Tests.event(1)], through: 1)
        #expect(machine.next().hasPrefix("compacted"))
        #expect(machine.next() == "end")
    }
}
