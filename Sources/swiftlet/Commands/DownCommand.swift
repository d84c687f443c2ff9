import ArgumentParser
import Glibc
import NodeSetup

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop the cluster and everything that runs in it; its data stays.")

    @OptionGroup var data: DataOptions

    @Option(help: "Seconds to wait for the cluster to stop before it is killed.") var timeout: Int = 30

    func run() async throws {
        let files = ClusterFiles(data.paths)
        if let process = ProcessFile.owner(of: files.process) {
            Output.line("stopping swiftlet (process \(process))")
            let left: [Int32] = ProcessTable.signal([process], SIGTERM, waitMilliseconds: timeout * 1000)
            if !left.isEmpty {
                Output.complaint("it did not stop within \(timeout) s; killing it")
                _ = ProcessTable.signal(left, SIGKILL, waitMilliseconds: 5000)
            }
        } else {
            Output.line("no cluster runs in \(data.dataDirectory)")
        }
        let reset = Reset(data.paths, keepingData: true)
        let failures: [Reset.Failure] = reset.execute(reset.plan())
        for failure in failures { Output.complaint(failure.description) }
        guard failures.isEmpty else { throw ExitCode.failure }
    }
}

struct ResetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Remove everything that the cluster made: processes, mounts, network, cgroups, data.",
        discussion: "Only what Swiftlet made is touched; foreign mounts are never followed.")

    @OptionGroup var data: DataOptions

    @Flag(name: .customLong("dry-run"), help: "Only show what would be removed.") var isDryRun = false

    func run() async throws {
        let files = ClusterFiles(data.paths)
        let reset = Reset(data.paths)
        let plan: ResetPlan = reset.plan()
        if isDryRun {
            for step in plan.steps { Output.line("would \(step)") }
            for thing in plan.kept { Output.line("would keep \(thing)") }
            if plan.steps.isEmpty { Output.line("nothing to remove") }
            return
        }
        if let process = ProcessFile.owner(of: files.process) {
            let left: [Int32] = ProcessTable.signal([process], SIGTERM, waitMilliseconds: 30_000)
            _ = ProcessTable.signal(left, SIGKILL, waitMilliseconds: 5000)
        }
        let failures: [Reset.Failure] = reset.execute(reset.plan())
        // Made for the kubeconfig; goes if nobody else put something there.
        if data.paths == NodePaths() { rmdir("/etc/swiftlet") }
        for failure in failures { Output.complaint(failure.description) }
        guard failures.isEmpty else { throw ExitCode.failure }
        for thing in plan.kept { Output.line("kept \(thing)") }
        Output.line("removed \(plan.steps.count) things")
    }
}
