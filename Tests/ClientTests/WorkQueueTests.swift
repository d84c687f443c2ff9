import Client
import Flow
import Testing

@Suite struct WorkQueueTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private func machine() -> WorkQueueMachine<Int> {
        WorkQueueMachine(backOff: BackOff(first: .milliseconds(5), longest: .seconds(1000)))
    }

    @Test(arguments: 0..<200) func `no schedule loses an add or gives a key to two workers`(seed: Int) {
        var random = Random(state: UInt64(seed) &* 7919 &+ 1)
        var queue = machine()
        var now: Duration = .zero
        /// Adds that have not been followed by a `next` of their key.
        var owed: Set<Int> = []
        var working: Set<Int> = []
        var delayed: Set<Int> = []
        for _ in 0..<400 {
            let key: Int = Int.random(in: 0..<6, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                _ = queue.add(key, causes: [.revision(Int64(key))], now: now)
                owed.insert(key)
            case 2:
                _ = queue.retry(key, atLeast: .zero, causes: [], now: now)
                delayed.insert(key)
            case 3:
                if let item = queue.next(now: now) {
                    let isAlone: Bool = working.insert(item.key).inserted
                    #expect(isAlone, "two workers have key \(item.key), seed \(seed)")
                    let wasAsked: Bool = owed.remove(item.key) != nil
                    #expect(wasAsked, "nobody asked for key \(item.key), seed \(seed)")
                }
            case 4:
                if let done = working.randomElement(using: &random) {
                    working.remove(done)
                    _ = queue.done(done, now: now)
                }
            default:
                now += .milliseconds(Int64.random(in: 0..<50, using: &random))
                if queue.promote(now: now).next == nil {
                    owed.formUnion(delayed)
                    delayed = []
                } else {
                    // Which ones came is the heap's secret; they show up below.
                    owed.formUnion(delayed)
                }
            }
        }
        for key in working { _ = queue.done(key, now: now) }
        now += .seconds(5000)
        _ = queue.promote(now: now)
        owed.formUnion(delayed)
        var rest: Set<Int> = []
        while let item = queue.next(now: now) {
            let isNew: Bool = rest.insert(item.key).inserted
            #expect(isNew)
            _ = queue.done(item.key, now: now)
        }
        #expect(rest.isSubset(of: owed), "seed \(seed)")
        #expect(queue.depth == 0)
        let surplus = queue.next(now: now)
        #expect(surplus == nil)
    }

    @Test func `what is added during processing is processed again, with the causes of all adds`() {
        var queue = machine()
        let isReady: Bool = queue.add(1, causes: [.revision(1)], now: .zero)
        #expect(isReady)
        let first = queue.next(now: .zero)
        #expect(first?.causes == [.revision(1)])
        let added: [Bool] = [
            queue.add(1, causes: [.revision(2)], now: .zero),
            queue.add(1, causes: [.revision(3), .revision(2)], now: .zero),
        ]
        #expect(added == [false, false])
        let early = queue.next(now: .zero)
        #expect(early == nil)
        let isReadyAgain: Bool = queue.done(1, now: .seconds(1))
        #expect(isReadyAgain)
        let second = queue.next(now: .seconds(1))
        #expect(second?.causes == [.revision(2), .revision(3)])
        let isReadyStill: Bool = queue.done(1, now: .seconds(2))
        #expect(!isReadyStill)
        #expect(queue.metrics.adds == 2)
        #expect(queue.metrics(now: .seconds(2)).samples.contains { $0.name == "workqueue_depth" && $0.value == 0 })
    }

    @Test func `merged causes are bounded and the newest stay`() {
        var queue = machine()
        for revision in 1...20 { _ = queue.add(1, causes: [.revision(Int64(revision))], now: .zero) }
        let item = queue.next(now: .zero)
        #expect(item?.causes == (13...20).map { Cause.revision(Int64($0)) })
    }

    @Test(arguments: [(1, 5), (2, 10), (3, 20), (10, 2560), (18, 655_360), (19, 1_000_000), (60, 1_000_000)])
    func `back-off doubles up to its end`(failures: Int, milliseconds: Int) {
        let backOff = BackOff(first: .milliseconds(5), longest: .seconds(1000))
        #expect(backOff.delay(failures: failures) == .milliseconds(milliseconds))
    }

    @Test func `a success forgets failures`() {
        var queue = machine()
        var delays: [Duration] = []
        for _ in 0..<2 { delays.append(queue.retry(1, atLeast: .zero, causes: [], now: .zero)) }
        queue.forget(1)
        delays.append(queue.retry(1, atLeast: .zero, causes: [], now: .zero))
        delays.append(queue.retry(1, atLeast: .seconds(2), causes: [], now: .zero))
        #expect(delays == [.milliseconds(5), .milliseconds(10), .milliseconds(5), .seconds(2)])
    }

    @Test func `delayed keys come at the earliest of their times`() async {
        let clock = ManualMonotonicClock()
        let queue = WorkQueue<String>("test", clock: clock)
        await with {
            await queue.runTimers()
        } _: {
            queue.add("a", after: .seconds(5))
            queue.add("a", after: .seconds(3), causes: [.timer("second")])
            queue.add("b", after: .seconds(9))
            await clock.waitForSleepers()
            #expect(await eventually { clock.nextDeadline == .seconds(3) })
            clock.advance(by: .seconds(3))
            let item = await queue.next()
            #expect(item?.key == "a")
            #expect(item?.causes == [.timer("second")])
            queue.done("a")
            #expect(await eventually { clock.nextDeadline == .seconds(9) })
            clock.advance(by: .seconds(6))
            #expect(await queue.next()?.key == "b")
            queue.done("b")
        }
    }

    @Test func `workers wait, and leave when cancelled or shut down`() async {
        let queue = WorkQueue<Int>("test", clock: ManualMonotonicClock())
        let cancelled: Bool = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await queue.next() == nil }
            group.cancelAll()
            return await group.next() ?? false
        }
        #expect(cancelled)
        async let waiting = queue.next()
        queue.add(7)
        #expect(await waiting?.key == 7)
        queue.done(7)
        queue.add(8)
        queue.shutDown()
        queue.add(9)
        #expect(await queue.next()?.key == 8)
        queue.done(8)
        #expect(await queue.next() == nil)
    }
}
