import APIMachinery
import Client
import Synchronization

/// Logs as lines on standard error: time, level, message, `name=value` pairs.
enum LineLog {
    static func make(verbose: Bool) -> Log {
        let clock = SystemWallClock()
        let lock = Mutex(())
        return Log { level, message, metadata in
            guard verbose || level != .debug else { return }
            var line: String = "\(clock.nowMicro.description) \(padded(level.rawValue)) \(message)"
            for (name, value) in metadata {
                let isPlain: Bool = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "\n" }
                line += " \(name)=" + (isPlain ? value : quoted(value))
            }
            lock.withLock { _ in Output.complaint(line) }
        }
    }

    private static func padded(_ level: String) -> String {
        level + String(repeating: " ", count: max(0, 7 - level.count))
    }

    private static func quoted(_ value: String) -> String {
        var out: String = "\""
        for character in value {
            switch character {
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.append(character)
            }
        }
        return out + "\""
    }
}
