/// What a node needs from its machine, and what of it is missing: the data behind `swiftlet check`.
package struct Prerequisites: Sendable, Equatable {
    package enum Verdict: String, Sendable {
        case met
        /// The node works, with something less.
        case degraded
        /// No pod can run.
        case missing
    }

    package struct Item: Sendable, Equatable {
        /// Short and stable: "containerd", "cgroups".
        package var name: String
        package var verdict: Verdict
        /// What was found, or what is wrong.
        package var detail: String
        /// What to do on Debian; empty when there is nothing to do.
        package var remedy: String
    }

    package var items: [Item]

    package var isMet: Bool { !items.contains { $0.verdict == .missing } }

    /// All Debian packages that are missing, for one command.
    package static let packages = ["containerd", "runc", "containernetworking-plugins", "nftables", "iptables"]

    /// Looks at this machine. Blocks, for less than a second.
    package static func check(_ paths: NodePaths) -> Prerequisites {
        Prerequisites(MachineFacts.gather(paths))
    }

    package init(_ facts: MachineFacts) {
        items = [
            Self.root(facts),
            Self.program(facts, "containerd", package: "containerd", without: "no pod can run"),
            Self.program(facts, "containerd-shim-runc-v2", package: "containerd", without: "no container can run"),
            Self.program(facts, "ctr", package: "containerd", without: "no image can be imported"),
            Self.program(facts, "runc", package: "runc", without: "no container can run"),
            Self.plugins(facts),
            Self.optional(facts, "nft", package: "nftables", without: "services do not work, and pods start slower"),
            Self.optional(facts, "iptables", package: "iptables", without: "host ports do not work"),
            Self.cgroups(facts),
            Self.overlay(facts),
            Self.links(facts),
            Self.bridges(facts),
            Self.pause(facts),
            Self.capabilities(facts),
        ]
    }

    private static func root(_ facts: MachineFacts) -> Item {
        let isRoot = facts.userID == 0
        return Item(
            name: "root", verdict: isRoot ? .met : .missing,
            detail: isRoot ? "runs as root" : "runs as user \(facts.userID); a node needs root",
            remedy: isRoot ? "" : "run it with sudo")
    }

    private static func program(_ facts: MachineFacts, _ name: String, package: String, without: String) -> Item {
        if let path = facts.programs[name] { return Item(name: name, verdict: .met, detail: path, remedy: "") }
        return Item(
            name: name, verdict: .missing, detail: "not found; without it \(without)",
            remedy: "apt-get install \(package)")
    }

    private static func optional(_ facts: MachineFacts, _ name: String, package: String, without: String) -> Item {
        var item = program(facts, name, package: package, without: without)
        if item.verdict == .missing { item.verdict = .degraded }
        return item
    }

    private static func plugins(_ facts: MachineFacts) -> Item {
        if let directory = facts.pluginDirectory {
            return Item(name: "cni-plugins", verdict: .met, detail: directory, remedy: "")
        }
        let needed = NetworkPlugins.needed.joined(separator: ", ")
        return Item(
            name: "cni-plugins", verdict: .missing,
            detail: "no directory of \(NetworkPlugins.directories.joined(separator: ", ")) has \(needed)",
            remedy: "apt-get install containernetworking-plugins")
    }

    private static func cgroups(_ facts: MachineFacts) -> Item {
        guard let version = facts.cgroupVersion else {
            return Item(
                name: "cgroups", verdict: .missing, detail: "no cgroup hierarchy is mounted",
                remedy: "mount -t cgroup2 none /sys/fs/cgroup")
        }
        let missing = Cgroups.neededControllers.filter { !facts.controllers.contains($0) }
        guard missing.isEmpty else {
            return Item(
                name: "cgroups", verdict: .missing,
                detail: "version \(version) without \(missing.joined(separator: ", "))",
                remedy: "add cgroup_enable=\(missing.joined(separator: ",")) to the kernel's command line and reboot")
        }
        return Item(name: "cgroups", verdict: .met, detail: "version \(version)", remedy: "")
    }

    private static func overlay(_ facts: MachineFacts) -> Item {
        if facts.overlayWorks { return Item(name: "overlayfs", verdict: .met, detail: "works", remedy: "") }
        return Item(
            name: "overlayfs", verdict: .degraded,
            detail: "does not work on the data directory; images are copied for each container instead",
            remedy: "modprobe overlay, or put the data directory on ext4 or xfs")
    }

    private static func links(_ facts: MachineFacts) -> Item {
        guard !facts.missingLinkKinds.isEmpty else {
            return Item(name: "pod-network", verdict: .met, detail: "bridge and veth work", remedy: "")
        }
        return Item(
            name: "pod-network", verdict: .missing,
            detail: "the kernel makes no \(facts.missingLinkKinds.joined(separator: " and no ")) interface",
            remedy: facts.missingLinkKinds.map { "modprobe \($0)" }.joined(separator: "; "))
    }

    private static func bridges(_ facts: MachineFacts) -> Item {
        if facts.filtersBridges {
            return Item(
                name: "bridge-filter", verdict: .met, detail: "the firewall sees packets within a bridge", remedy: "")
        }
        return Item(
            name: "bridge-filter", verdict: .degraded,
            detail: "the kernel has no br_netfilter: network policies do not bind pods of this node among themselves",
            remedy: "modprobe br_netfilter, or a kernel with CONFIG_BRIDGE_NETFILTER")
    }

    private static func pause(_ facts: MachineFacts) -> Item {
        let known = PauseProgram.architectures[facts.machine] != nil
        return Item(
            name: "architecture", verdict: known ? .met : .missing,
            detail: known ? facts.machine : "\(facts.machine) has no pause program",
            remedy: known ? "" : "build one with dev/pause/make")
    }

    private static func capabilities(_ facts: MachineFacts) -> Item {
        let missing = MachineFacts.neededCapabilities.filter { facts.capabilities & (1 << $0.bit) == 0 }
        guard missing.isEmpty else {
            return Item(
                name: "capabilities", verdict: .missing,
                detail: "lacks " + missing.map(\.name).joined(separator: ", "),
                remedy: "start it with all capabilities (in a container: --privileged)")
        }
        guard facts.mayLowerOOMScore else {
            return Item(
                name: "capabilities", verdict: .degraded,
                detail: "lacks CAP_SYS_RESOURCE: critical pods are not protected from the out-of-memory killer",
                remedy: "start it with all capabilities")
        }
        return Item(name: "capabilities", verdict: .met, detail: "all that are needed", remedy: "")
    }
}
