import Testing

@testable import Store

/// A small generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct RecordTreeTests {
    private static func record(_ key: [UInt8], _ revision: Revision) -> Record {
        let keyValue = KeyValue(
            key: key, value: [], createRevision: revision, modRevision: revision, version: 1)
        return Record(keyValue, id: LogID(revision: revision, index: 0))
    }

    private static func contents(_ tree: RecordTree) -> [[UInt8]: Revision] {
        var found: [[UInt8]: Revision] = [:]
        tree.forEach(from: []) { record in
            found[record.key] = record.keyValue.modRevision
            return true
        }
        return found
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `the tree behaves like a sorted dictionary and copies do not change`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var tree = RecordTree()
        var model: [[UInt8]: Revision] = [:]
        var copies: [(tree: RecordTree, model: [[UInt8]: Revision])] = []
        for step in 1...6000 {
            // Grow, then shrink, then mix; keys over few letters, of all lengths, so that prefixes are frequent.
            let key: [UInt8] = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                [0, 97, 98, 255].randomElement(using: &random) ?? 0
            }
            let removes: Int = step < 2500 ? 10 : step < 4500 ? 80 : 50
            if Int.random(in: 0..<100, using: &random) < removes {
                let victim = Bool.random(using: &random) ? (model.keys.randomElement(using: &random) ?? key) : key
                let removed = tree.remove(victim)
                let expected = model.removeValue(forKey: victim)
                #expect(removed?.keyValue.modRevision == expected)
            } else {
                let previous = tree.put(RecordTreeTests.record(key, Revision(step)))
                let expected = model.updateValue(Revision(step), forKey: key)
                #expect(previous?.keyValue.modRevision == expected)
            }
            if step % 500 == 0 {
                copies.append((tree, model))
                try RecordTreeTests.check(tree, model, using: &random)
            }
        }
        for copy in copies {
            #expect(RecordTreeTests.contents(copy.tree) == copy.model)
        }
    }

    private static func check(
        _ tree: RecordTree, _ model: [[UInt8]: Revision], using random: inout SeededGenerator
    ) throws {
        #expect(tree.flaw() == nil)
        #expect(tree.count == model.count)
        let sorted: [[UInt8]] = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
        var walked: [[UInt8]] = []
        tree.forEach(from: []) { record in
            walked.append(record.key)
            return true
        }
        #expect(walked == sorted)
        for probe in [[], [0], [97], [97, 98], [255], [255, 255], [98, 0]] as [[UInt8]] {
            #expect(tree.get(probe)?.keyValue.modRevision == model[probe])
            let below = sorted.filter { $0.lexicographicallyPrecedes(probe) }.count
            #expect(tree.rank(of: probe) == below)
            let matching = sorted.filter { $0.starts(with: probe) }
            let limit = Int.random(in: 0...5, using: &random)
            let after: [UInt8]? = matching.randomElement(using: &random)
            let wanted = matching.filter { key in after.map { $0.lexicographicallyPrecedes(key) } ?? true }
            let page = tree.range(prefix: probe, after: after, limit: limit)
            let expected = limit > 0 ? Array(wanted.prefix(limit)) : wanted
            #expect(page.items.map(\.key) == expected)
            #expect(page.remaining == wanted.count - expected.count)
        }
    }

    @Test func `keys that only grow fill the nodes evenly enough`() {
        var tree = RecordTree()
        for index in 0..<5000 {
            tree.put(RecordTreeTests.record(utf8("/k/\(100_000 + index)"), Revision(index + 1)))
        }
        #expect(tree.flaw() == nil)
        #expect(tree.count == 5000)
        #expect(tree.rank(of: utf8("/k/102500")) == 2500)
    }
}
