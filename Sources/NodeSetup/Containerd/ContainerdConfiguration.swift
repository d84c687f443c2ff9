/// What a containerd of our own is told. Written in containerd's version 2 format, which 1.6, 1.7 and 2.x read.
package struct ContainerdConfiguration: Sendable, Equatable {
    package enum Snapshotter: String, Sendable {
        case overlayfs
        /// Copies whole layers. For data directories on which overlayfs does not work.
        case native
    }

    package var paths: NodePaths
    package var sandboxImage: String = PauseImage.name
    package var snapshotter: Snapshotter = .overlayfs
    /// Whether runc asks systemd for cgroups. Must agree with the kubelet's cgroup driver.
    package var usesSystemdCgroups: Bool = false
    /// Whether a container's `oom_score_adj` is clamped to what this process may set; needed without
    /// `CAP_SYS_RESOURCE`, where a lower value than our own is refused and no sandbox would start.
    package var restrictsOOMScore: Bool = false
    /// Where the CNI configuration is, and where the plugins are.
    package var networkConfiguration: String
    package var networkPlugins: String

    package init(paths: NodePaths, networkPlugins: String) {
        self.paths = paths
        self.networkConfiguration = paths.cniConfiguration
        self.networkPlugins = networkPlugins
    }

    /// The file's text. The same input gives the same text: a running containerd with another one is replaced.
    package var text: String {
        let cri = "plugins.\"io.containerd.grpc.v1.cri\""
        return """
            # Written by Swiftlet at each start; changes made here are lost.
            version = 2
            root = \(quoted(paths.containerdRoot))
            state = \(quoted(paths.containerdState))
            # What we never use, so that it costs no start-up time and no memory.
            disabled_plugins = [
              "io.containerd.internal.v1.restart",
              "io.containerd.snapshotter.v1.aufs",
              "io.containerd.snapshotter.v1.blockfile",
              "io.containerd.snapshotter.v1.btrfs",
              "io.containerd.snapshotter.v1.devmapper",
              "io.containerd.snapshotter.v1.zfs",
              "io.containerd.tracing.processor.v1.otlp",
            ]

            [grpc]
              address = \(quoted(paths.containerdSocket))

            [plugins."io.containerd.internal.v1.opt"]
              path = \(quoted(paths.containerdOptional))

            [\(cri)]
              sandbox_image = \(quoted(sandboxImage))
              restrict_oom_score_adj = \(restrictsOOMScore)
              # Below the state directory, where nobody else's are.
              netns_mounts_under_state_dir = true
              enable_unprivileged_ports = true
              stream_server_address = "127.0.0.1"
              stream_server_port = "0"

            [\(cri).containerd]
              snapshotter = \(quoted(snapshotter.rawValue))
              default_runtime_name = "runc"

            [\(cri).containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"

            [\(cri).containerd.runtimes.runc.options]
              Root = \(quoted(paths.runcState))
              SystemdCgroup = \(usesSystemdCgroups)

            [\(cri).cni]
              bin_dir = \(quoted(networkPlugins))
              conf_dir = \(quoted(networkConfiguration))

            [\(cri).registry]
              config_path = \(quoted(paths.registryHosts))

            """
    }

    /// A TOML basic string.
    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
