/// Draws a graph for people: one line per step, in the order of time, each with how long it waited for its cause.
///
///      #        at      wait  who                     did                                     because of
///      1    0.0 ms            admin                   asked: create deployments/default/web
///      2    1.9 ms    1.9 ms  apiserver               created deployments/default/web         1
///      3    2.6 ms    0.7 ms  deployment-controller   created replicasets/default/web-6d4     2
package struct FlowPicture: Sendable {
    package struct Row: Sendable, Equatable {
        package var stage: FlowStage
        /// Microseconds since the first row.
        package var at: Int64
        /// Microseconds since the newest of its causes was done; nil without a known cause.
        package var wait: Int64?
        package var who: String
        package var did: String
        /// Numbers of the rows that caused it, from 1.
        package var because: [Int]
        package var notes: [Step.Detail]
    }

    package let rows: [Row]

    package init(_ graph: FlowGraph) {
        guard let first = graph.steps.first else {
            rows = []
            return
        }
        var rows: [Row] = []
        // A user's request is not a step of its own: it is drawn from the write that answered it.
        var rowOfStep: [Int] = []
        let start: Int64 = first.time - first.duration
        for (index, step) in graph.steps.enumerated() {
            let stage = FlowStage(step)
            if stage == .written {
                let asked: String = "asked: \(FlowPicture.imperative(step.what)) \(step.object.description)"
                rows.append(
                    Row(
                        stage: .asked, at: step.time - step.duration - start, wait: nil,
                        who: step.detail("user") ?? "client", did: asked, because: [], notes: []))
            }
            let causes: [Int] = graph.parents[index].filter { $0 < rowOfStep.count }
            let newest: Int64? = causes.map { graph.steps[$0].time }.max()
            let own: Int64? = stage == .written ? step.duration : nil
            rows.append(
                Row(
                    stage: stage, at: step.time - start, wait: own ?? newest.map { max(0, step.time - $0) },
                    who: step.actor, did: FlowPicture.did(step),
                    because: stage == .written ? [rows.count] : Array(Set(causes.map { rowOfStep[$0] })).sorted(),
                    notes: step.details.filter { $0.name != "user" }))
            rowOfStep.append(rows.count)
        }
        self.rows = rows
    }

    /// `created` → `create`: what a client asked for.
    private static func imperative(_ what: String) -> String {
        if what.hasSuffix("ed") {
            return String(what.dropLast(what == "created" || what == "deleted" || what == "updated" ? 1 : 2))
        }
        return what
    }

    private static func did(_ step: Step) -> String {
        let isWrite: Bool = step.component == "apiserver"
        return isWrite ? "\(step.what) \(step.object.description)" : step.what
    }

    /// `0.4 ms`, `12.0 ms`, `1.24 s`.
    package static func duration(_ microseconds: Int64) -> String {
        if microseconds >= 1_000_000 {
            let hundredths: Int64 = microseconds / 10_000
            let rest: Int64 = hundredths % 100
            return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
        }
        return "\(microseconds / 1000).\(microseconds % 1000 / 100) ms"
    }

    // MARK: - Forms

    /// A table of lines. Long causes are numbers of rows.
    package func text(notes: Bool = true) -> String {
        guard !rows.isEmpty else { return "nothing is remembered of it\n" }
        let who: Int = rows.map(\.who.count).max() ?? 0
        let did: Int = min(72, rows.map(\.did.count).max() ?? 0)
        var out: String = "  step  \(Self.left("at", 9))  \(Self.left("wait", 9))  "
        out += "\(Self.right("who", who))  \(Self.right("did", did))  because of\n"
        for (index, row) in rows.enumerated() {
            let because: String = row.because.map { "line \($0)" }.joined(separator: ", ")
            let wait: String = row.wait.map { Self.duration($0) } ?? ""
            var line: String = Self.left("\(index + 1)", 3) + " \(row.stage.rawValue) "
            line += " \(Self.left(Self.duration(row.at), 10))  \(Self.left(wait, 9))  "
            line += "\(Self.right(row.who, who))  \(Self.right(row.did, did))  \(because)"
            out += Self.trimmed(line) + "\n"
            guard notes else { continue }
            for note in row.notes {
                out += String(repeating: " ", count: 30) + Self.right("", who) + "    · \(note.name): \(note.value)\n"
            }
        }
        return out
    }

    /// A Mermaid flow chart of the same rows.
    package var mermaid: String {
        var out: String = "flowchart TD\n"
        for (index, row) in rows.enumerated() {
            let label: String = "\(row.who)<br/>\(row.did)<br/>at \(Self.duration(row.at))"
            out += "  s\(index + 1)[\"\(label.replacing("\"", with: "#quot;"))\"]\n"
        }
        for (index, row) in rows.enumerated() {
            for cause in row.because {
                let wait: String = row.wait.map { "|\(Self.duration($0))|" } ?? ""
                out += "  s\(cause) -->\(wait) s\(index + 1)\n"
            }
        }
        return out
    }

    private static func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func right(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func trimmed(_ line: String) -> String {
        var line: Substring = line[...]
        while line.last == " " { line = line.dropLast() }
        return String(line)
    }
}
