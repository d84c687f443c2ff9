package import API
package import CRI

/// A container's mounts: its volumes, and the files that the kubelet keeps for it.
package enum MountBuilder {
    package struct Failure: Error, Sendable, Equatable {
        package var message: String

        package init(_ message: String) {
            self.message = message
        }
    }

    /// One mount of a part of a volume, to be resolved safely (see `SubPath`) before it is mounted.
    package struct SubPathRequest: Sendable, Equatable {
        package var volume: String
        package var volumePath: String
        package var subPath: String
        package var container: String
        /// The place of the mount in the container's list.
        package var index: Int
    }

    /// - Parameters:
    ///   - variables: the container's environment, for `subPathExpr`.
    ///   - subPath: gives the host path of a part of a volume.
    package static func volumes(
        _ container: APICore.Container, volumes: [String: MountedVolume], variables: (String) -> String?,
        subPath: (SubPathRequest) throws(Failure) -> String
    ) throws(Failure) -> [Mount] {
        var mounts: [Mount] = []
        for (index, wanted) in container.volumeMounts.enumerated() {
            guard let volume = volumes[wanted.name] else {
                throw Failure("cannot find volume \"\(wanted.name)\" to mount into container \"\(container.name)\"")
            }
            var mount = Mount()
            mount.containerPath = wanted.mountPath.hasPrefix("/") ? wanted.mountPath : "/" + wanted.mountPath
            mount.readonly = wanted.readOnly || volume.isReadOnly
            mount.hostPath = volume.hostPath
            let part: String = try self.subPath(of: wanted, variables: variables)
            if !part.isEmpty {
                mount.hostPath = try subPath(
                    SubPathRequest(
                        volume: wanted.name, volumePath: volume.hostPath, subPath: part, container: container.name,
                        index: index))
            }
            mount.propagation =
                switch wanted.mountPropagation {
                case "Bidirectional": .propagationBidirectional
                case "HostToContainer": .propagationHostToContainer
                default: .propagationPrivate
                }
            mount.recursiveReadOnly = mount.readonly && wanted.recursiveReadOnly == "Enabled"
            mounts.append(mount)
        }
        return mounts
    }

    private static func subPath(
        of mount: VolumeMount, variables: (String) -> String?
    ) throws(Failure) -> String {
        guard !mount.subPathExpr.isEmpty else { return try checked(mount.subPath) }
        var missing: [String] = []
        let expanded: String = Expansion.expand(mount.subPathExpr, missing: { missing.append($0) }, value: variables)
        guard missing.isEmpty else { throw Failure("missing value for \"\(missing[0])\"") }
        return try checked(expanded)
    }

    private static func checked(_ path: String) throws(Failure) -> String {
        if path.hasPrefix("/") { throw Failure("error SubPath `\(path)` must not be an absolute path") }
        if path.split(separator: "/").contains("..") {
            throw Failure("unable to provision SubPath `\(path)`: must not contain '..'")
        }
        return path
    }

    /// A file of the kubelet's in the container.
    static func file(_ hostPath: String, at containerPath: String, readonly: Bool = false) -> Mount {
        var mount = Mount()
        mount.hostPath = hostPath
        mount.containerPath = containerPath
        mount.readonly = readonly
        return mount
    }
}
