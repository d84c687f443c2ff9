import Testing

@testable import NodeSetup

@Suite struct NodeTextTests {
    @Test func `mount lines keep their spaces and their bind roots`() {
        let text = """
            36 35 98:0 /mnt1 /a\\040b\\134c rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
            37 35 0:3 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
            broken
            """
        let entries = MountTable.parse(text)
        #expect(entries.count == 2)
        #expect(entries.first?.root == "/mnt1")
        #expect(entries.first?.path == "/a b\\c")
        #expect(entries.last?.options == ["rw", "cpu", "cpuacct"])
    }

    @Test func `cgroup versions are told by what is mounted, and hybrid counts as version 1`() {
        let v1 = "1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        let v2 = "2 0 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        let named = "3 0 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
        let mounts = ["cpu": "/sys/fs/cgroup/cpu", "cpuacct": "/sys/fs/cgroup/cpu"]
        func detect(_ text: String) -> Cgroups.Version? {
            Cgroups.detect(MountTable.parse(text), podsRoot: "/kubepods")?.version
        }
        #expect(detect(v1 + v2) == .v1(mounts: mounts))
        #expect(detect(named + v2) == .v2(mount: "/sys/fs/cgroup/unified"))
        #expect(detect("") == nil)
    }

    @Test func `pods lie where the kubelet's cgroupfs driver puts them`() {
        let cgroups = Cgroups(version: .v2(mount: "/sys/fs/cgroup"))
        #expect(cgroups.podPath(uid: "u", quality: .guaranteed) == "/kubepods/podu")
        #expect(cgroups.podPath(uid: "u", quality: .burstable) == "/kubepods/burstable/podu")
        #expect(cgroups.podPath(uid: "u", quality: .bestEffort) == "/kubepods/besteffort/podu")
    }

    @Test func `shares become weights on the line from 2 and 1 to 262144 and 10000`() {
        #expect(CgroupLimits.weight(shares: 0) == 1)
        #expect(CgroupLimits.weight(shares: 2) == 1)
        #expect(CgroupLimits.weight(shares: 1_024) == 39)
        #expect(CgroupLimits.weight(shares: 262_144) == 10_000)
        #expect(CgroupLimits.weight(shares: 999_999) == 10_000)
    }

    @Test func `a container engine's network configuration is not the cluster's`() {
        #expect(!NetworkPlugins.hasClusterNetwork([]))
        #expect(!NetworkPlugins.hasClusterNetwork(["87-podman-bridge.conflist", ".kubernetes-cni-keep"]))
        #expect(NetworkPlugins.hasClusterNetwork(["10-flannel.conflist", "87-podman-bridge.conflist"]))
    }

    @Test func `a pod network of two families has a range, and a table of rules, of each`() {
        var network = PodNetworkConfiguration()
        network.ranges = [
            PodNetworkConfiguration.Range(node: "fd00:1::/64", cluster: "fd00:1::/56"),
            PodNetworkConfiguration.Range(node: "10.1.0.0/24", cluster: "10.1.0.0/16"),
        ]
        let list = network.conflist(addresses: "/a")
        #expect(list.contains("\"ranges\": [[{\"subnet\": \"fd00:1::/64\"}], [{\"subnet\": \"10.1.0.0/24\"}]],"))
        let script = PodMasquerade(network).script
        #expect(script.contains("ip6 saddr fd00:1::/64 ip6 daddr != { fd00:1::/56, ff00::/8 } masquerade\n"))
        #expect(script.contains("ip saddr 10.1.0.0/24 ip daddr != { 10.1.0.0/16, 224.0.0.0/4 } masquerade\n"))
        #expect(
            script.contains("delete table ip6 swiftlet-pods\n") && script.contains("delete table ip swiftlet-pods\n"))
    }

    @Test func `the containerd configuration quotes what it is given`() {
        let paths = NodePaths(dataDirectory: "/d\"\\x", runDirectory: "/r")
        let text = ContainerdConfiguration(paths: paths, networkPlugins: "/p").text
        #expect(text.contains("root = \"/d\\\"\\\\x/containerd/root\""))
        #expect(text.contains("restrict_oom_score_adj = false"))
    }

    @Test func `the run directory is short, and another one for each data directory`() {
        #expect(NodePaths().runDirectory == "/run/swiftlet")
        let long = NodePaths(dataDirectory: String(repeating: "/directory", count: 30))
        #expect(long.containerdSocket.utf8.count < 60)
        #expect(long.runDirectory != NodePaths(dataDirectory: "/a").runDirectory)
        #expect(NodePaths(dataDirectory: "/a/") == NodePaths(dataDirectory: "/a"))
    }

    @Test func `each missing thing is named with its package`() {
        var facts = MachineFacts()
        facts.machine = "x86_64"
        facts.capabilities = .max
        facts.cgroupVersion = "1"
        facts.controllers = ["cpu", "pids"]
        facts.programs = ["containerd": "/usr/bin/containerd"]
        let found = Prerequisites(facts)
        #expect(!found.isMet)
        func item(_ name: String) -> Prerequisites.Item? { found.items.first { $0.name == name } }
        #expect(item("containerd")?.verdict == .met)
        #expect(item("runc")?.remedy == "apt-get install runc")
        #expect(item("nft")?.verdict == .degraded)
        #expect(item("cgroups")?.detail == "version 1 without memory")
        #expect(item("capabilities")?.verdict == .met)
        #expect(item("bridge-filter")?.verdict == .degraded)
        #expect(item("bridge-filter")?.remedy.hasPrefix("modprobe br_netfilter") == true)
        facts.filtersBridges = true
        #expect(Prerequisites(facts).items.first { $0.name == "bridge-filter" }?.verdict == .met)
    }

    @Test func `effective capabilities are read from the kernel's status text`() {
        let status = "Name:\tx\nCapEff:\t000001fffeffffff\n"
        var facts = MachineFacts()
        facts.capabilities = MachineFacts.effectiveCapabilities(status)
        #expect(facts.capabilities == 0x1ff_feff_ffff)
        #expect(!facts.mayLowerOOMScore)
    }
}

@Suite struct ResetPlanTests {
    private let paths = NodePaths(dataDirectory: "/d", runDirectory: "/r")

    @Test func `processes are ours by configuration, socket, descent or cgroup, and nobody else's`() {
        var facts = ResetFacts()
        facts.processes = [
            ProcessEntry(id: 1, parent: 0, arguments: ["/sbin/init"]),
            ProcessEntry(
                id: 2, parent: 1, arguments: ["/usr/bin/containerd", "--config", "/d/containerd/config.toml"]),
            ProcessEntry(id: 3, parent: 1, arguments: ["/usr/bin/containerd", "--config", "/etc/config.toml"]),
            ProcessEntry(
                id: 4, parent: 1, arguments: ["/x/containerd-shim-runc-v2", "-address", "/r/containerd.sock"]),
            ProcessEntry(id: 5, parent: 4, arguments: ["/pause"]),
            ProcessEntry(id: 6, parent: 1, arguments: ["orphan"]),
            ProcessEntry(id: 7, parent: 1, arguments: ["/x/containerd-shim-runc-v2", "-address", "/run/other.sock"]),
            ProcessEntry(id: 8, parent: 7, arguments: ["/pause"]),
        ]
        facts.containerIDs = ["abc"]
        facts.cgroups = [6: ["/kubepods/podx/abc"], 8: ["/kubepods/pody/def"]]
        #expect(facts.ours(paths).map(\.process.id) == [2, 4, 5, 6])
    }

    @Test func `mounts go deepest first, and a disk that somebody mounted stays`() {
        var facts = ResetFacts()
        func mount(_ path: String, root: String = "/") -> MountEntry {
            MountEntry(root: root, path: path, type: "ext4", source: "x", options: [])
        }
        facts.mounts = [
            mount("/"), mount("/d"), mount("/d/kubelet/pods/p/volumes/v", root: "/home"),
            mount("/d/kubelet/pods/p/volumes/v/inner"), mount("/d/backups"), mount("/r/containerd/netns/x"),
            mount("/data"), mount("/run/other"),
        ]
        facts.trees = ["/r", "/d"]
        let plan = facts.plan(paths, keepingData: true)
        let unmounts = plan.steps.compactMap { step in if case .unmount(let path) = step { path } else { nil } }
        #expect(
            unmounts == ["/d/kubelet/pods/p/volumes/v/inner", "/d/kubelet/pods/p/volumes/v", "/r/containerd/netns/x"])
        #expect(plan.kept == ["/d/backups: mounted by somebody else"])
        func trees(_ plan: ResetPlan) -> [String] {
            plan.steps.compactMap { step in if case .removeTree(let path) = step { path } else { nil } }
        }
        #expect(trees(plan) == ["/r"])
        let parts = ["/r", "/d/containerd", "/d/kubelet", "/d/cni", "/d/pki", "/d/store"]
        #expect(trees(facts.plan(paths, keepingData: false)) == parts)
        facts.ownsDataDirectory = true
        #expect(trees(facts.plan(paths, keepingData: false)) == ["/r", "/d"])
        facts.madeFiles = ["/d/swiftlet.log"]
        #expect(facts.plan(paths, keepingData: false).steps.contains(.removeFile("/d/swiftlet.log")))
        #expect(!facts.plan(paths, keepingData: true).steps.contains(.removeFile("/d/swiftlet.log")))
    }

    @Test func `the cluster's address leaves the machine with everything else`() {
        var facts = ResetFacts()
        facts.clusterAddress = "10.96.0.10"
        #expect(facts.plan(paths, keepingData: true).steps == [.removeAddress("10.96.0.10")])
        #expect(facts != ResetFacts())
    }

    @Test func `tables of the proxy go where a node ran, whoever made the pods' network`() {
        var facts = ResetFacts()
        facts.tables = FirewallTable.list(
            "table ip swiftlet-proxy\ntable ip6 swiftlet-proxy\ntable ip other\ntable ip swiftletish\n")
        func tables() -> [ResetPlan.Step] { facts.plan(paths, keepingData: true).steps }
        #expect(tables().isEmpty, "a data directory that never had a node may not touch another's")
        facts.hadNode = true
        let ours: [ResetPlan.Step] = [
            .deleteTable(family: "ip", name: "swiftlet-proxy"), .deleteTable(family: "ip6", name: "swiftlet-proxy"),
        ]
        #expect(tables() == ours)
        facts.network = ("swiftlet", "swiftlet0")
        #expect(tables() == ours)
    }

    @Test func `only our network's rules go, and shared chains stay while another network uses them`() {
        let ours = """
            *nat
            :PREROUTING ACCEPT [0:0]
            :CNI-DN-aaa - [0:0]
            :CNI-HOSTPORT-DNAT - [0:0]
            :CNI-HOSTPORT-SETMARK - [0:0]
            -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
            -A CNI-DN-aaa -p tcp -j DNAT --to-destination 10.244.0.2:80
            -A CNI-DN-aaa -s 10.244.0.0/24 -p tcp -j CNI-HOSTPORT-SETMARK
            -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"swiftlet\\" id: \\"i\\"" -j CNI-DN-aaa

            """
        let alone = FirewallRemoval(saved: ours + "COMMIT\n", network: "swiftlet")
        #expect(
            alone.script == """
                *nat
                -D CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"swiftlet\\" id: \\"i\\"" -j CNI-DN-aaa
                -D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
                -F CNI-DN-aaa
                -F CNI-HOSTPORT-DNAT
                -F CNI-HOSTPORT-SETMARK
                -X CNI-DN-aaa
                -X CNI-HOSTPORT-DNAT
                -X CNI-HOSTPORT-SETMARK
                COMMIT

                """)
        let other =
            "-A CNI-HOSTPORT-DNAT -m comment --comment \"dnat name: \\\"podman\\\" id: \\\"j\\\"\" -j CNI-DN-bbb\n"
        let shared = FirewallRemoval(saved: ours + other + "COMMIT\n", network: "swiftlet")
        #expect(!shared.script.contains("PREROUTING"))
        #expect(!shared.script.contains("CNI-DN-bbb"))
        #expect(shared.script.contains("-X CNI-DN-aaa\nCOMMIT"))
        #expect(FirewallRemoval(saved: other, network: "swiftlet").script.isEmpty)
    }

    @Test func `portmap's chains go although its last pod is gone, and nothing else does`() {
        let left = """
            *nat
            :PREROUTING ACCEPT [0:0]
            :POSTROUTING ACCEPT [0:0]
            :CNI-HOSTPORT-DNAT - [0:0]
            :CNI-HOSTPORT-MASQ - [0:0]
            :CNI-HOSTPORT-SETMARK - [0:0]
            :DOCKER - [0:0]
            -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
            -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
            -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
            -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
            -A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
            COMMIT

            """
        #expect(
            FirewallRemoval(saved: left, network: "swiftlet").script == """
                *nat
                -D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
                -D POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
                -F CNI-HOSTPORT-DNAT
                -F CNI-HOSTPORT-MASQ
                -F CNI-HOSTPORT-SETMARK
                -X CNI-HOSTPORT-DNAT
                -X CNI-HOSTPORT-MASQ
                -X CNI-HOSTPORT-SETMARK
                COMMIT

                """)
        let docker = "*nat\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\nCOMMIT\n"
        #expect(FirewallRemoval(saved: docker, network: "swiftlet").script.isEmpty)
    }

    @Test func `tables that plugins made go, and those that were there before us stay`() {
        var facts = ResetFacts()
        facts.tables = FirewallTable.list("table ip nat\ntable ip6 nat\ntable inet firewall\n")
        facts.network = ("swiftlet", "swiftlet0")
        func steps() -> [ResetPlan.Step] { facts.plan(paths, keepingData: true).steps }
        #expect(steps().isEmpty, "nobody noted what was there")
        facts.earlierTables = [FirewallTable("ip", "nat")]
        #expect(steps() == [.deleteUnusedTable(FirewallTable("ip6", "nat"))])
    }

    @Test func `a table is unused when it has only the built-in chains, which let everything pass`() {
        #expect(FirewallTable.isUnused("table ip6 nat {\n}\n"))
        let chain = "table ip nat {\n\tchain OUTPUT {\n\t\ttype nat hook output priority -100; policy accept;\n"
        #expect(FirewallTable.isUnused(chain + "\t}\n}\n"))
        #expect(!FirewallTable.isUnused(chain + "\t\tcounter packets 1 bytes 2 jump DOCKER\n\t}\n}\n"))
        #expect(!FirewallTable.isUnused("table ip nat {\n\tchain DOCKER {\n\t}\n}\n"))
        #expect(!FirewallTable.isUnused("table ip filter {\n\tset blocked {\n\t\ttype ipv4_addr\n\t}\n}\n"))
        let closed = "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n"
        #expect(!FirewallTable.isUnused(closed + "\t}\n}\n"))
    }
}
