import ArgumentParser

/// The command line: parses, builds the parts, runs them.
@main
struct Swiftlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftlet",
        abstract: "Kubernetes in one binary: a cluster that starts in a blink and explains itself.",
        discussion: """
            Start a cluster with `swiftlet up`, talk to it with kubectl (`swiftlet kubectl get nodes`), and ask it what \
            happened with `swiftlet flow pod/NAME`. All commands take --data-dir, so that several clusters can live on \
            one machine, one at a time.
            """,
        version: Version.text,
        subcommands: [
            UpCommand.self, DownCommand.self, StatusCommand.self, CheckCommand.self, ResetCommand.self,
            FlowCommand.self, ImageCommand.self, KubectlCommand.self, VersionCommand.self, CompletionCommand.self,
        ]
    )
}

/// What this binary is.
enum Version {
    static let own: String = "0.1.0"
    /// As the API server reports it: the Kubernetes version that it implements, and ours.
    static let kubernetes: String = "v1.34.0+swiftlet.\(own)"
    static let text: String = "swiftlet \(own) (Kubernetes \(kubernetes))"
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version of Swiftlet, and of the Kubernetes API that it serves.")

    @Flag(name: .customShort("o"), help: .hidden) var short = false

    func run() {
        Output.line(Version.text)
    }
}

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: "For bash: source <(swiftlet completion bash)")

    @Argument(help: "bash, zsh or fish.") var shell: String

    func run() throws {
        guard let kind = CompletionShell(rawValue: shell) else {
            throw ValidationError("no completions for \"\(shell)\": say bash, zsh or fish")
        }
        Output.line(Swiftlet.completionScript(for: kind))
    }
}
