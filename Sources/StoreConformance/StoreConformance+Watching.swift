import Store

extension StoreConformance {
    static let watching: [Check] = [
        Check("a watch brings events in order with what was there before") { store in
            let before = store.revision
            let watch = try store.watch(prefix: key(""), from: 0)
            try expectEqual(watch.firstRevision, before + 1, "first revision")
            try await store.put("a", "1")
            try await store.put("a", "2")
            let deleted = try await store.delete("a")
            try await store.put("a", "3")
            let events = try await collect(watch, count: 4)
            try expectEqual(
                events.map(describe), ["put a=1", "put a=2 was 1", "delete a was 2", "put a=3"], "events")
            try expectEqual(
                events[2].current,
                KeyValue(key: key("a"), value: [], createRevision: 0, modRevision: deleted, version: 0),
                "the deletion")
            try expectEqual(events[2].previous?.modRevision, deleted - 1, "revision of what was deleted")
            watch.cancel()
        },
        Check("a watch from an old revision replays and goes on") { store in
            try await store.put("a", "0")
            let first = try await store.put("a", "1")
            try await store.put("b", "1")
            let watch = try store.watch(prefix: key("a"), from: first)
            try expectEqual(watch.firstRevision, first, "first revision")
            let past = try await collect(watch, count: 1)
            try await store.put("b", "2")
            try await store.put("a", "2")
            let live = try await collect(watch, count: 1)
            try expectEqual((past + live).map(describe), ["put a=1 was 0", "put a=2 was 1"], "events")
            watch.cancel()
        },
        Check("a watch sees only keys of its prefix") { store in
            let watch = try store.watch(prefix: key("in/"), from: 0)
            try await store.put("in", "no")
            try await store.put("in0", "no")
            try await store.write([
                .put(key("in/a"), value: bytes("yes"), lease: 0), .put(key("out/a"), value: bytes("no"), lease: 0),
            ])
            try await store.put("i", "no")
            try await store.put("in/b", "yes")
            let events = try await collect(watch, count: 2)
            try expectEqual(events.map(describe), ["put in/a=yes", "put in/b=yes"], "events")
            watch.cancel()
        },
        Check("a watch from the future waits for it") { store in
            let now = try await store.put("a", "0")
            let watch = try store.watch(prefix: key(""), from: now + 3)
            for value in 1...4 {
                try await store.put("a", "\(value)")
            }
            let events = try await collect(watch, count: 2)
            try expectEqual(events.map(describe), ["put a=3 was 2", "put a=4 was 3"], "events")
            watch.cancel()
        },
        Check("a watch from a compacted revision fails and from above it does not") { store in
            let first = try await store.put("a", "1")
            try await store.put("a", "2")
            let third = try await store.put("a", "3")
            let fourth = try await store.put("a", "4")
            try await store.compact(third)
            try await expectError("watch") {
                let watch = try store.watch(prefix: key(""), from: first)
                _ = try await watch.next()
            } matches: {
                if case .compacted = $0 { true } else { false }
            }
            let watch = try store.watch(prefix: key(""), from: fourth)
            let events = try await collect(watch, count: 1)
            try expectEqual(events.map(describe), ["put a=4 was 3"], "events")
            watch.cancel()
        },
        Check("a live watch is not disturbed by compaction") { store in
            let watch = try store.watch(prefix: key(""), from: 0)
            try await store.put("a", "1")
            _ = try await collect(watch, count: 1)
            let second = try await store.put("a", "2")
            _ = try await collect(watch, count: 1)
            try await store.compact(second)
            try await store.put("a", "3")
            let events = try await collect(watch, count: 1)
            try expectEqual(events.map(describe), ["put a=3 was 2"], "events")
            watch.cancel()
        },
        Check("a cancelled watch ends") { store in
            let watch = try store.watch(prefix: key(""), from: 0)
            watch.cancel()
            let ended: Bool = try await watch.next() == nil
            try expect(ended, "a cancelled watch goes on")
        },
        Check("cancelling the task that waits ends the watch") { store in
            let watch = try store.watch(prefix: key(""), from: 0)
            let ended = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do { return try await watch.next() == nil } catch { return false }
                }
                group.cancelAll()
                return await group.next() ?? false
            }
            try expect(ended, "the watch goes on")
        },
    ]
}
