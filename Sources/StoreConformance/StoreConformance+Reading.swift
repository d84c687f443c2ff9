import Store

extension StoreConformance {
    static let reading: [Check] = [
        Check("a range has exactly the keys of its prefix in byte order") { store in
            for name in ["b/2", "a", "b/10", "b", "b0", "c", "b/1"] {
                try await store.put(name, name)
            }
            try expectEqual(try await store.names("b/"), ["b/1", "b/10", "b/2"], "keys")
            try expectEqual(try await store.names("b"), ["b", "b/1", "b/10", "b/2", "b0"], "keys")
            try expectEqual(try await store.names("d"), [], "keys")
        },
        Check("pages follow each other and tell how many remain") { store in
            for index in 0..<25 {
                try await store.put("page/\(100 + index)", "\(index)")
            }
            try await store.put("pagf", "outside")
            let revision = store.revision
            try await store.delete("page/110")
            for at in [nil, revision] as [Revision?] {
                let total = at == nil ? 24 : 25
                var after: [UInt8]?
                var seen: [String] = []
                while true {
                    let page = try await store.range(prefix: key("page/"), after: after, limit: 10, at: at)
                    seen += page.items.map { text($0.value) }
                    try expectEqual(page.remaining, total - seen.count, "remaining")
                    try expectEqual(page.revision, at ?? store.revision, "revision of the page")
                    guard page.remaining > 0, let last = page.items.last else { break }
                    after = last.key
                }
                try expectEqual(seen, (0..<25).filter { total == 25 || $0 != 10 }.map { "\($0)" }, "items")
            }
        },
        Check("reads at an old revision show the past") { store in
            let created = try await store.put("a", "1")
            let changed = try await store.put("a", "2")
            try await store.put("b", "1")
            let deleted = try await store.delete("a")
            let again = try await store.put("a", "3")
            try expectEqual(try await store.value("a", at: created), "1", "at creation")
            try expectEqual(try await store.value("a", at: changed + 1), "2", "after the change")
            try expectEqual(try await store.value("a", at: deleted), nil, "at deletion")
            try expectEqual(try await store.value("a", at: again), "3", "at the second creation")
            try expectEqual(try await store.names("", at: created), ["a"], "keys at creation")
            try expectEqual(try await store.names("", at: deleted), ["b"], "keys at deletion")
            try expectEqual(try await store.names("", at: again), ["a", "b"], "keys at the end")
            let past = try await store.get(key("a"), at: changed)
            try expectEqual(past?.createRevision, created, "createRevision in the past")
            try expectEqual(past?.version, 2, "version in the past")
        },
        Check("a read in the future fails") { store in
            let revision = try await store.put("a", "1")
            try await expectError("get") {
                _ = try await store.get(key("a"), at: revision + 1)
            } matches: {
                $0 == .futureRevision(requested: revision + 1, current: revision)
            }
            try await expectError("range") {
                _ = try await store.range(prefix: key(""), after: nil, limit: 0, at: revision + 5)
            } matches: {
                $0 == .futureRevision(requested: revision + 5, current: revision)
            }
        },
        Check("compaction forgets the past and keeps the present") { store in
            let first = try await store.put("a", "1")
            let second = try await store.put("a", "2")
            try await store.put("b", "1")
            let third = try await store.delete("b")
            let fourth = try await store.put("a", "3")
            try await store.compact(third)
            for revision in [first, second] {
                try await expectError("get at \(revision)") {
                    _ = try await store.get(key("a"), at: revision)
                } matches: {
                    $0 == .compacted(requested: revision, compacted: third)
                }
            }
            try await expectError("range") {
                _ = try await store.range(prefix: key(""), after: nil, limit: 0, at: first)
            } matches: {
                $0 == .compacted(requested: first, compacted: third)
            }
            try expectEqual(try await store.value("a", at: third), "2", "at the compacted revision")
            try expectEqual(try await store.names("", at: third), ["a"], "keys at the compacted revision")
            try expectEqual(try await store.value("a", at: fourth), "3", "after it")
            try expectEqual(try await store.value("a"), "3", "now")
            try expectEqual(store.revision, fourth, "revision")
        },
        Check("compaction twice or of nothing new is no error, of the future it is") { store in
            try await store.put("a", "1")
            let revision = try await store.put("a", "2")
            try await store.compact(revision)
            try await store.compact(revision)
            try await store.compact(revision - 1)
            try expectEqual(try await store.value("a", at: revision), "2", "the newest")
            try await expectError("compact") {
                try await store.compact(revision + 1)
            } matches: {
                if case .futureRevision = $0 { true } else { false }
            }
        },
    ]
}
