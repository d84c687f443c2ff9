import Foundation
import Glibc
import Store
import Testing

/// Kills a writing process again and again; what it acknowledged must be there.
@Suite(.timeLimit(.minutes(5)))
struct CrashTests {
    private struct Acknowledged {
        var value: String?
        var revision: Revision
    }

    private static let tool: URL = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("store-crash")
    }()

    @Test func `killed writers lose nothing that they acknowledged`() async throws {
        var random = SeededGenerator(seed: UInt64(getpid()))
        let directory = try TestDirectory()
        var acknowledged: [String: Acknowledged] = [:]
        var newest: Revision = 0
        var writes = 0
        for round in 1...20 {
            let lines = try await CrashTests.runAndKill(
                directory.path, round: round, afterLines: Int.random(in: 1...600, using: &random),
                delay: UInt32.random(in: 0...20_000, using: &random))
            for line in lines {
                let fields = line.split(separator: " ")
                guard fields.count == 3, let revision = Revision(fields[2]) else { continue }
                writes += 1
                newest = max(newest, revision)
                let key = String(fields[0])
                if revision > acknowledged[key]?.revision ?? 0 {
                    acknowledged[key] = Acknowledged(
                        value: fields[1] == "-" ? nil : String(fields[1]), revision: revision)
                }
            }
            try await CrashTests.verify(directory, acknowledged, newest, round)
        }
        #expect(writes > 500)
    }

    /// What the process acknowledged before it was killed, whole lines only.
    private static func runAndKill(
        _ path: String, round: Int, afterLines: Int, delay: UInt32
    ) async throws -> [Substring] {
        // It blocks, so it has a thread of its own.
        let output: Result<String, any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: Result {
                        try blockingRunAndKill([tool.path, path, "\(round)"], afterLines: afterLines, delay: delay)
                    })
            }
        }
        return try output.get().split(separator: "\n")
    }

    /// Starts a process, reads so many lines from it and a little more, kills it, and gives all that it said.
    private static func blockingRunAndKill(_ arguments: [String], afterLines: Int, delay: UInt32) throws -> String {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        var process: pid_t = 0
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        let result = posix_spawn(&process, arguments[0], &actions, nil, &argv, &environment)
        for argument in argv {
            free(argument)
        }
        close(ends[1])
        defer { close(ends[0]) }
        try #require(result == 0, "failed to start \(arguments[0])")

        var text: [UInt8] = []
        var lines = 0
        var isKilled = false
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if lines >= afterLines && !isKilled {
                // tidy:allow sleep: the kill must come at no particular moment, but anywhere.
                usleep(delay)
                kill(process, SIGKILL)
                isKilled = true
            }
            let count = read(ends[0], &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
            lines += buffer[..<count].count { $0 == UInt8(ascii: "\n") }
        }
        var status: Int32 = 0
        try #require(waitpid(process, &status, 0) == process)
        try #require(status & 0x7F == SIGKILL, "the writer ended by itself: \(String(decoding: text, as: UTF8.self))")
        // The last line may be cut off.
        let whole = text.lastIndex(of: UInt8(ascii: "\n")).map { text[...$0] } ?? []
        return String(decoding: whole, as: UTF8.self)
    }

    /// A key may be newer than acknowledged: the last write may have become durable without an answer.
    private static func verify(
        _ directory: borrowing TestDirectory, _ acknowledged: [String: Acknowledged], _ newest: Revision,
        _ round: Int
    ) async throws {
        let store = try await EmbeddedStore.open(directory.configuration)
        #expect(store.revision >= newest, "round \(round)")
        var present = 0
        for (key, expected) in acknowledged {
            let found = try await store.get(utf8(key), at: nil)
            let value = found.map { String(decoding: $0.value.prefix { $0 != 32 }, as: UTF8.self) }
            let isNewer: Bool = (found?.modRevision ?? 0) > expected.revision
            // The writer leaves a mark with each deletion.
            let mark = try await store.get(utf8("/deleted\(key)"), at: nil)
            let isDeletedLater: Bool = found == nil && (mark?.modRevision ?? 0) > expected.revision
            #expect(
                value == expected.value || isNewer || isDeletedLater,
                "\(key) in round \(round): \(value ?? "nothing"), acknowledged \(expected)")
            present += found == nil ? 0 : 1
        }
        #expect(store.metrics.keys >= present)
        await store.close()
    }
}
