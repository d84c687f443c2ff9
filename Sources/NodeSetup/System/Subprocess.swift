import CNodeSetup
import Glibc

/// Runs other programs. Everything here blocks its thread, for a bounded time.
package enum Subprocess {
    package enum Error: Swift.Error, Equatable, CustomStringConvertible {
        case notFound(program: String)
        case system(SystemError)
        case timedOut(program: String)
        /// It ended with another status than 0; `message` is what it wrote to standard error, trimmed.
        case failed(program: String, status: Int32, message: String)

        package var description: String {
            switch self {
            case .notFound(let program): "failed to run \(program): it is not installed"
            case .system(let error): error.description
            case .timedOut(let program): "failed to run \(program): it took too long"
            case .failed(let program, let status, let message): "\(program) failed (\(status)): \(message)"
            }
        }
    }

    /// The most of each output that is kept.
    private static let outputLimit = 4 << 20

    /// Runs a program to its end and returns what it wrote to standard output. It is killed, with what it
    /// started, when the time is over.
    @discardableResult
    package static func run(
        _ arguments: [String], input: [UInt8] = [], timeout: Duration = .seconds(30)
    ) throws(Error) -> [UInt8] {
        let name = arguments[0]
        guard let program = name.contains("/") ? name : Files.program(name) else {
            throw .notFound(program: name)
        }
        let stdin = try file(holding: input)
        defer { close(stdin) }
        let stdout = try pipe()
        let stderr = try pipe()
        let started = spawn(program, arguments, input: stdin, output: stdout.write, errors: stderr.write)
        close(stdout.write)
        close(stderr.write)
        var streams = Streams(output: stdout.read, errors: stderr.read)
        guard started > 0 else {
            streams.closeAll()
            throw .system(SystemError("start", program, -started))
        }
        let finished = streams.drain(deadline: Monotonic.now() + timeout, limit: outputLimit)
        streams.closeAll()
        if !finished { kill(-started, SIGKILL) }
        var status: Int32 = 0
        while waitpid(started, &status, 0) < 0 && errno == EINTR {}
        guard finished else { throw .timedOut(program: name) }
        guard status == 0 else {
            let message = String(decoding: streams.errorBytes, as: UTF8.self)
            throw .failed(
                program: name, status: ExitStatus(waitStatus: status).shellCode, message: trimmed(message))
        }
        return streams.outputBytes
    }

    /// Starts a program in its own session and returns its process id at once; the caller waits for its end.
    package static func detached(
        _ program: String, _ arguments: [String], input: Int32, output: Int32
    ) throws(Error) -> Int32 {
        let started = spawn(program, arguments, input: input, output: output, errors: output)
        guard started > 0 else { throw .system(SystemError("start", program, -started)) }
        return started
    }

    /// Starts a program in its own session. Returns its process id, or a negated error number.
    static func spawn(
        _ program: String, _ arguments: [String], input: Int32, output: Int32, errors: Int32
    ) -> Int32 {
        var argumentPointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argumentPointers.append(nil)
        defer { for pointer in argumentPointers { free(pointer) } }
        return nodesetup_spawn(program, argumentPointers, input, output, errors)
    }

    /// An unnamed file in memory, at its start: unlike a pipe it needs no feeding, and gives no SIGPIPE.
    private static func file(holding bytes: [UInt8]) throws(Error) -> Int32 {
        let descriptor = nodesetup_memory_file(bytes, UInt(bytes.count))
        guard descriptor >= 0 else { throw .system(SystemError("make", "a file in memory", -descriptor)) }
        return descriptor
    }

    private static func pipe() throws(Error) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        let result = nodesetup_pipe(&ends)
        guard result == 0 else { throw .system(SystemError("make", "a pipe", -result)) }
        return (ends[0], ends[1])
    }

    private static func trimmed(_ text: String) -> String {
        var slice = text[...]
        while let last = slice.last, last.isWhitespace { slice.removeLast() }
        while let first = slice.first, first.isWhitespace { slice.removeFirst() }
        return String(slice)
    }

    /// Our ends of the two pipes; -1 once closed.
    private struct Streams {
        var output: Int32
        var errors: Int32
        var outputBytes: [UInt8] = []
        var errorBytes: [UInt8] = []

        init(output: Int32, errors: Int32) {
            self.output = output
            self.errors = errors
        }

        mutating func closeAll() {
            for descriptor in [output, errors] where descriptor >= 0 { close(descriptor) }
            (output, errors) = (-1, -1)
        }

        /// Reads both until both have ended. False when the time is over first.
        mutating func drain(deadline: Duration, limit: Int) -> Bool {
            while output >= 0 || errors >= 0 {
                var polls = [
                    pollfd(fd: output, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
                ]
                let left = Monotonic.milliseconds(deadline - Monotonic.now())
                if left <= 0 { return false }
                guard poll(&polls, 2, left) > 0 else { continue }
                if polls[0].revents != 0 { Self.take(&output, into: &outputBytes, limit: limit) }
                if polls[1].revents != 0 { Self.take(&errors, into: &errorBytes, limit: limit) }
            }
            return true
        }

        private static func take(_ descriptor: inout Int32, into bytes: inout [UInt8], limit: Int) {
            var chunk = [UInt8](repeating: 0, count: 32 << 10)
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                bytes.append(contentsOf: chunk[..<min(count, max(0, limit - bytes.count))])
            } else if count == 0 || errno != EINTR {
                close(descriptor)
                descriptor = -1
            }
        }
    }
}

/// How a process ended.
package enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)
    /// It was not our child, so the kernel does not tell.
    case unknown

    /// From the number that `waitpid` fills in.
    init(waitStatus status: Int32) {
        self = status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f)
    }

    /// As a shell reports it: 128 + n for signal n.
    var shellCode: Int32 {
        switch self {
        case .code(let code): code
        case .signal(let number): 128 + number
        case .unknown: -1
        }
    }

    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        case .unknown: "unknown status"
        }
    }
}
