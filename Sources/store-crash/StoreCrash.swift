import Glibc
import Store

/// A writer to be killed: `store-crash DIRECTORY ROUND` writes as fast as it can, from several tasks, and says on
/// standard output `KEY VALUE REVISION` for each write after the store acknowledged it.
@main
struct StoreCrash {
    @concurrent
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let round = Int(arguments[2]) else {
            say("usage: store-crash DIRECTORY ROUND", to: STDERR_FILENO)
            exit(2)
        }
        do {
            var configuration = EmbeddedStore.Configuration(path: arguments[1])
            configuration.autoCompactionAge = nil
            let store = try await EmbeddedStore.open(configuration)
            say("open \(store.revision)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask { try await write(store, writer: writer, round: round) }
                }
                group.addTask { try await compact(store) }
                // The first that ends, ends with an error.
                try await group.next()
            }
        } catch {
            say("failed: \(error)", to: STDERR_FILENO)
            exit(1)
        }
    }

    /// Overwrites, deletes and creates a few keys for ever.
    private static func write(_ store: EmbeddedStore, writer: Int, round: Int) async throws {
        var count = 0
        while true {
            count += 1
            let name = "/w\(writer)/\(count % 5)"
            let value = "\(round).\(count)"
            let padded = Array(value.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: 700)
            // A deletion leaves a mark, so that a missing key can be told from a lost one.
            let writes: [Transaction.Write] =
                count % 11 == 0
                ? [.delete(Array(name.utf8)), .put(Array("/deleted\(name)".utf8), value: padded, lease: 0)]
                : [.put(Array(name.utf8), value: padded, lease: 0)]
            let result = try await store.transact(Transaction(compares: [], writes: writes))
            if case .committed(let revision) = result {
                say("\(name) \(count % 11 == 0 ? "-" : value) \(revision)")
            }
        }
    }

    /// Compaction must not lose anything either.
    private static func compact(_ store: EmbeddedStore) async throws {
        while true {
            try await store.compact(store.revision)
            await store.finishMaintenance()
            try await ContinuousClock().sleep(for: .milliseconds(20))
        }
    }

    /// One line with one write, so that a reader sees it whole.
    private static func say(_ line: String, to descriptor: Int32 = STDOUT_FILENO) {
        _ = (line + "\n").withCString { Glibc.write(descriptor, $0, strlen($0)) }
    }
}
