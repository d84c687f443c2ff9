import FuzzTargets
import Glibc

/// `fuzz TARGET… [--seconds N] [--seed N]`: mutates inputs for so long for each target (`all` is
/// every one) and ends with 1 at the first that breaks an invariant.
///
/// The input under way is always in the file that is named at the start, also after a crash or a hang; `fuzz TARGET
/// --input FILE` reads one again. What is found belongs into `Fuzzing/FailCases/TARGET`, where a unit test replays it.
@main
struct Fuzz {
    private static let timeLimit: Duration = .seconds(1)
    /// Bytes; beyond them an allocation fails and the process ends.
    private static let memoryLimit: UInt = 3 << 30

    private struct Options {
        var targets: [FuzzTarget] = []
        var seconds: Int = 60
        var seed: UInt64 = 1
        var input: String?
    }

    static func main() {
        let options: Options = parse(Array(CommandLine.arguments.dropFirst()))
        var limit = rlimit(rlim_cur: memoryLimit, rlim_max: memoryLimit)
        precondition(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, "failed to limit the memory")
        if let input = options.input, let target = options.targets.first {
            read(target, File.read(input) ?? [])
            return
        }
        for target in options.targets { run(target, options) }
    }

    private static func parse(_ arguments: [String]) -> Options {
        var options = Options()
        var rest: ArraySlice<String> = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--seconds": options.seconds = Int(rest.popFirst() ?? "") ?? options.seconds
            case "--seed": options.seed = UInt64(rest.popFirst() ?? "") ?? options.seed
            case "--input": options.input = rest.popFirst()
            case "all": options.targets = FuzzTargets.all
            default:
                guard let target = FuzzTargets.named(word) else { usage() }
                options.targets.append(target)
            }
        }
        if options.targets.isEmpty { usage() }
        return options
    }

    private static func usage() -> Never {
        let names: String = FuzzTargets.all.map { $0.name }.joined(separator: " | ")
        say("usage: fuzz TARGET… [--seconds N] [--seed N] [--input FILE]\ntargets: all | \(names)")
        exit(2)
    }

    private static func run(_ target: FuzzTarget, _ options: Options) {
        let note = CurrentInput(target.name)
        say("\(target.name): seed \(options.seed), \(options.seconds) s; the input under way is in \(note.path)")
        var fuzzer = Fuzzer(target, seed: options.seed)
        let clock = ContinuousClock()
        let end: ContinuousClock.Instant = clock.now + .seconds(options.seconds)
        var report: Fuzzer.Report? = fuzzer.readSeeds(timeLimit: timeLimit) { note.write($0) }
        while report == nil, clock.now < end { report = fuzzer.step(timeLimit: timeLimit) { note.write($0) } }
        alarm(0)
        if let report {
            let small: Fuzzer.Report = fuzzer.shrunk(report, timeLimit: timeLimit)
            let path: String = "/tmp/fuzz-\(target.name)-found"
            File.write(small.input, to: path)
            say("\(target.name): \(small.finding)\nan input of \(small.input.count) bytes is in \(path)")
            exit(1)
        }
        say("\(target.name): \(fuzzer.executions) inputs, \(fuzzer.outcomeCount) outcomes, slowest \(fuzzer.slowest)")
        note.remove()
    }

    private static func read(_ target: FuzzTarget, _ input: [UInt8]) {
        let clock = ContinuousClock()
        let start: ContinuousClock.Instant = clock.now
        do throws(FuzzFinding) {
            say("\(try target.read(input)) in \(clock.now - start)")
        } catch {
            say("\(error) in \(clock.now - start)")
            exit(1)
        }
    }

    private static func say(_ text: String) {
        _ = (text + "\n").withCString { Glibc.write(STDOUT_FILENO, $0, strlen($0)) }
    }
}

/// The input under way, in a file that outlives a crash. A hang ends in a signal.
private struct CurrentInput {
    let path: String
    private let descriptor: Int32
    /// Longer than anything that is slow but ends.
    private static let hangSeconds: UInt32 = 20

    init(_ name: String) {
        path = "/tmp/fuzz-\(name)-current"
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o644)
        precondition(descriptor >= 0, "failed to open \(path)")
    }

    func write(_ bytes: [UInt8]) {
        alarm(Self.hangSeconds)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
        _ = ftruncate(descriptor, off_t(bytes.count))
    }

    func remove() {
        close(descriptor)
        unlink(path)
    }
}

private enum File {
    static func read(_ path: String) -> [UInt8]? {
        let descriptor: Int32 = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        let size = 64 * 1024
        var buffer = [UInt8](repeating: 0, count: size)
        while true {
            let count: Int = Glibc.read(descriptor, &buffer, size)
            if count <= 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    static func write(_ bytes: [UInt8], to path: String) {
        let descriptor: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }
}
