import CNodeSetup
import Foundation

/// A program that a test runs beside itself.
///
/// Foundation's `Process` is no choice here: before each start it walks `/proc/self/fd` and copies directory entries
/// at their full size, past the end of its buffer. In a test run with thousands of descriptors that ends in a
/// segmentation fault sooner or later.
package struct Command: Sendable {
    /// What becomes of one of its outputs.
    package enum Output: Sendable {
        case kept
        case discarded
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// An absolute path.
    package var path: String
    package var arguments: [String]
    /// Nil: the test's own.
    package var directory: String?
    /// Nil: the test's own.
    package var environment: [String: String]?
    package var output: Output = .kept
    package var errors: Output = .kept

    package init(_ path: String, _ arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// Runs it to its end. A bound for its time belongs into the command: `timeout`, or a flag of its own.
    ///
    /// - Parameter endsInput: whether its input ends behind `input`, or stays open until the program has ended: at a
    ///   terminal the end of input is a key of its own.
    package func run(input: [UInt8] = [], endsInput: Bool = true) async throws -> Outcome {
        let child: ChildProcess = try start()
        async let written: Void = child.write(input, thenEnds: endsInput)
        async let output: [UInt8] = child.readAll(child.output)
        async let errors: [UInt8] = child.readAll(child.errors)
        let (said, complained): ([UInt8], [UInt8]) = await (output, errors)
        await written
        return Outcome(status: await child.wait(), output: said, errors: complained)
    }

    /// Starts it in a session of its own.
    package func start() throws -> ChildProcess {
        let (input, output, errors): (Ends, Ends?, Ends?) = (
            try Ends(), try self.output == .kept ? Ends() : nil, try self.errors == .kept ? Ends() : nil
        )
        // `nullDevice` has no descriptor on Linux.
        let nowhere: FileHandle = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/null"))
        let words: [String] = line
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        let id: Int32 = nodesetup_spawn(
            words[0], pointers, input.read.fileDescriptor, (output?.write ?? nowhere).fileDescriptor,
            (errors?.write ?? nowhere).fileDescriptor)
        // The ends that are the child's: an output ends when its last writer does.
        for end in [input.read, output?.write, errors?.write] { try? end?.close() }
        guard id > 0 else { throw Failure(description: "\(path) did not start: \(String(cString: strerror(-id)))") }
        return ChildProcess(id: id, input: input.write, output: output?.read, errors: errors?.read)
    }

    /// Of a pipe that no other program inherits.
    private struct Ends {
        let read: FileHandle
        let write: FileHandle

        init() throws {
            var ends: [Int32] = [0, 0]
            let result: Int32 = nodesetup_pipe(&ends)
            guard result == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(-result)))") }
            read = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
            write = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        }
    }

    /// `env` enters the directory and sets the environment, so that the test's own stay as they are.
    private var line: [String] {
        var words: [String] = []
        if let directory { words += ["-C", directory] }
        if let environment { words += ["-i"] + environment.map { "\($0.key)=\($0.value)" } }
        return (words.isEmpty ? [] : ["/usr/bin/env"] + words) + [path] + arguments
    }
}

/// What a program said, and how it ended.
package struct Outcome: Sendable {
    /// As a shell reports it: 128 + n for signal n.
    package var status: Int32
    package var output: [UInt8]
    package var errors: [UInt8]

    package var text: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errors, as: UTF8.self) }
}
