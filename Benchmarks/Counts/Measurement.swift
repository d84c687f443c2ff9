import CAllocationCount

/// What one operation of a case cost.
struct Cost {
    /// Calls of malloc and its kin.
    var allocations: Double
    /// Wall-clock time, for people: it is not compared with anything.
    var nanoseconds: Double
}

/// Something to count: `run` does the operation `iterations` times, after `prepare` has been done once.
struct Case: Sendable {
    var name: String
    /// So many operations in one round.
    var iterations: Int
    /// Makes what the operation needs and gives the operation itself; the argument tells apart the rounds.
    var run: @Sendable (_ round: Int, _ iterations: Int) async throws -> Void

    init(
        _ name: String, iterations: Int,
        _ run: @escaping @Sendable (_ round: Int, _ iterations: Int) async throws -> Void
    ) {
        self.name = name
        self.iterations = iterations
        self.run = run
    }

    /// The median of `rounds` rounds; a round before them warms up what is made once.
    func measure(rounds: Int) async throws -> Cost {
        try await run(0, iterations)
        var allocations: [Double] = []
        var nanoseconds: [Double] = []
        for round in 1...rounds {
            let before: UInt64 = allocation_count()
            let began: ContinuousClock.Instant = ContinuousClock.now
            try await run(round, iterations)
            let taken: Duration = began.duration(to: ContinuousClock.now)
            allocations.append(Double(allocation_count() - before) / Double(iterations))
            nanoseconds.append(Double(taken.nanoseconds) / Double(iterations))
        }
        return Cost(allocations: Self.median(allocations), nanoseconds: Self.median(nanoseconds))
    }

    private static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
