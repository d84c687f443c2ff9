import API
import APIMachinery
import Codec

/// One volume at a time.
extension VolumeManager {
    /// UIDs and volume names become names of directories. The API server checks them; static pods and mistakes may not.
    static func isSafeName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    func checkPlace(_ pod: Pod) throws(PodVolumeError) {
        for name in [pod.metadata.uid] + pod.spec.volumes.map(\.name) where !Self.isSafeName(name) {
            throw PodVolumeError(message: "UID or volume name cannot be the name of a directory: \"\(name)\"")
        }
    }

    /// `<pods>/<uid>/volumes/kubernetes.io~<plugin>/<name>`, upstream's place.
    func place(_ plugin: String, _ volume: Volume, _ pod: Pod) -> String {
        "\(configuration.podsDirectory)/\(pod.metadata.uid)/volumes/kubernetes.io~\(plugin)/\(volume.name)"
    }

    static func failure(_ volume: Volume, _ message: String) -> PodVolumeError {
        PodVolumeError(message: "MountVolume.SetUp failed for volume \"\(volume.name)\" : \(message)")
    }

    /// A volume that cannot even be tried.
    static func impossible(_ volume: Volume, _ message: String) -> PodVolumeError {
        PodVolumeError(
            message: "Unable to attach or mount volumes: unmounted volumes=[\(volume.name)], unattached volumes=[], "
                + "failed to process volumes=[\(volume.name)]: \(message)")
    }

    func mount(_ volume: Volume, of pod: Pod) async throws(PodVolumeError) -> MountedVolume {
        let plan = VolumePlan(volume, of: pod, nodeMemory: configuration.allocatable()["memory"])
        switch plan {
        case .directory, .memory, .hugePages: return try await makeEmpty(plan, volume, of: pod)
        case .files(let files): return try await writeFiles(files, volume, of: pod)
        case .host(let path, let type):
            try await check(volume, hostPath: path, type: type)
            return MountedVolume(hostPath: path)
        case .claim(let name, let isReadOnly, let isOwned):
            return try await claim(name, isOwned: isOwned, isReadOnly: isReadOnly, volume, of: pod)
        case .unsupported(let kind):
            throw Self.impossible(
                volume,
                "failed to get Plugin from volumeSpec for volume \"\(volume.name)\" err=no volume plugin matched: "
                    + "this node does not provide \(kind)")
        }
    }

    func check(_ volume: Volume, hostPath path: String, type: String) async throws(PodVolumeError) {
        let failure: HostPathCheck.Failure? = await BlockingWork.run {
            do throws(HostPathCheck.Failure) {
                try HostPathCheck.check(path, type: type)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw Self.failure(volume, failure.message) }
    }

    /// Runs disk work for a volume; its failure becomes the volume's.
    private func work(
        _ volume: Volume, _ body: @escaping @Sendable () throws(NodeFiles.Failure) -> Void
    ) async throws(PodVolumeError) {
        let failure: NodeFiles.Failure? = await BlockingWork.run {
            do throws(NodeFiles.Failure) {
                try body()
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw Self.failure(volume, failure.description) }
    }

    // MARK: - emptyDir

    private func makeEmpty(_ plan: VolumePlan, _ volume: Volume, of pod: Pod) async throws(PodVolumeError)
        -> MountedVolume
    {
        let path: String = place("empty-dir", volume, pod)
        let group: UInt32? = pod.fileGroup
        if case .hugePages(let bytes) = plan, bytes <= 0 {
            throw Self.failure(volume, "medium HugePages needs containers that request huge pages of one size")
        }
        try await work(volume) { () throws(NodeFiles.Failure) in
            try Self.makeParents(of: path)
            let isNew: Bool = !NodeFiles.exists(path)
            try NodeFiles.makeDirectory(path, mode: 0o777)
            switch plan {
            case .memory(let size): try VolumeMounts.memory(at: path, sizeBytes: size)
            case .hugePages(let bytes): try VolumeMounts.hugePages(at: path, pageBytes: bytes)
            default: if isNew { try DirectoryHandle(path).setMode(0o777) }
            }
            // A volume that the pod has used keeps the modes that the pod gave it.
            if let group { try VolumeOwnership.give(path, to: group, onlyOnMismatch: true) }
        }
        return MountedVolume(hostPath: path)
    }

    /// Nobody but root gets below the pod's directory.
    private static func makeParents(of path: String) throws(NodeFiles.Failure) {
        guard let slash = path.lastIndex(of: "/") else { return }
        try NodeFiles.makeDirectory(String(path[..<slash]), mode: 0o750)
    }

    // MARK: - Files from the API

    /// Fetches what the plan needs and writes it; also how a mounted volume is updated.
    func writeFiles(_ plan: FilesPlan, _ volume: Volume, of pod: Pod) async throws(PodVolumeError) -> MountedVolume {
        let inputs: FileProjection.Inputs = try await gather(plan, volume, pod)
        let files: VolumeFiles
        do throws(FileProjection.Failure) {
            files = try FileProjection.files(plan, inputs)
        } catch {
            throw Self.failure(volume, error.message)
        }
        let path: String = place(plan.plugin, volume, pod)
        let group: UInt32? = pod.fileGroup
        try await work(volume) { () throws(NodeFiles.Failure) in
            try Self.makeParents(of: path)
            let isNew: Bool = !NodeFiles.exists(path)
            try NodeFiles.makeDirectory(path, mode: 0o777)
            if plan.isInMemory {
                try VolumeMounts.memory(at: path, sizeBytes: nil)
            } else if isNew {
                try DirectoryHandle(path).setMode(0o777)
            }
            try AtomicWriter(path, group: group).write(files)
            if let group { try VolumeOwnership.giveDirectory(DirectoryHandle(path), to: group) }
        }
        // Containers never write here: what they changed would not last, and might mislead the writer.
        return MountedVolume(hostPath: path, isReadOnly: true)
    }

    private func gather(
        _ plan: FilesPlan, _ volume: Volume, _ pod: Pod
    ) async throws(PodVolumeError) -> FileProjection.Inputs {
        var inputs = FileProjection.Inputs(pod: pod)
        inputs.allocatable = configuration.allocatable()
        let namespace: String = pod.metadata.namespace
        for source in plan.sources {
            do throws(StatusError) {
                switch source {
                case .configMap(let name, _, _):
                    inputs.configMaps[name] = try await found { () async throws(StatusError) in
                        try await self.sources.configMap(namespace: namespace, name: name)
                    }
                case .secret(let name, _, _):
                    inputs.secrets[name] = try await found { () async throws(StatusError) in
                        try await self.sources.secret(namespace: namespace, name: name)
                    }
                case .token(let projection):
                    let key = TokenKey(projection, of: pod)
                    inputs.tokens[key] = try await token(key, for: pod)
                case .downward, .unsupported: break
                }
            } catch {
                if case .token = source { throw Self.failure(volume, "failed to fetch token: \(error.message)") }
                throw Self.failure(volume, error.message)
            }
        }
        return inputs
    }

    /// nil where the server says that there is none; whether that matters, the projection decides.
    private func found<Object>(
        _ body: () async throws(StatusError) -> Object
    ) async throws(StatusError) -> Object? {
        do throws(StatusError) {
            return try await body()
        } catch  where error.isNotFound {
            return nil
        }
    }
}

extension Pod {
    /// The group that volumes are given to.
    var fileGroup: UInt32? {
        spec.securityContext?.fsGroup.flatMap { UInt32(exactly: $0) }
    }

    /// `fsGroupChangePolicy`
    var changesGroupOnMismatchOnly: Bool {
        spec.securityContext?.fsGroupChangePolicy == "OnRootMismatch"
    }
}
