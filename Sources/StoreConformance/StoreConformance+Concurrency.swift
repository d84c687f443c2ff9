import Store

extension StoreConformance {
    static let concurrency: [Check] = [
        Check("concurrent increments with compares lose nothing") { store in
            let writers = 8
            let each = 25
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<writers {
                    group.addTask {
                        for _ in 0..<each {
                            try await increment(store)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try expectEqual(try await store.value("counter"), "\(writers * each)", "the counter")
            let version = try await store.get(key("counter"), at: nil)?.version
            try expectEqual(version, Int64(writers * each), "its version")
        },
        Check("a writer reads its own write and revisions never repeat") { store in
            let revisions = try await withThrowingTaskGroup(of: [Revision].self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var mine: [Revision] = []
                        for value in 0..<20 {
                            let revision = try await store.put("own/\(writer)", "\(value)")
                            try expect(revision > mine.last ?? 0, "revision \(revision) went back")
                            try expectEqual(try await store.value("own/\(writer)"), "\(value)", "own write")
                            try expect(store.revision >= revision, "the store is behind its answer")
                            mine.append(revision)
                        }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try expectEqual(Set(revisions).count, 160, "distinct revisions")
        },
        Check("a watch under concurrent writes has no gap and nothing twice") { store in
            try await store.put("w/start", "0")
            let first = store.revision + 1
            let total = 200
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for value in 0..<(total / 4) {
                            try await store.put("w/\(writer)", "\(value)")
                        }
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        let watch = try store.watch(prefix: key("w/"), from: first)
                        let events = try await collect(watch, count: total)
                        let revisions = events.map(\.current.modRevision)
                        try expectEqual(revisions, Array(first..<(first + Revision(total))), "revisions")
                        watch.cancel()
                    }
                }
                try await group.waitForAll()
            }
        },
    ]

    /// Read, compare, write; again after a conflict.
    private static func increment(_ store: any Store) async throws {
        var current = try await store.get(key("counter"), at: nil)
        while true {
            let count = current.flatMap { Int(text($0.value)) } ?? 0
            let result = try await store.transact(
                Transaction(
                    compares: [.modRevision(key("counter"), current?.modRevision ?? 0)],
                    writes: [.put(key("counter"), value: bytes("\(count + 1)"), lease: 0)]))
            switch result {
            case .committed: return
            case .conflict(let found, revision: _):
                try expect(found.count == 1, "one compare, \(found.count) answers")
                current = found.first ?? nil
            }
        }
    }
}
