import API
package import APIMachinery
package import Codec

/// What the kubelet's runtime half knows of its node and cluster.
package struct RuntimeConfiguration: Sendable {
    package var nodeName: String
    /// The primary one first.
    package var nodeAddresses: [String]
    /// A directory per pod UID: `<data-dir>/kubelet/pods`.
    package var podsDirectory: String
    /// A directory per pod with the containers' logs: upstream's `/var/log/pods`.
    package var logsDirectory: String = "/var/log/pods"
    /// Where `Localhost` seccomp profiles are.
    package var seccompDirectory: String
    /// Upstream's `--cluster-dns`; empty: pods resolve as the node does.
    package var clusterDNS: [String] = []
    package var clusterDomain: String = "cluster.local"
    /// Upstream's `--resolv-conf`.
    package var resolverFile: String = "/etc/resolv.conf"
    package var hostsFile: String = "/etc/hosts"
    /// What pods may use of the node; the default of downward API limits.
    package var allocatable: @Sendable () -> StringMap<Quantity> = { [:] }
    /// The runtime's handler of a RuntimeClass; nil: there is no such class.
    package var runtimeHandler: @Sendable (String) -> String? = { _ in nil }
    /// Of the node, for OOM scores.
    package var memoryBytes: Int = 0
    /// The lowest OOM score adjustment this process may give; without CAP_SYS_RESOURCE that is its own one.
    package var lowestOOMScore: Int = -1000
    package var isCgroupUnified: Bool = false
    /// Containers without a seccomp profile get the runtime's: upstream's `--seccomp-default`.
    package var isSeccompDefault: Bool = false
    /// Upstream's kubelet `containerLogMaxSize` and `containerLogMaxFiles`.
    package var logBytes: Int = 10 << 20
    package var logFiles: Int = 5

    package init(nodeName: String, nodeAddresses: [String], kubeletDirectory: String) {
        self.nodeName = nodeName
        self.nodeAddresses = nodeAddresses
        podsDirectory = kubeletDirectory + "/pods"
        seccompDirectory = kubeletDirectory + "/seccomp"
    }

    /// `<pods>/<uid>`
    package func directory(_ pod: PodIdentity) -> String { "\(podsDirectory)/\(pod.uid)" }

    /// `<logs>/<namespace>_<name>_<uid>`
    package func logDirectory(_ pod: PodIdentity) -> String {
        "\(logsDirectory)/\(pod.namespace)_\(pod.name)_\(pod.uid)"
    }

    package func hostsFile(_ pod: PodIdentity) -> String { directory(pod) + "/etc-hosts" }

    /// The file behind a container's termination message.
    package func terminationFile(_ pod: PodIdentity, container: String, attempt: Int) -> String {
        "\(directory(pod))/containers/\(container)/termination-\(attempt)"
    }
}

/// The labels and annotations by which containers are known again after a restart of the kubelet; upstream's names, but
/// for the image as the pod named it, which upstream hides in a hash.
package enum RuntimeLabels {
    package static let podName: String = "io.kubernetes.pod.name"
    package static let podNamespace: String = "io.kubernetes.pod.namespace"
    package static let podUID: String = "io.kubernetes.pod.uid"
    package static let containerName: String = "io.kubernetes.container.name"
    package static let restartCount: String = "io.kubernetes.container.restartCount"
    package static let terminationPath: String = "io.kubernetes.container.terminationMessagePath"
    package static let terminationPolicy: String = "io.kubernetes.container.terminationMessagePolicy"
    package static let gracePeriod: String = "io.kubernetes.pod.terminationGracePeriod"
    package static let image: String = "swiftlet.io/container.image"
    /// Seconds to wait before the next start, should this run fail.
    package static let backoff: String = "swiftlet.io/container.backoff"

    package static func ofPod(_ pod: PodIdentity) -> StringMap<String> {
        [podName: pod.name, podNamespace: pod.namespace, podUID: pod.uid]
    }

    /// nil: not a pod of a kubelet.
    package static func identity(_ labels: StringMap<String>) -> PodIdentity? {
        guard let uid = labels[podUID], let name = labels[podName], let namespace = labels[podNamespace] else {
            return nil
        }
        return PodIdentity(namespace: namespace, name: name, uid: uid)
    }
}
