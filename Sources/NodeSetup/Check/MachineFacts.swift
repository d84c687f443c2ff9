import CNodeSetup
import Glibc

/// What the machine is like, as far as a node cares.
package struct MachineFacts: Sendable, Equatable {
    package var userID: UInt32 = 0
    /// As `uname -m` names it.
    package var machine: String = ""
    /// Where each program is, of those looked for.
    package var programs: [String: String] = [:]
    package var pluginDirectory: String?
    /// "1" or "2"; nil without cgroups.
    package var cgroupVersion: String?
    package var controllers: [String] = []
    package var overlayWorks = false
    /// Kinds of interfaces that the kernel refuses to make.
    package var missingLinkKinds: [String] = []
    /// Whether the firewall sees, or can be made to see, packets between two ports of a bridge.
    package var filtersBridges = false
    /// This process's effective capabilities, one bit each.
    package var capabilities: UInt64 = 0

    package init() {}

    package static let programNames = [
        "containerd", "containerd-shim-runc-v2", "ctr", "runc", "nft", "iptables",
    ]

    /// Those without which no container starts; bits of linux/capability.h.
    package static let neededCapabilities: [(name: String, bit: UInt64)] = [
        ("CAP_CHOWN", 0), ("CAP_DAC_OVERRIDE", 1), ("CAP_KILL", 5), ("CAP_SETGID", 6), ("CAP_SETUID", 7),
        ("CAP_NET_ADMIN", 12), ("CAP_SYS_CHROOT", 18), ("CAP_SYS_ADMIN", 21), ("CAP_MKNOD", 27),
    ]

    /// CAP_SYS_RESOURCE, which lets a process lower its `oom_score_adj`.
    package var mayLowerOOMScore: Bool { capabilities & (1 << 24) != 0 }

    package static func gather(_ paths: NodePaths) -> MachineFacts {
        var facts = MachineFacts()
        facts.userID = geteuid()
        facts.machine = machineName()
        for name in programNames { facts.programs[name] = Files.program(name) }
        facts.pluginDirectory = NetworkPlugins.directory()
        if let cgroups = Cgroups.detect() {
            if case .v2 = cgroups.version { facts.cgroupVersion = "2" } else { facts.cgroupVersion = "1" }
            facts.controllers = cgroups.controllers
        }
        facts.overlayWorks = overlayWorks(below: paths.dataDirectory)
        facts.missingLinkKinds = ["bridge", "veth"].filter { !makesLink($0) }
        facts.filtersBridges =
            Files.exists("/proc/sys/net/bridge/bridge-nf-call-iptables")
            || (try? Subprocess.run(["modprobe", "--dry-run", "br_netfilter"], timeout: .seconds(5))) != nil
        facts.capabilities = effectiveCapabilities(Files.text("/proc/self/status") ?? "")
        return facts
    }

    /// From the text of `/proc/self/status`.
    package static func effectiveCapabilities(_ status: String) -> UInt64 {
        for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
            return UInt64(line.dropFirst("CapEff:".count).filter { !$0.isWhitespace }, radix: 16) ?? 0
        }
        return 0
    }

    /// Mounts an overlay below a directory, and takes it away again. The directory is made when it is missing,
    /// and stays.
    package static func overlayWorks(below directory: String) -> Bool {
        let place = "\(directory)/.overlay-\(getpid())"
        let parts = ["lower", "upper", "work", "merged"].map { place + "/" + $0 }
        do throws(SystemError) {
            for part in parts { try Files.makeDirectory(part) }
        } catch {
            return false
        }
        let options = "lowerdir=\(parts[0]),upperdir=\(parts[1]),workdir=\(parts[2])"
        let mounted = nodesetup_mount("overlay", parts[3], "overlay", options) == 0
        if mounted { _ = nodesetup_unmount(parts[3], 1) }
        _ = FileTree.remove(place)
        return mounted
    }

    /// Tries it in a network namespace of a thread's own, where it disturbs nobody.
    private static func makesLink(_ kind: String) -> Bool {
        let pipe = Pipe()
        OwnedThread.start {
            pipe.finish(nodesetup_try_link_kind(kind) == 0)
        }
        return pipe.wait()
    }

    /// One byte from a thread to another.
    private final class Pipe: Sendable {
        private let ends: (read: Int32, write: Int32)

        init() {
            var descriptors: [Int32] = [0, 0]
            precondition(nodesetup_pipe(&descriptors) == 0, "the kernel refused a pipe")
            ends = (descriptors[0], descriptors[1])
        }

        deinit {
            close(ends.read)
            close(ends.write)
        }

        func finish(_ value: Bool) {
            var byte: UInt8 = value ? 1 : 0
            _ = write(ends.write, &byte, 1)
        }

        func wait() -> Bool {
            var byte: UInt8 = 0
            while read(ends.read, &byte, 1) < 0 && errno == EINTR {}
            return byte == 1
        }
    }
}
