import Glibc

/// Prepares the machine for pods' packets. Everything here blocks.
package enum NodeNetwork {
    /// What was done, for the log; in the order it was done.
    package struct Report: Sendable, Equatable {
        package var changes: [String] = []
        /// What did not work but does not stop the node.
        package var problems: [String] = []
    }

    /// Switches forwarding on, has bridged packets seen by the firewall (services need it when client and
    /// server share a bridge), installs our network unless the machine has one, and lets pods' packets pass a
    /// firewall that forwards nothing by default, as Docker sets up.
    /// Returns the directory of the CNI configuration to use.
    package static func prepare(
        _ network: PodNetworkConfiguration, paths: NodePaths, report: inout Report
    ) throws(SystemError) -> String {
        try enable("/proc/sys/net/ipv4/ip_forward", &report)
        if network.ranges.contains(where: \.isIPv6) { try forwardIPv6(&report) }
        bridgeFilter(&report)
        if NetworkPlugins.hasClusterNetwork(Files.entries(NetworkPlugins.systemConfiguration)) {
            return NetworkPlugins.systemConfiguration
        }
        // Before the first rule of ours.
        try FirewallNote.take(paths)
        var network = network
        if network.mtu == nil { network.mtu = NetworkPlugins.defaultRouteMTU() }
        do throws(Subprocess.Error) {
            try PodMasquerade(network).install()
        } catch {
            network.pluginMasquerades = true
            report.problems.append("\(error); the bridge plugin masquerades instead, which makes pods start slower")
        }
        passForwardFirewall(network, &report)
        try network.install(paths)
        return paths.cniConfiguration
    }

    private static func enable(_ path: String, _ report: inout Report) throws(SystemError) {
        if Files.text(path)?.hasPrefix("1") == true { return }
        try Files.set(path, to: "1\n")
        report.changes.append("set \(path) to 1")
    }

    /// A machine that forwards no longer listens to routers, unless it is told to: it would lose its own default route.
    private static func forwardIPv6(_ report: inout Report) throws(SystemError) {
        let place = "/proc/sys/net/ipv6/conf"
        for interface in Files.entries(place) {
            let path = "\(place)/\(interface)/accept_ra"
            guard Files.text(path)?.hasPrefix("1") == true else { continue }
            try Files.set(path, to: "2\n")
            report.changes.append("set \(path) to 2")
        }
        try enable(place + "/all/forwarding", &report)
    }

    private static func bridgeFilter(_ report: inout Report) {
        let directory = "/proc/sys/net/bridge"
        do {
            if !Files.exists(directory) { try Subprocess.run(["modprobe", "br_netfilter"], timeout: .seconds(10)) }
            for name in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
                let path = directory + "/" + name
                if Files.exists(path) { try enable(path, &report) }
            }
        } catch {
            report.problems.append("\(error); network policies do not bind pods of this node among themselves")
        }
    }

    /// The comment on our rule, by which a reset finds it.
    package static func forwardComment(_ network: String) -> String { network + " pods" }

    private static func passForwardFirewall(_ network: PodNetworkConfiguration, _ report: inout Report) {
        let comment = ["-m", "comment", "--comment", forwardComment(network.name), "-j", "ACCEPT"]
        for range in network.ranges {
            let program = [range.isIPv6 ? "ip6tables" : "iptables", "-w", "5"]
            guard let rules = try? Subprocess.run(program + ["-S", "FORWARD"], timeout: .seconds(10)),
                String(decoding: rules, as: UTF8.self).hasPrefix("-P FORWARD DROP")
            else { continue }
            for direction in ["-s", "-d"] {
                let rule = [direction, range.node] + comment
                if (try? Subprocess.run(program + ["-C", "FORWARD"] + rule)) != nil { continue }
                do {
                    try Subprocess.run(program + ["-I", "FORWARD"] + rule, timeout: .seconds(10))
                    report.changes.append("let pods' packets pass the FORWARD chain (\(direction) \(range.node))")
                } catch {
                    report.problems.append("\(error)")
                }
            }
        }
    }
}
