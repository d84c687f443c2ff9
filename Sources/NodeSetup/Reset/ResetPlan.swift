/// What a reset would do, in the order it would do it.
package struct ResetPlan: Sendable, Equatable {
    package enum Step: Sendable, Equatable, CustomStringConvertible {
        case endProcess(id: Int32, what: String)
        case unmount(String)
        case deleteInterface(String)
        /// An address of the loopback interface.
        case removeAddress(String)
        case deleteTable(family: String, name: String)
        /// Only if nothing is left in it by then.
        case deleteUnusedTable(FirewallTable)
        /// A script for `iptables-restore --noflush`, or its IPv6 sister.
        case deleteRules(program: String, script: String, rules: Int)
        /// From the root of the hierarchy; only what has no processes is removed.
        case removeCgroup(String)
        case removeFile(String)
        case removeTree(String)

        package var description: String {
            switch self {
            case .endProcess(let id, let what): "end process \(id) (\(what))"
            case .unmount(let path): "unmount \(path)"
            case .deleteInterface(let name): "delete network interface \(name)"
            case .removeAddress(let address): "remove address \(address) from the loopback interface"
            case .deleteTable(let family, let name): "delete nftables table \(family) \(name)"
            case .deleteUnusedTable(let table):
                "delete nftables table \(table.family) \(table.name) if nothing is left in it"
            case .deleteRules(let program, _, let rules): "delete \(rules) rules and chains with \(program)-restore"
            case .removeCgroup(let path): "remove cgroup \(path)"
            case .removeFile(let path): "delete \(path)"
            case .removeTree(let path): "delete \(path) and all below it"
            }
        }
    }

    package var steps: [Step] = []
    /// What lies in our places but is not ours, and stays.
    package var kept: [String] = []

    package init() {}

    package var isEmpty: Bool { steps.isEmpty && kept.isEmpty }
}

/// What a reset looks at. Gathered once, so that the plan is a pure function of it.
package struct ResetFacts: Sendable, Equatable {
    package var processes: [ProcessEntry] = []
    /// The cgroups of each process, over all hierarchies.
    package var cgroups: [Int32: [String]] = [:]
    package var mounts: [MountEntry] = []
    /// Ids of the sandboxes and containers that containerd's directories name.
    package var containerIDs: Set<String> = []
    /// CNI's name of our network and its bridge; nil when the machine's own network is used.
    package var network: (name: String, bridge: String)?
    /// The interfaces on our bridge.
    package var bridgePorts: [String] = []
    package var bridgeExists = false
    /// The cluster's address that we gave this machine.
    package var clusterAddress: String?
    /// Whether a node ran with this data directory.
    package var hadNode = false
    /// nftables tables as (family, name).
    package var tables: [FirewallTable] = []
    /// Tables that were there before our node came; nil: nobody noted.
    package var earlierTables: [FirewallTable]?
    /// What `iptables-save` and `ip6tables-save` write, per program that is there.
    package var rules: [String: String] = [:]
    /// Cgroups below the pods' root, deepest first, and the root.
    package var podCgroups: [String] = []
    /// Files outside of our directories that carry our containers' ids.
    package var files: [String] = []
    /// Files of the cluster's own that exist, in the data directory and for the administrator.
    package var madeFiles: [String] = []
    /// Our directories that exist.
    package var trees: [String] = []
    /// Whether the data directory was made by Swiftlet, so that it may go as a whole.
    package var ownsDataDirectory = false

    package init() {}

    package static func == (left: ResetFacts, right: ResetFacts) -> Bool {
        left.processes == right.processes && left.cgroups == right.cgroups && left.mounts == right.mounts
            && left.containerIDs == right.containerIDs && left.network?.name == right.network?.name
            && left.clusterAddress == right.clusterAddress && left.network?.bridge == right.network?.bridge
            && left.bridgePorts == right.bridgePorts
            && left.rules == right.rules && left.podCgroups == right.podCgroups && left.trees == right.trees
            && left.files == right.files && left.madeFiles == right.madeFiles
            && left.ownsDataDirectory == right.ownsDataDirectory
            && left.hadNode == right.hadNode && left.tables == right.tables
            && left.earlierTables == right.earlierTables
    }
}

extension ResetFacts {
    /// Our processes, with what each is: containerd by its configuration, shims by the socket they report to,
    /// and what runs in containers by descent from a shim or, when the shim died, by its cgroup's name.
    package func ours(_ paths: NodePaths) -> [(process: ProcessEntry, what: String)] {
        var result: [(process: ProcessEntry, what: String)] = []
        var shims: Set<Int32> = []
        for process in processes {
            if ContainerdSupervisor.isOurs(process.arguments, paths) {
                result.append((process, "containerd"))
            } else if Self.isShim(process.arguments, paths) {
                shims.insert(process.id)
            }
        }
        let descendants = ProcessTable.descendants(of: shims, in: processes)
        for process in processes {
            if shims.contains(process.id) {
                result.append((process, "containerd-shim"))
            } else if descendants.contains(process.id) || isInOurCgroup(process.id) {
                result.append((process, "container process " + (process.arguments.first ?? "")))
            }
        }
        return result
    }

    private static func isShim(_ arguments: [String], _ paths: NodePaths) -> Bool {
        guard arguments.first?.split(separator: "/").last?.hasPrefix("containerd-shim") == true else { return false }
        return zip(arguments, arguments.dropFirst()).contains { $0 == "-address" && $1 == paths.containerdSocket }
    }

    private func isInOurCgroup(_ id: Int32) -> Bool {
        (cgroups[id] ?? []).contains { path in
            path.split(separator: "/").contains { component in
                // systemd's driver: cri-containerd-ID.scope
                let name = component.split(separator: "-").last?.split(separator: ".").first ?? component
                return containerIDs.contains(String(component)) || containerIDs.contains(String(name))
            }
        }
    }

    /// The plan. With `keepingData`, all that survives a reboot stays: the cluster's objects and keys, volumes,
    /// images. What runs, and what only lives while it runs, goes.
    package func plan(_ paths: NodePaths, keepingData: Bool) -> ResetPlan {
        var plan = ResetPlan()
        for (process, what) in ours(paths) { plan.steps.append(.endProcess(id: process.id, what: what)) }
        let (unmounts, foreign) = splitMounts(paths)
        plan.steps += unmounts.map { .unmount($0) }
        plan.kept += foreign.map { "\($0): mounted by somebody else" }
        if let clusterAddress { plan.steps.append(.removeAddress(clusterAddress)) }
        if let network {
            plan.steps += bridgePorts.map { .deleteInterface($0) }
            if bridgeExists { plan.steps.append(.deleteInterface(network.bridge)) }
            for (program, text) in rules.sorted(by: { $0.key < $1.key }) {
                let removal = FirewallRemoval(saved: text, network: network.name)
                if removal.count > 0 {
                    plan.steps.append(
                        .deleteRules(program: program, script: removal.script, rules: removal.count))
                }
            }
        }
        let prefix: String? = network?.name ?? (hadNode ? PodNetworkConfiguration().name : nil)
        for table in tables where prefix.map({ table.name.hasPrefix($0 + "-") }) == true {
            plan.steps.append(.deleteTable(family: table.family, name: table.name))
        }
        if network != nil, let earlierTables {
            let made = FirewallTable.shared.filter { tables.contains($0) && !earlierTables.contains($0) }
            plan.steps += made.map { .deleteUnusedTable($0) }
        }
        plan.steps += podCgroups.map { .removeCgroup($0) }
        plan.steps += files.map { .removeFile($0) }
        if !keepingData { plan.steps += madeFiles.map { .removeFile($0) } }
        for tree in trees {
            guard tree == paths.dataDirectory else {
                plan.steps.append(.removeTree(tree))
                continue
            }
            if keepingData { continue }
            if ownsDataDirectory {
                plan.steps.append(.removeTree(tree))
            } else {
                plan.steps += paths.madeDirectories.map { .removeTree($0) }
                plan.kept.append("\(tree): it was not empty when Swiftlet came")
            }
        }
        return plan
    }

    /// Mounts below our directories, deepest first: those where only we mount things, and the others.
    private func splitMounts(_ paths: NodePaths) -> (ours: [String], foreign: [String]) {
        var ours: [String] = []
        var foreign: [String] = []
        for mount in mounts.reversed() {
            let inOurs = [paths.runDirectory, paths.containerdDirectory, paths.kubeletDirectory].contains {
                mount.path.hasPrefix($0 + "/")
            }
            if inOurs {
                ours.append(mount.path)
            } else if mount.path.hasPrefix(paths.dataDirectory + "/") {
                foreign.append(mount.path)
            }
        }
        // What is mounted inside of another mount has the longer path; equal paths stay as they were: last first.
        let order = ours.enumerated().sorted { left, right in
            left.element.utf8.count == right.element.utf8.count
                ? left.offset < right.offset : left.element.utf8.count > right.element.utf8.count
        }
        return (order.map(\.element), foreign)
    }
}
