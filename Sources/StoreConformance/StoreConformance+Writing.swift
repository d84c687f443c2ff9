import Store

extension StoreConformance {
    static let writing: [Check] = [
        Check("each write advances the revision by one and counts versions") { store in
            let first = try await store.put("a", "1")
            let second = try await store.put("a", "2")
            try expectEqual(second, first + 1, "revision of the second write")
            try expectEqual(store.revision, second, "revision of the store")
            let current = try await store.get(key("a"), at: nil)
            let wanted = KeyValue(
                key: key("a"), value: bytes("2"), createRevision: first, modRevision: second, version: 2)
            try expectEqual(current, wanted, "the key")
        },
        Check("a key that is created again starts at version one") { store in
            try await store.put("a", "1")
            let deleted = try await store.delete("a")
            try expectEqual(try await store.value("a"), nil, "the deleted key")
            let again = try await store.put("a", "2")
            try expectEqual(again, deleted + 1, "revision of the second creation")
            let current = try await store.get(key("a"), at: nil)
            try expectEqual(current?.createRevision, again, "createRevision")
            try expectEqual(current?.version, 1, "version")
        },
        Check("all writes of a transaction share one revision") { store in
            let revision = try await store.write([
                .put(key("a"), value: bytes("1"), lease: 0), .put(key("b"), value: bytes("2"), lease: 0),
            ])
            let items = try await store.range(prefix: key(""), after: nil, limit: 0, at: nil).items
            try expectEqual(items.map(\.modRevision), [revision, revision], "revisions")
        },
        Check("deleting what is not there changes nothing") { store in
            let before = try await store.put("a", "1")
            try expectEqual(try await store.delete("missing"), before, "revision of the empty delete")
            try expectEqual(store.revision, before, "revision of the store")
        },
        Check("a failed compare writes nothing and says what it found") { store in
            let first = try await store.put("a", "1")
            let second = try await store.put("b", "2")
            let result = try await store.transact(
                Transaction(
                    compares: [
                        .modRevision(key("a"), first), .modRevision(key("b"), first), .modRevision(key("c"), 0),
                    ],
                    writes: [.put(key("a"), value: bytes("x"), lease: 0)]))
            guard case .conflict(let current, let revision) = result else {
                throw Failure(description: "no conflict")
            }
            try expectEqual(revision, second, "revision of the conflict")
            try expectEqual(current.map { $0.map { text($0.value) } }, ["1", "2", nil], "what it found")
            try expectEqual(try await store.value("a"), "1", "the key")
            try expectEqual(store.revision, second, "revision of the store")
        },
        Check("compares of the right revision and of absence let a write through") { store in
            let first = try await store.put("a", "1")
            let result = try await store.transact(
                Transaction(
                    compares: [.modRevision(key("a"), first), .modRevision(key("b"), 0)],
                    writes: [.delete(key("a")), .put(key("b"), value: bytes("2"), lease: 0)]))
            guard case .committed(let revision) = result else { throw Failure(description: "a conflict") }
            try expectEqual(revision, first + 1, "revision")
            try expectEqual(try await store.names(""), ["b"], "keys")
        },
        Check("a compare of absence fails when the key exists") { store in
            try await store.put("a", "1")
            let result = try await store.transact(
                Transaction(
                    compares: [.modRevision(key("a"), 0)], writes: [.put(key("a"), value: bytes("2"), lease: 0)]))
            guard case .conflict = result else { throw Failure(description: "no conflict") }
        },
        Check("empty and large values and bytes of all kinds are kept") { store in
            let large = [UInt8](repeating: 0xAB, count: 300_000)
            let odd: [UInt8] = key("") + [0x00, 0xFF, 0x00]
            try await store.write([
                .put(key("empty"), value: [], lease: 0), .put(key("large"), value: large, lease: 0),
                .put(odd, value: [0x00, 0x80], lease: 0),
            ])
            try expectEqual(try await store.get(key("empty"), at: nil)?.value, [], "the empty value")
            try expect(try await store.get(key("large"), at: nil)?.value == large, "the large value")
            try expectEqual(try await store.get(odd, at: nil)?.value, [0x00, 0x80], "the odd key")
        },
    ]
}
