import ArgumentParser
import NodeSetup

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Tell what this machine lacks to run pods, and how to get it.")

    @OptionGroup var data: DataOptions

    func run() throws {
        let found: Prerequisites = Prerequisites.check(data.paths)
        let width: Int = found.items.map(\.name.count).max() ?? 0
        for item in found.items {
            let mark: String =
                switch item.verdict {
                case .met: "ok      "
                case .degraded: "degraded"
                case .missing: "MISSING "
                }
            let name: String = item.name + String(repeating: " ", count: width - item.name.count)
            Output.line("\(mark)  \(name)  \(item.detail)")
            if !item.remedy.isEmpty {
                Output.line("          \(String(repeating: " ", count: width))  → \(item.remedy)")
            }
        }
        guard found.isMet else { throw ExitCode.failure }
    }
}
