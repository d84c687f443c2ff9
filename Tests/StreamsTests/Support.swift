import Foundation
import HTTPServer
import StreamConnections
import Testing

/// A file in a directory of its own, both gone afterwards.
func withLogFile<T>(_ body: (String) throws -> T) throws -> T {
    let directory: String = try makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try body(directory + "/0.log")
}

func withLogFile<T>(_ body: (String) async throws -> T) async throws -> T {
    let directory: String = try makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory + "/0.log")
}

func makeDirectory() throws -> String {
    let path: String = "/tmp/swiftlet-streams-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
}

/// Appends; makes the file if it is not there.
func write(_ text: String, to path: String) throws {
    if !FileManager.default.fileExists(atPath: path) {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    let handle: FileHandle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
    try handle.close()
}

/// A server on loopback for the time of a test.
func withServer<R>(
    tls: (any TLSIdentitySource)? = nil, _ handler: any HTTPHandler, _ body: (Int) async throws -> R
) async throws -> R {
    let loops = EventLoops(count: 1)
    let server = HTTPServer(
        configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), loops: loops, tls: tls, handler: handler)
    let port: Int = try await server.start()
    let result: Result<R, any Error>
    do {
        result = .success(try await body(port))
    } catch {
        result = .failure(error)
    }
    await server.shutdown(within: .zero)
    await loops.shutdown()
    return try result.get()
}

struct TestTimeout: Error {}

/// Nothing in a test waits longer than this.
func bounded<R: Sendable>(
    _ limit: Duration = .seconds(100), _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: R.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)  // tidy:allow sleep: the bound of a wait, not a wait
            throw TestTimeout()
        }
        guard let first = try await group.next() else { throw TestTimeout() }
        group.cancelAll()
        return first
    }
}

/// Reads until what came contains a text, or the end.
func readText(_ connection: some ByteConnection, until mark: String) async -> String {
    var all: [UInt8] = []
    while !String(decoding: all, as: UTF8.self).contains(mark), let next = await connection.read() { all += next }
    return String(decoding: all, as: UTF8.self)
}
