import CNodeSetup
import Glibc

/// Takes away everything that Swiftlet made on this machine for a data directory: processes, mounts, network,
/// cgroups and files. Nobody else may run on the data directory meanwhile. Everything here blocks.
package struct Reset: Sendable {
    /// What a step left behind.
    package struct Failure: Sendable, Equatable, CustomStringConvertible {
        package var step: ResetPlan.Step
        package var reason: String
        package var description: String { "failed to \(step): \(reason)" }
    }

    private let paths: NodePaths
    private let keepsData: Bool
    private let podsRoot: String

    /// With `keepingData`, the data directory stays as it is: objects, keys, volumes and images.
    package init(_ paths: NodePaths, keepingData: Bool = false, podsRoot: String = "/kubepods") {
        self.paths = paths
        keepsData = keepingData
        self.podsRoot = podsRoot
    }

    /// What is there. Changes nothing: it is what `--dry-run` shows.
    package func plan() -> ResetPlan { gather().plan(paths, keepingData: keepsData) }

    /// Does what the plan says, and returns what did not work. What is gone already counts as done.
    package func execute(_ plan: ResetPlan) -> [Failure] {
        var failures: [Failure] = []
        var processesEnded = false
        for step in plan.steps {
            if case .endProcess = step {
                guard !processesEnded else { continue }
                processesEnded = true
                failures += endProcesses()
            } else if let reason = perform(step) {
                failures.append(Failure(step: step, reason: reason))
            }
        }
        return failures
    }

    private func perform(_ step: ResetPlan.Step) -> String? {
        switch step {
        case .endProcess:
            return nil
        case .unmount(let path):
            return unmount(path)
        case .deleteInterface(let name):
            let result = nodesetup_delete_link(name)
            return result == 0 || result == -ENODEV ? nil : String(cString: strerror(-result))
        case .removeAddress(let address):
            do throws(Subprocess.Error) {
                try ClusterAddress.remove(address)
                return nil
            } catch {
                return error.description
            }
        case .deleteTable(let family, let name):
            return attempt(["nft", "delete", "table", family, name])
        case .deleteUnusedTable(let table):
            // Gone by itself, or used by somebody else meanwhile: both are well.
            let place = ["table", table.family, table.name]
            guard let text = try? Subprocess.run(["nft", "list"] + place, timeout: .seconds(20)),
                FirewallTable.isUnused(String(decoding: text, as: UTF8.self))
            else { return nil }
            return attempt(["nft", "delete"] + place)
        case .deleteRules(let program, let script, _):
            return attempt([program + "-restore", "--noflush", "-w", "5"], input: Array(script.utf8))
        case .removeCgroup(let path):
            return removeCgroup(path)
        case .removeFile(let path):
            return unlink(path) == 0 || errno == ENOENT ? nil : String(cString: strerror(errno))
        case .removeTree(let path):
            let leftovers = FileTree.remove(path)
            return leftovers.isEmpty
                ? nil : leftovers.prefix(5).map { "\($0.path): \($0.reason)" }.joined(separator: "; ")
        }
    }

    private func attempt(_ arguments: [String], input: [UInt8] = []) -> String? {
        do throws(Subprocess.Error) {
            try Subprocess.run(arguments, input: input, timeout: .seconds(20))
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Doing

    /// containerd first, so that it starts nothing more; then shims and containers at once. Several rounds,
    /// since a process may make another between the look and the signal.
    private func endProcesses() -> [Failure] {
        for round in 0..<6 {
            let ours = processFacts().ours(paths)
            if ours.isEmpty { return [] }
            let daemons = ours.filter { $0.what == "containerd" }.map(\.process.id)
            let politely = round == 0
            _ = ProcessTable.signal(daemons, politely ? SIGTERM : SIGKILL, waitMilliseconds: 5_000)
            let others = ours.filter { $0.what != "containerd" }.map(\.process.id)
            _ = ProcessTable.signal(others, SIGKILL, waitMilliseconds: 5_000)
        }
        return processFacts().ours(paths).map {
            Failure(step: .endProcess(id: $0.process.id, what: $0.what), reason: "it does not end")
        }
    }

    private func unmount(_ path: String) -> String? {
        let result = nodesetup_unmount(path, 0)
        if result == 0 || result == -EINVAL || result == -ENOENT { return nil }
        // Somebody has a file open in there: detach it, the kernel finishes when the file is closed.
        let lazily = nodesetup_unmount(path, 1)
        return lazily == 0 || lazily == -EINVAL || lazily == -ENOENT ? nil : String(cString: strerror(-lazily))
    }

    private func removeCgroup(_ path: String) -> String? {
        guard let cgroups = Cgroups.detect(podsRoot: podsRoot) else { return nil }
        // A process that was just killed leaves its cgroup a moment later.
        for _ in 0..<50 {
            do throws(Cgroups.Error) {
                try cgroups.remove(path)
                return nil
            } catch {
                guard error.cause.errorNumber == EBUSY else { return error.description }
                if !cgroups.processes(path).isEmpty { break }
                poll(nil, 0, 20)
            }
        }
        // Other pods are inside: the root belongs to whoever runs them.
        return cgroups.processes(path).isEmpty ? "it stays busy" : nil
    }

    // MARK: Looking

    private func gather() -> ResetFacts {
        var facts = processFacts()
        facts.mounts = (try? MountTable.read()) ?? []
        facts.trees = [paths.runDirectory, paths.dataDirectory].filter(Files.exists)
        facts.ownsDataDirectory = DataDirectory.isClaimed(paths)
        facts.madeFiles = paths.madeFiles.filter(Files.exists)
        facts.files = strayFiles(facts.containerIDs)
        gatherNetwork(&facts)
        facts.podCgroups = podCgroups(facts)
        return facts
    }

    private func processFacts() -> ResetFacts {
        var facts = ResetFacts()
        facts.processes = ProcessTable.read()
        let state = paths.containerdState + "/io.containerd.runtime.v2.task/" + ContainerdImages.namespace
        let cri = "/io.containerd.grpc.v1.cri/"
        var directories = [state]
        for base in [paths.containerdRoot, paths.containerdState] {
            directories += [base + cri + "sandboxes", base + cri + "containers"]
        }
        for directory in directories { facts.containerIDs.formUnion(Files.entries(directory)) }
        for process in facts.processes where !process.arguments.isEmpty {
            facts.cgroups[process.id] = ProcessTable.cgroups(of: process.id)
        }
        return facts
    }

    /// What containerd 1.x and CNI put where nobody can move it: shims' sockets (named in each bundle) and the
    /// results of CNI plugins (named after network and container).
    private func strayFiles(_ ids: Set<String>) -> [String] {
        let bundles = paths.containerdState + "/io.containerd.runtime.v2.task/" + ContainerdImages.namespace
        var files: [String] = []
        for id in Files.entries(bundles) {
            guard let address = Files.text("\(bundles)/\(id)/address"), address.hasPrefix("unix:///") else { continue }
            let socket = String(address.dropFirst("unix://".count))
            if Files.exists(socket) { files.append(socket) }
        }
        for directory in ["/var/lib/cni/results", "/var/lib/cni/cache/results"] {
            for name in Files.entries(directory) where ids.contains(where: { name.contains($0) }) {
                files.append(directory + "/" + name)
            }
        }
        return files
    }

    private func gatherNetwork(_ facts: inout ResetFacts) {
        facts.clusterAddress = ClusterAddress.installed(paths)
        // The service proxy's tables are there whoever made the pods' network.
        let path = paths.cniConfiguration + "/" + PodNetworkConfiguration.fileName
        facts.hadNode = Files.exists(paths.kubeletDirectory) || Files.exists(path)
        if facts.hadNode, let output = try? Subprocess.run(["nft", "list", "tables"], timeout: .seconds(10)) {
            facts.tables = FirewallTable.list(String(decoding: output, as: UTF8.self))
        }
        facts.earlierTables = FirewallNote.read(paths)
        guard let text = Files.text(path), let name = Self.member("name", in: text),
            let bridge = Self.member("bridge", in: text)
        else { return }
        facts.network = (name, bridge)
        facts.bridgeExists = Files.exists("/sys/class/net/\(bridge)/bridge")
        if facts.bridgeExists { facts.bridgePorts = Files.entries("/sys/class/net/\(bridge)/brif") }
        for program in ["iptables", "ip6tables"] {
            guard let output = try? Subprocess.run([program + "-save"], timeout: .seconds(10)) else { continue }
            facts.rules[program] = String(decoding: output, as: UTF8.self)
        }
    }

    /// The string value of a member, in a file that we wrote.
    static func member(_ name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
            if parts.count >= 5, parts[1] == name, parts[2].hasPrefix(":") { return String(parts[3]) }
        }
        return nil
    }

    /// Pods' cgroups that hold our containers, or nothing at all; then the classes' and the root, which go
    /// only when they are empty.
    private func podCgroups(_ facts: ResetFacts) -> [String] {
        guard let cgroups = Cgroups.detect(podsRoot: podsRoot) else { return [] }
        let ours = Set(facts.ours(paths).map(\.process.id))
        var found: [String] = []
        for quality in Cgroups.QualityOfService.allCases.reversed() {
            let parent = cgroups.classPath(quality)
            for name in cgroups.children(parent) where name.hasPrefix("pod") {
                let path = parent + "/" + name
                if cgroups.processes(path).allSatisfy(ours.contains) { found.append(path) }
            }
        }
        for quality in Cgroups.QualityOfService.allCases.reversed() {
            let path = cgroups.classPath(quality)
            if cgroups.exists(path), cgroups.processes(path).allSatisfy(ours.contains) { found.append(path) }
        }
        return found
    }
}
