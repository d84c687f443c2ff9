import Codec
import Glibc

/// Counts what one operation costs: allocations, which are compared with a baseline, and time, which is for people.
///
///     counts                           a line per case: name, allocations, nanoseconds, with tabs between them
///     counts --only NAME               the cases whose name contains NAME
///     counts --only NAME --repeat N    runs the case of just that name N times and prints nothing; for counting its instructions from outside
@main
struct Counts {
    /// Not `async`: under an asynchronous main function the first thread ends in `sigsuspend`, with a set of signals in
    /// read-only memory, and valgrind 3.19 crashes when it writes there.
    static func main() {
        // tidy:allow Task: the whole program; detached, since this thread, the main actor's, only waits
        Task.detached {
            do {
                try await count()
                exit(0)
            } catch {
                // tidy:allow print: a measuring program's own output
                print("counts: \(error)")
                exit(1)
            }
        }
        while true { pause() }
    }

    private static func count() async throws {
        let options = try Options(Array(CommandLine.arguments.dropFirst()))
        if let repetitions = options.repetitions { return try await rehearse(options, repetitions) }
        try await CountedServer.with(objects: 1_000) { server in
            for item in try CodecCases.all() + ServerCases.all(server) where options.includes(item.name) {
                let cost: Cost = try await item.measure(rounds: 5)
                // tidy:allow print: a measuring program's own output
                print("\(item.name)\t\(tenths(cost.allocations))\t\(tenths(cost.nanoseconds))")
            }
        }
    }

    /// Starts a server only for cases that need one, and a small one: everything is slow when instructions are counted.
    private static func rehearse(_ options: Options, _ repetitions: Int) async throws {
        let pure: [Case] = try CodecCases.all().filter { options.only == $0.name }
        for item in pure { try await item.run(0, repetitions) }
        guard pure.isEmpty else { return }
        try await CountedServer.with(objects: 10) { server in
            for item in ServerCases.all(server) where options.only == item.name {
                try await item.run(0, repetitions)
            }
        }
    }

    private static func tenths(_ value: Double) -> String {
        let scaled = Int((value * 10).rounded())
        return "\(scaled / 10).\(scaled % 10)"
    }
}

/// The command line of `counts`.
struct Options {
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    var only: String = ""
    var repetitions: Int?

    init(_ words: [String]) throws(Problem) {
        var index = 0
        while index < words.count {
            guard index + 1 < words.count else { throw Problem(description: "\(words[index]) wants a value") }
            switch words[index] {
            case "--only": only = words[index + 1]
            case "--repeat":
                guard let number = Int(words[index + 1]), number > 0 else {
                    throw Problem(description: "--repeat wants a number of at least 1, not \(words[index + 1])")
                }
                repetitions = number
            default: throw Problem(description: "unknown option \(words[index]); --only NAME and --repeat N are known")
            }
            index += 2
        }
    }

    func includes(_ name: String) -> Bool {
        only.isEmpty || Self.contains(name, only)
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let text: [UInt8] = Array(text.utf8)
        let part: [UInt8] = Array(part.utf8)
        guard text.count >= part.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
    }
}
