import Store

extension StoreConformance {
    static let leasing: [Check] = [
        Check("revoking a lease deletes its keys at one revision") { store in
            let lease = try await store.grantLease(seconds: 600)
            try await store.put("a", "1", lease: lease)
            try await store.put("b", "2", lease: lease)
            try await store.put("c", "3")
            try expectEqual(try await store.get(key("a"), at: nil)?.lease, lease, "lease of a")
            let watch = try store.watch(prefix: key(""), from: 0)
            let before = store.revision
            try await store.revokeLease(lease)
            try expectEqual(try await store.names(""), ["c"], "keys")
            let events = try await collect(watch, count: 2)
            try expectEqual(events.map(describe), ["delete a was 1", "delete b was 2"], "events")
            try expectEqual(events.map(\.current.modRevision), [before + 1, before + 1], "revisions")
            watch.cancel()
        },
        Check("a key that was written again without its lease stays") { store in
            let lease = try await store.grantLease(seconds: 600)
            let other = try await store.grantLease(seconds: 600)
            try await store.put("a", "1", lease: lease)
            try await store.put("a", "2")
            try await store.put("b", "1", lease: lease)
            try await store.put("b", "2", lease: other)
            try await store.revokeLease(lease)
            try expectEqual(try await store.names(""), ["a", "b"], "keys")
            try await store.revokeLease(other)
            try expectEqual(try await store.names(""), ["a"], "keys")
        },
        Check("an unknown lease is refused") { store in
            let lease = try await store.grantLease(seconds: 600)
            try await store.keepAlive(lease)
            try await store.revokeLease(lease)
            let before = store.revision
            for (what, body): (String, @Sendable () async throws -> Void) in [
                ("put", { try await store.put("a", "1", lease: lease) }),
                ("keepAlive", { try await store.keepAlive(lease) }),
                ("revoke", { try await store.revokeLease(lease) }),
            ] {
                try await expectError(what, body) { $0 == .leaseNotFound(lease) }
            }
            try expectEqual(store.revision, before, "revision")
            try expectEqual(try await store.value("a"), nil, "the key")
        },
    ]
}
