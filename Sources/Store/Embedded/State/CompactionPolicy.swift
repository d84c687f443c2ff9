/// Decides when history is old or large enough to be forgotten.
///
/// It remembers a few moments (time, revision, bytes superseded until then) and names the newest that is past
/// the age, or behind which half of the allowed bytes lie. Nothing changed: nothing to do.
struct CompactionPolicy: Sendable {
    private struct Sample: Sendable {
        var time: Duration
        var revision: Revision
        var supersededBytes: Int
    }

    private let age: Duration?
    private let maxBytes: Int
    private var samples: [Sample] = []
    private var compacted: Revision
    /// Bytes superseded up to what was compacted last.
    private var compactedBytes: Int = 0

    /// - Parameters:
    ///   - age: how long history is kept; nil: for ever, unless it is too large.
    ///   - maxBytes: superseded values beyond this are forgotten earlier.
    init(age: Duration?, maxBytes: Int, compacted: Revision) {
        self.age = age
        self.maxBytes = maxBytes
        self.compacted = compacted
    }

    /// Called now and then. The revision to compact, if any; the caller then says `didCompact`.
    mutating func observe(now: Duration, revision: Revision, supersededBytes: Int) -> Revision? {
        takeSample(Sample(time: now, revision: revision, supersededBytes: supersededBytes))
        let isTooLarge = supersededBytes - compactedBytes > maxBytes
        let target = samples.last { sample in
            if let age, now - sample.time >= age { return true }
            return isTooLarge && supersededBytes - sample.supersededBytes >= maxBytes / 2
        }
        guard let target, target.revision > compacted else { return nil }
        return target.revision
    }

    mutating func didCompact(_ revision: Revision) {
        compacted = max(compacted, revision)
        let gone = samples.last { $0.revision <= revision }
        compactedBytes = gone?.supersededBytes ?? compactedBytes
        let newest = samples.last?.revision
        samples.removeAll { $0.revision <= revision && $0.revision != newest }
    }

    private mutating func takeSample(_ sample: Sample) {
        if let last = samples.last {
            guard last.revision < sample.revision else { return }
            let isDueByAge: Bool = age.map { sample.time - last.time >= $0 / 10 } ?? false
            let isDueBySize = sample.supersededBytes - last.supersededBytes >= maxBytes / 8
            guard isDueByAge || isDueBySize else { return }
        }
        samples.append(sample)
        if samples.count > 64 {
            samples.removeFirst()
        }
    }
}
