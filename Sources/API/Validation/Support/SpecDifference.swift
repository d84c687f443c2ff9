import APIMachinery
import Codec

/// How two values of a type differ, in the manner of the Go library that upstream uses: members that are equal are
/// left out, the old line begins with a minus, the new one with a plus.
enum SpecDifference {
    private static let lineLimit = 60

    static func text<Value: APIMessage>(old: Value, new: Value, name: String) -> String {
        var lines: [String] = []
        if let before = tree(old), let after = tree(new) { compare(before, after, depth: 1, &lines) }
        if lines.count > lineLimit { lines = Array(lines.prefix(lineLimit)) + ["  \t... // more differences"] }
        return "  \(name){\n" + lines.joined(separator: "\n") + "\n  }\n"
    }

    private static func tree(_ value: some APIMessage) -> JSONValue? {
        try? JSONReader.decode(JSONValue.self, from: value.jsonBytes)
    }

    private static func compare(_ old: JSONValue, _ new: JSONValue, depth: Int, _ lines: inout [String]) {
        let indent: String = String(repeating: "\t", count: depth)
        guard case .object(let before) = old, case .object(let after) = new else { return }
        var skipped: Int = 0
        func flush() {
            if skipped > 0 { lines.append("  \(indent)... // \(skipped) identical fields") }
            skipped = 0
        }
        var names: [String] = before.map { $0.key }
        for member in after where before[member.key] == nil { names.append(member.key) }
        for name in names {
            let (one, other): (JSONValue?, JSONValue?) = (before[name], after[name])
            if one == other {
                skipped += 1
                continue
            }
            flush()
            if case .object? = one, case .object? = other, let one, let other {
                lines.append("  \(indent)\(title(name)): {")
                compare(one, other, depth: depth + 1, &lines)
                lines.append("  \(indent)},")
                continue
            }
            lines.append("- \(indent)\(title(name)): \(shown(one)),")
            lines.append("+ \(indent)\(title(name)): \(shown(other)),")
        }
        flush()
    }

    private static func title(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst()
    }

    private static func shown(_ value: JSONValue?) -> String {
        value.map { String(decoding: $0.jsonBytes, as: UTF8.self) } ?? "nil"
    }
}
