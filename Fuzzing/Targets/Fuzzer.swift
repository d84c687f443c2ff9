/// Runs a target over inputs that it makes, and keeps those whose outcome is new to go on from.
package struct Fuzzer {
    /// What one input did.
    package struct Report {
        package var input: [UInt8]
        package var finding: FuzzFinding
        /// It took too long; nothing else is wrong.
        package var isSlow: Bool = false
    }

    private static let corpusLimit: Int = 4_000

    private let target: FuzzTarget
    private var mutator: Mutator
    private var corpus: [[UInt8]]
    private var outcomes: Set<String> = []
    package private(set) var executions: Int = 0
    package private(set) var slowest: Duration = .zero

    package var outcomeCount: Int { outcomes.count }

    /// - Parameter more: inputs beyond the target's own seeds.
    package init(_ target: FuzzTarget, seed: UInt64, more: [[UInt8]] = []) {
        self.target = target
        mutator = Mutator(seed: seed, words: target.words, limit: target.sizeLimit)
        corpus = target.seeds + more + [[]]
    }

    /// Reads all seeds; nil if all is well.
    package mutating func readSeeds(timeLimit: Duration, before: ([UInt8]) -> Void = { _ in }) -> Report? {
        for input in corpus {
            before(input)
            if let report = read(input, timeLimit) { return report }
        }
        return nil
    }

    /// Reads one more input; nil if all is well. `before` sees it first, to note it in case it is the last.
    package mutating func step(timeLimit: Duration, before: ([UInt8]) -> Void = { _ in }) -> Report? {
        let first: [UInt8] = corpus[mutator.below(corpus.count)]
        let second: [UInt8] = corpus[mutator.below(corpus.count)]
        let input: [UInt8] = mutator.mutate(first, with: second)
        before(input)
        return read(input, timeLimit)
    }

    private mutating func read(_ input: [UInt8], _ timeLimit: Duration) -> Report? {
        executions += 1
        let clock = ContinuousClock()
        let start: ContinuousClock.Instant = clock.now
        do throws(FuzzFinding) {
            let outcome: String = try target.read(input)
            let time: Duration = clock.now - start
            slowest = max(slowest, time)
            if time > timeLimit {
                let finding = FuzzFinding("took \(time) for \(input.count) bytes")
                return Report(input: input, finding: finding, isSlow: true)
            }
            if outcomes.insert(outcome).inserted, executions > target.seeds.count {
                if corpus.count < Self.corpusLimit {
                    corpus.append(input)
                } else {
                    let place: Int = mutator.below(corpus.count)
                    corpus[place] = input
                }
            }
            return nil
        } catch {
            return Report(input: input, finding: error)
        }
    }

    /// The smallest input found by leaving pieces out that still breaks an invariant. A slow one stays as it is.
    package func shrunk(_ report: Report, timeLimit: Duration) -> Report {
        if report.isSlow { return report }
        var best: Report = report
        var size: Int = max(1, best.input.count / 2)
        var attempts: Int = 0
        while size >= 1, attempts < 2_000 {
            var start: Int = 0
            while start < best.input.count, attempts < 2_000 {
                attempts += 1
                var shorter: [UInt8] = best.input
                shorter.removeSubrange(start..<min(shorter.count, start + size))
                var probe = Fuzzer(target, seed: 0)
                if let found = probe.read(shorter, timeLimit) { best = found } else { start += size }
            }
            size /= 2
        }
        return best
    }
}
