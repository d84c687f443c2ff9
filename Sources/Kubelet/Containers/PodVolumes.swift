package import API

/// Brings pods' volumes to the node and takes them away again. The other half of `RuntimeEffects`.
package protocol PodVolumes: Sendable {
    /// Makes every volume of the pod's spec ready and says where each is, by volume name. Safe to repeat: after a
    /// restart of the kubelet it is called again for pods that run. From here on the volumes' content is kept up to
    /// date (config maps, secrets, tokens) until `unmount`.
    func mount(_ pod: Pod) async throws(PodVolumeError) -> [String: MountedVolume]

    /// Takes all volumes of the pod away, also those that an earlier life of the kubelet mounted. Safe to repeat.
    /// After it, nothing is mounted below the pod's directory.
    func unmount(_ pod: PodIdentity) async throws(PodVolumeError)
}

/// Where a volume is on the node.
package struct MountedVolume: Sendable, Equatable {
    /// A directory; for a block volume a device; for `hostPath` whatever is there.
    package var hostPath: String
    /// The volume itself may not be written, whatever the container's mount says.
    package var isReadOnly: Bool

    package init(hostPath: String, isReadOnly: Bool = false) {
        self.hostPath = hostPath
        self.isReadOnly = isReadOnly
    }
}

/// Why a volume could not be mounted or unmounted, as people see it in an event.
package struct PodVolumeError: Error, Sendable, Equatable {
    /// `FailedMount`, `FailedAttachVolume`, …
    package var reason: String
    package var message: String

    package init(reason: String = "FailedMount", message: String) {
        self.reason = reason
        self.message = message
    }
}
