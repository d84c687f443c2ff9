import CNodeSetup
import Glibc

/// The cgroup hierarchies of this machine, and pods' places in them, in the layout of the kubelet's cgroupfs
/// driver. Version 2 (one tree), version 1 (a tree per controller), and version 1 with a version 2 tree beside
/// it that has no controllers ("hybrid", treated as version 1).
package struct Cgroups: Sendable, Equatable {
    package enum Version: Sendable, Equatable {
        /// Mount point per controller; `cpu` and `cpuacct` often share one. Named hierarchies are not in here.
        case v1(mounts: [String: String])
        case v2(mount: String)
    }

    package struct Error: Swift.Error, Equatable, CustomStringConvertible {
        package var path: String
        package var cause: SystemError
        package var description: String { "failed to set up cgroup \(path): \(cause.reason) (\(cause.subject))" }
    }

    package var version: Version
    /// The cgroup above all pods', from the root of the hierarchy: `/kubepods`.
    package var podsRoot: String

    package init(version: Version, podsRoot: String = "/kubepods") {
        self.version = version
        self.podsRoot = podsRoot
    }

    /// What this machine has; nil when no cgroups are mounted.
    package static func detect(podsRoot: String = "/kubepods") -> Cgroups? {
        guard let mounts = try? MountTable.read() else { return nil }
        return detect(mounts, podsRoot: podsRoot)
    }

    package static func detect(_ mounts: [MountEntry], podsRoot: String) -> Cgroups? {
        var controllers: [String: String] = [:]
        for mount in mounts where mount.type == "cgroup" && mount.root == "/" {
            for option in mount.options where knownControllers.contains(option) && controllers[option] == nil {
                controllers[option] = mount.path
            }
        }
        if !controllers.isEmpty { return Cgroups(version: .v1(mounts: controllers), podsRoot: podsRoot) }
        guard let unified = mounts.first(where: { $0.type == "cgroup2" }) else { return nil }
        return Cgroups(version: .v2(mount: unified.path), podsRoot: podsRoot)
    }

    private static let knownControllers: Set<String> = [
        "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb", "net_cls",
        "net_prio", "perf_event", "rdma", "misc",
    ]

    /// The controllers that limits need.
    package static let neededControllers = ["cpu", "memory", "pids"]

    /// The controllers at the root.
    package var controllers: [String] {
        switch version {
        case .v1(let mounts): mounts.keys.sorted()
        case .v2(let mount):
            (Files.text(mount + "/cgroup.controllers") ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        }
    }

    /// The directories of all trees, once each.
    var trees: [String] {
        switch version {
        case .v1(let mounts): Set(mounts.values).sorted()
        case .v2(let mount): [mount]
        }
    }

    /// The file of a controller in a cgroup; nil when the controller is not there.
    func file(_ controller: String, _ path: String, _ name: String) -> String? {
        switch version {
        case .v1(let mounts): mounts[controller].map { $0 + path + "/" + name }
        case .v2(let mount): mount + path + "/" + name
        }
    }

    // MARK: Names

    /// A pod's quality of service, which decides who suffers first when the node runs out of something.
    package enum QualityOfService: String, Sendable, CaseIterable {
        case guaranteed = "Guaranteed"
        case burstable = "Burstable"
        case bestEffort = "BestEffort"
    }

    /// The cgroup of the class; guaranteed pods are right below the root.
    package func classPath(_ quality: QualityOfService) -> String {
        switch quality {
        case .guaranteed: podsRoot
        case .burstable: podsRoot + "/burstable"
        case .bestEffort: podsRoot + "/besteffort"
        }
    }

    /// A pod's cgroup: what CRI calls `cgroup_parent`.
    package func podPath(uid: String, quality: QualityOfService) -> String {
        classPath(quality) + "/pod" + uid
    }
}
