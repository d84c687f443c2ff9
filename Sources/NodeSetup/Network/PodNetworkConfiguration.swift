/// The pod network of one node: a bridge, addresses from a range of this node's, and masquerading towards
/// everything that is not a pod.
///
///     pod eth0 ── veth ── swiftlet0 (first address of the range) ── routes ── other nodes, the world
package struct PodNetworkConfiguration: Sendable, Equatable {
    /// CNI's name of the network. host-local and the results cache use it, and a reset finds rules by it.
    package var name: String = "swiftlet"
    package var bridge: String = "swiftlet0"
    /// One per address family, the preferred one first: a pod has an address of each.
    package var ranges: [Range] = [Range(node: "10.244.0.0/24", cluster: "10.244.0.0/16")]
    /// The size of the largest packet, bytes; nil leaves the kernel's default (1500).
    package var mtu: Int?
    /// Whether the bridge plugin masquerades, with iptables rules of its own for each pod: some 10 ms per pod.
    /// Only where nft is missing; else one rule of ours serves all pods (`PodMasquerade`).
    package var pluginMasquerades: Bool = false

    package struct Range: Sendable, Equatable {
        /// This node's: `Node.spec.podCIDR`.
        package var node: String
        /// All nodes'. Traffic inside of it keeps its source address.
        package var cluster: String

        package init(node: String, cluster: String) {
            self.node = node
            self.cluster = cluster
        }

        var isIPv6: Bool { node.utf8.contains(UInt8(ascii: ":")) }
    }

    package init() {}

    /// The file in the CNI configuration directory. Low, so that it is before what others put there.
    package static let fileName = "10-swiftlet.conflist"

    /// The CNI network configuration list. Version 0.4.0, which plugins since 0.8 (2019) read.
    package func conflist(addresses: String) -> String {
        let subnets = ranges.map { "[{\"subnet\": \(Self.quoted($0.node))}]" }.joined(separator: ", ")
        let mtuMember = mtu.map { "\n      \"mtu\": \($0)," } ?? ""
        return """
            {
              "cniVersion": "0.4.0",
              "name": \(Self.quoted(name)),
              "plugins": [
                {
                  "type": "bridge",
                  "bridge": \(Self.quoted(bridge)),\(mtuMember)
                  "isDefaultGateway": true,
                  "hairpinMode": true,
                  "ipMasq": \(pluginMasquerades),
                  "ipam": {
                    "type": "host-local",
                    "ranges": [\(subnets)],
                    "dataDir": \(Self.quoted(addresses))
                  }
                },
                {
                  "type": "portmap",
                  "capabilities": {"portMappings": true}
                }
              ]
            }

            """
    }

    /// Writes the configuration below the data directory when it differs from what is there.
    package func install(_ paths: NodePaths) throws(SystemError) {
        try Files.makeDirectory(paths.cniConfiguration)
        try Files.makeDirectory(paths.cniAddresses)
        let path = paths.cniConfiguration + "/" + Self.fileName
        let bytes = Array(conflist(addresses: paths.cniAddresses).utf8)
        if (try? Files.read(path)) != bytes { try Files.replace(path, with: bytes) }
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { result += "\\" }
            if scalar.value >= 0x20 { result.unicodeScalars.append(scalar) }
        }
        return result + "\""
    }
}

/// What the machine has for the pod network.
package enum NetworkPlugins {
    /// Where distributions and Kubernetes' own packages put the plugins.
    package static let directories = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"]
    /// What our own network needs.
    package static let needed = ["bridge", "host-local", "loopback", "portmap"]
    /// Where others put a network's configuration.
    package static let systemConfiguration = "/etc/cni/net.d"

    /// The first directory that has all we need.
    package static func directory(among candidates: [String] = directories) -> String? {
        candidates.first { directory in needed.allSatisfy { Files.isExecutable(directory + "/" + $0) } }
    }

    /// Whether a directory of CNI configurations holds one that was meant for Kubernetes. Container engines
    /// leave theirs there too, which give pods the engine's own network: those do not count.
    package static func hasClusterNetwork(_ names: [String]) -> Bool {
        let engines = ["podman", "nerdctl", "crio", "containerd-net", "docker"]
        return names.contains { name in
            let isConfiguration = [".conf", ".conflist", ".json"].contains { name.hasSuffix($0) }
            return isConfiguration && !engines.contains { name.contains($0) }
        }
    }

    /// The largest packet that leaves through the default route unbroken, bytes.
    package static func defaultRouteMTU() -> Int? {
        guard let routes = Files.text("/proc/net/route"), let interface = defaultInterface(routes: routes) else {
            return nil
        }
        return Files.text("/sys/class/net/\(interface)/mtu").flatMap { Int($0.filter(\.isNumber)) }
    }

    /// The interface of the default route with the lowest metric, in the text of `/proc/net/route`.
    static func defaultInterface(routes: String) -> String? {
        var best: (name: String, metric: Int)?
        for line in routes.split(separator: "\n").dropFirst() {
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count > 7, fields[1] == "00000000", fields[7] == "00000000" else { continue }
            let metric = Int(fields[6]) ?? 0
            if best.map({ metric < $0.metric }) ?? true { best = (String(fields[0]), metric) }
        }
        return best?.name
    }
}
