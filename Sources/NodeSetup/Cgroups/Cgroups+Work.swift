import Glibc

extension Cgroups {
    /// Makes the cgroups above pods. Safe to repeat.
    package func prepare() throws(Error) {
        for quality in QualityOfService.allCases { try make(classPath(quality)) }
        // Best-effort pods get what the others leave.
        try set(CgroupLimits(cpuShares: 2), on: classPath(.bestEffort))
    }

    /// Makes a cgroup, or finds it, and sets its limits.
    package func create(_ path: String, limits: CgroupLimits) throws(Error) {
        try make(path)
        try set(limits, on: path)
    }

    /// Sets limits on a cgroup that exists. Version 1 without a controller that a limit needs is an error.
    package func set(_ limits: CgroupLimits, on path: String) throws(Error) {
        let unified = if case .v2 = version { true } else { false }
        for (controller, file, value) in limits.assignments(unified: unified) {
            guard let target = self.file(controller, path, file) else {
                throw Error(path: path, cause: SystemError("find", "controller \(controller)", ENOENT))
            }
            do throws(SystemError) {
                try Files.set(target, to: value)
            } catch {
                throw Error(path: path, cause: error)
            }
        }
    }

    private func make(_ path: String) throws(Error) {
        do throws(SystemError) {
            switch version {
            case .v1(let mounts):
                for tree in trees { try Files.makeDirectory(tree + path) }
                if let tree = mounts["cpuset"] { try inheritCPUSet(tree, path) }
            case .v2(let mount):
                try makeUnified(mount, path)
            }
        } catch {
            throw Error(path: path, cause: error)
        }
    }

    /// A new version 1 cpuset is empty, and takes no process until it has CPUs and memory nodes.
    private func inheritCPUSet(_ tree: String, _ path: String) throws(SystemError) {
        var parent = tree
        for component in path.split(separator: "/") {
            let child = parent + "/" + component
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let current = Files.text(child + "/" + file) ?? ""
                guard current.allSatisfy(\.isWhitespace), let above = Files.text(parent + "/" + file) else { continue }
                try Files.set(child + "/" + file, to: above)
            }
            parent = child
        }
    }

    /// In version 2 each cgroup on the way hands the controllers down to its children.
    private func makeUnified(_ mount: String, _ path: String) throws(SystemError) {
        var parent = mount
        for component in path.split(separator: "/") {
            let available = (Files.text(parent + "/cgroup.controllers") ?? "").split(whereSeparator: \.isWhitespace)
            let enabled = (Files.text(parent + "/cgroup.subtree_control") ?? "").split(whereSeparator: \.isWhitespace)
            let missing = available.filter { !enabled.contains($0) }
            // One by one: the kernel takes all or nothing, and some (cpu with real-time processes) it refuses.
            for controller in missing {
                do throws(SystemError) {
                    try enable(controller, in: parent, root: mount)
                } catch {
                    if Self.neededControllers.contains(String(controller)) { throw error }
                }
            }
            parent += "/" + component
            try Files.makeDirectory(parent)
        }
    }

    private func enable(_ controller: Substring, in cgroup: String, root: String) throws(SystemError) {
        do throws(SystemError) {
            try Files.set(cgroup + "/cgroup.subtree_control", to: "+\(controller)")
        } catch {
            // Inside of a container, what looks like the root is a cgroup with processes, and such a one cannot
            // have children with controllers: the processes move one down first.
            guard error.errorNumber == EBUSY, cgroup == root else { throw error }
            try evacuate(root)
            try Files.set(cgroup + "/cgroup.subtree_control", to: "+\(controller)")
        }
    }

    private func evacuate(_ root: String) throws(SystemError) {
        let shelter = root + "/init"
        try Files.makeDirectory(shelter)
        for line in (Files.text(root + "/cgroup.procs") ?? "").split(separator: "\n") {
            // One that has ended meanwhile is gone, and a kernel thread stays; the next step tells.
            try? Files.set(shelter + "/cgroup.procs", to: String(line))
        }
    }

    /// Removes a cgroup and those below it, in all trees. Fails with EBUSY while a process is inside.
    package func remove(_ path: String) throws(Error) {
        var failure: SystemError?
        for tree in removalTrees {
            if let error = Self.removeTree(tree + path) { failure = error }
        }
        if let failure { throw Error(path: path, cause: failure) }
    }

    /// Version 1's named hierarchies and a version 2 tree beside it get cgroups too, from runc.
    private var removalTrees: [String] {
        let mounts = (try? MountTable.read()) ?? []
        let all = mounts.filter { $0.type == "cgroup" || $0.type == "cgroup2" }.map(\.path)
        return Set(trees + all).sorted()
    }

    /// Removes directories only: a cgroup's files go with it. What exists not is removed already.
    static func removeTree(_ directory: String) -> SystemError? {
        guard Files.isDirectory(directory) else { return nil }
        for entry in Files.entries(directory) where Files.isDirectory(directory + "/" + entry) {
            if let error = removeTree(directory + "/" + entry) { return error }
        }
        if rmdir(directory) == 0 { return nil }
        let number = errno
        return number == ENOENT ? nil : SystemError("remove", directory, number)
    }

    package func exists(_ path: String) -> Bool {
        trees.contains { Files.isDirectory($0 + path) }
    }

    /// The names of the cgroups right below one, in any tree.
    package func children(_ path: String) -> [String] {
        var names: Set<String> = []
        for tree in removalTrees {
            for entry in Files.entries(tree + path) where Files.isDirectory(tree + path + "/" + entry) {
                names.insert(entry)
            }
        }
        return names.sorted()
    }

    /// The processes in a cgroup and those below it.
    package func processes(_ path: String) -> [Int32] {
        var found: Set<Int32> = []
        for tree in trees { Self.collect(tree + path, into: &found) }
        return found.sorted()
    }

    private static func collect(_ directory: String, into found: inout Set<Int32>) {
        guard let text = Files.text(directory + "/cgroup.procs") else { return }
        for line in text.split(separator: "\n") { if let id = Int32(line) { found.insert(id) } }
        for entry in Files.entries(directory) where Files.isDirectory(directory + "/" + entry) {
            collect(directory + "/" + entry, into: &found)
        }
    }

    /// What a cgroup, with those below it, uses now. Nil when it does not exist.
    package func usage(_ path: String) -> CgroupUsage? {
        guard exists(path) else { return nil }
        var usage = CgroupUsage()
        func text(_ controller: String, _ name: String) -> String? { file(controller, path, name).flatMap(Files.text) }
        let statistics = Self.table(text("memory", "memory.stat") ?? "")
        let inactive: UInt64?
        switch version {
        case .v1:
            usage.cpuNanoseconds = text("cpuacct", "cpuacct.usage").flatMap(Self.number)
            usage.memoryBytes = text("memory", "memory.usage_in_bytes").flatMap(Self.number)
            usage.residentBytes = statistics["total_rss"]
            usage.pageFaults = statistics["total_pgfault"]
            usage.majorPageFaults = statistics["total_pgmajfault"]
            inactive = statistics["total_inactive_file"]
        case .v2:
            usage.cpuNanoseconds = Self.table(text("cpu", "cpu.stat") ?? "")["usage_usec"].map { $0 * 1_000 }
            usage.memoryBytes = text("memory", "memory.current").flatMap(Self.number)
            usage.residentBytes = statistics["anon"]
            usage.pageFaults = statistics["pgfault"]
            usage.majorPageFaults = statistics["pgmajfault"]
            inactive = statistics["inactive_file"]
        }
        if let total = usage.memoryBytes { usage.workingSetBytes = total - min(total, inactive ?? 0) }
        usage.processes = text("pids", "pids.current").flatMap(Self.number)
        return usage
    }

    private static func number(_ text: String) -> UInt64? { UInt64(text.filter { !$0.isWhitespace }) }

    /// Lines of "name number".
    static func table(_ text: String) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2, let value = UInt64(fields[1]) { result[String(fields[0])] = value }
        }
        return result
    }
}
