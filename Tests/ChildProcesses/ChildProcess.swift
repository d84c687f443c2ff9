package import Foundation
import Synchronization

/// A running program, and our ends of its pipes.
package final class ChildProcess: Sendable {
    package let id: Int32
    package let input: FileHandle
    package let output: FileHandle?
    package let errors: FileHandle?
    private let ended = Mutex<Int32?>(nil)

    init(id: Int32, input: FileHandle, output: FileHandle?, errors: FileHandle?) {
        self.id = id
        self.input = input
        self.output = output
        self.errors = errors
    }

    /// Writes to its input, and ends it; a program that does not want it is none of our business.
    package func write(_ bytes: [UInt8], thenEnds: Bool = true) async {
        await Self.onThread {
            try? self.input.write(contentsOf: Data(bytes))
            if thenEnds { try? self.input.close() }
        }
    }

    /// What one of its outputs gives until it ends.
    package func readAll(_ handle: FileHandle?) async -> [UInt8] {
        guard let handle else { return [] }
        return await Self.onThread { Array(handle.readDataToEndOfFile()) }
    }

    /// The next line of its standard output, without its end.
    package func readLine() async -> String {
        guard let output else { return "" }
        return await Self.onThread {
            var bytes: [UInt8] = []
            while let byte: UInt8 = try? output.read(upToCount: 1)?.first, byte != 0x0A { bytes.append(byte) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// What its standard output gives until a text has come, or it ends.
    package func read(until text: String) async -> String {
        guard let output else { return "" }
        return await Self.onThread {
            var told: String = ""
            while !told.contains(text) {
                let more: Data = output.availableData
                if more.isEmpty { break }
                told += String(decoding: more, as: UTF8.self)
            }
            return told
        }
    }

    package func signal(_ number: Int32) {
        ended.withLock { if $0 == nil { kill(id, number) } }
    }

    /// Waits for its end and tells its status as a shell does.
    @discardableResult
    package func wait() async -> Int32 {
        await Self.onThread { self.waitBlocking() }
    }

    /// The same, holding the calling thread.
    @discardableResult
    package func waitBlocking() -> Int32 {
        if let known: Int32 = ended.withLock({ $0 }) { return known }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 {
            guard errno == EINTR else { return ended.withLock { $0 } ?? -1 }
        }
        let code: Int32 = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        ended.withLock { $0 = code }
        return code
    }

    private static func onThread<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
