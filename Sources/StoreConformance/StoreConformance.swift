package import Store

/// What every `Store` must do, as checks that any test framework can run: one test per element of `all`.
///
/// Each check gets a store of its own, empty and at its first revision or with keys outside `/conformance/`;
/// a check never counts on absolute revisions. A broken expectation throws `Failure`.
package struct StoreConformance: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    package struct Check: Sendable, CustomStringConvertible {
        /// A sentence.
        package var name: String
        package var run: @Sendable (any Store) async throws -> Void

        package var description: String { name }

        init(_ name: String, _ run: @escaping @Sendable (any Store) async throws -> Void) {
            self.name = name
            self.run = run
        }
    }

    package static let all: [Check] = writing + reading + watching + leasing + concurrency
}

// MARK: - Expectations

func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    guard condition else { throw StoreConformance.Failure(description: what()) }
}

func expectEqual<T: Equatable>(_ found: T, _ wanted: T, _ what: @autoclosure () -> String) throws {
    guard found == wanted else {
        throw StoreConformance.Failure(description: "\(what()): found \(found), expected \(wanted)")
    }
}

/// Runs `body`, which must fail with an error that `matches`.
func expectError(
    _ what: String, _ body: () async throws -> Void, matches: (StoreError) -> Bool
) async throws {
    do {
        try await body()
    } catch let error as StoreError {
        try expect(matches(error), "\(what): the wrong error \(error)")
        return
    }
    throw StoreConformance.Failure(description: "\(what): no error")
}

// MARK: - Shorthand

/// Keys of the checks live below this.
func key(_ name: String) -> [UInt8] {
    Array("/conformance/\(name)".utf8)
}

func bytes(_ text: String) -> [UInt8] {
    Array(text.utf8)
}

func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
}

extension Store {
    /// Writes without a compare.
    @discardableResult
    func put(_ name: String, _ value: String, lease: LeaseID = 0) async throws -> Revision {
        try await write([.put(key(name), value: bytes(value), lease: lease)])
    }

    @discardableResult
    func delete(_ name: String) async throws -> Revision {
        try await write([.delete(key(name))])
    }

    @discardableResult
    func write(_ writes: [Transaction.Write]) async throws -> Revision {
        switch try await transact(Transaction(compares: [], writes: writes)) {
        case .committed(let revision): return revision
        case .conflict: throw StoreConformance.Failure(description: "a conflict without a compare")
        }
    }

    func value(_ name: String, at: Revision? = nil) async throws -> String? {
        try await get(key(name), at: at).map { text($0.value) }
    }

    func names(_ prefix: String, at: Revision? = nil) async throws -> [String] {
        try await range(prefix: key(prefix), after: nil, limit: 0, at: at).items.map {
            text(Array($0.key.dropFirst(key("").count)))
        }
    }
}

/// One event in short: `put a=1`, `put a=2 was 1`, `delete a was 2`.
func describe(_ event: StoreEvent) -> String {
    let name = text(Array(event.current.key.dropFirst(key("").count)))
    let was = event.previous.map { " was \(text($0.value))" } ?? ""
    switch event.kind {
    case .put: return "put \(name)=\(text(event.current.value))\(was)"
    case .delete: return "delete \(name)\(was)"
    }
}

/// Reads until there are `count` events.
func collect(_ watch: any StoreWatch, count: Int) async throws -> [StoreEvent] {
    var events: [StoreEvent] = []
    var last: Revision = 0
    while events.count < count {
        guard let batch = try await watch.next() else {
            throw StoreConformance.Failure(description: "the watch ended after \(events.count) of \(count) events")
        }
        try expect(!batch.events.isEmpty, "a batch without events")
        for event in batch.events {
            try expect(
                event.current.modRevision >= last, "revision \(event.current.modRevision) after \(last)")
            last = event.current.modRevision
        }
        try expect(batch.revision >= last, "batch revision \(batch.revision) below its event at \(last)")
        events += batch.events
    }
    return events
}
