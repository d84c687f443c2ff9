import Foundation
import Store
import Synchronization

/// A directory for one test, removed at its end.
struct TestDirectory: ~Copyable {
    let path: String

    init() throws {
        let base = FileManager.default.temporaryDirectory.path
        path = "\(base)/swiftlet-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var configuration: EmbeddedStore.Configuration {
        EmbeddedStore.Configuration(path: path)
    }
}

/// Time that stands still until a test moves it.
final class ManualTime: Sendable {
    private let time = Mutex(Duration.zero)

    var clock: StoreClock {
        StoreClock(now: { self.time.withLock { $0 } }, sleep: { _ in throw CancellationError() })
    }

    func advance(by duration: Duration) {
        time.withLock { $0 += duration }
    }
}

struct Unexpected: Error {
    var description: String
}

func utf8(_ text: String) -> [UInt8] {
    Array(text.utf8)
}

extension Store {
    @discardableResult
    func put(_ key: String, _ value: String, lease: LeaseID = 0) async throws -> Revision {
        try await put(key, utf8(value), lease: lease)
    }

    @discardableResult
    func put(_ key: String, _ value: [UInt8], lease: LeaseID = 0) async throws -> Revision {
        try await commit(.put(utf8(key), value: value, lease: lease))
    }

    @discardableResult
    func delete(_ key: String) async throws -> Revision {
        try await commit(.delete(utf8(key)))
    }

    private func commit(_ write: Transaction.Write) async throws -> Revision {
        switch try await transact(Transaction(compares: [], writes: [write])) {
        case .committed(let revision): return revision
        case .conflict: throw Unexpected(description: "a conflict without a compare")
        }
    }

    func value(_ key: String, at: Revision? = nil) async throws -> String? {
        try await get(utf8(key), at: at).map { String(decoding: $0.value, as: UTF8.self) }
    }

    func dump(at: Revision? = nil) async throws -> [KeyValue] {
        try await range(prefix: [], after: nil, limit: 0, at: at).items
    }
}
