import API
import APIMachinery
import Client
import Glibc

/// Claims that are bound to something on this node: `hostPath` and `local` volumes.
extension VolumeManager {
    func claim(
        _ name: String, isOwned: Bool, isReadOnly: Bool, _ volume: Volume, of pod: Pod
    ) async throws(PodVolumeError) -> MountedVolume {
        let persistent: PersistentVolume
        do throws(ClaimFailure) {
            persistent = try await boundVolume(name, isOwned: isOwned, of: pod)
        } catch {
            throw Self.impossible(
                volume, "error processing PVC \(pod.metadata.namespace)/\(name): \(error.message)")
        }
        if let source = persistent.spec.hostPath {
            try await check(volume, hostPath: source.path, type: source.type ?? "")
            return MountedVolume(hostPath: source.path, isReadOnly: isReadOnly)
        }
        if let source = persistent.spec.local {
            let wantsDevice: Bool = persistent.spec.volumeMode == "Block"
            let group: UInt32? = isReadOnly || wantsDevice ? nil : pod.fileGroup
            let isLazy: Bool = pod.changesGroupOnMismatchOnly
            let problem: String? = await BlockingWork.run {
                Self.prepareLocal(source.path, wantsDevice: wantsDevice, group: group, isLazy: isLazy)
            }
            if let problem {
                throw PodVolumeError(
                    message: "MountVolume.NewMounter initialization failed for volume "
                        + "\"\(persistent.metadata.name)\" : \(problem)")
            }
            return MountedVolume(hostPath: source.path, isReadOnly: isReadOnly)
        }
        throw Self.impossible(
            volume,
            "failed to get Plugin from volumeSpec for volume \"\(persistent.metadata.name)\" err=no volume plugin "
                + "matched: this node mounts persistent volumes of the kinds hostPath and local only")
    }

    private struct ClaimFailure: Error {
        var message: String
    }

    private func boundVolume(
        _ name: String, isOwned: Bool, of pod: Pod
    ) async throws(ClaimFailure) -> PersistentVolume {
        let claim: PersistentVolumeClaim
        do throws(StatusError) {
            claim = try await client.get(PersistentVolumeClaim.self, pod.metadata.namespace, name)
        } catch {
            throw ClaimFailure(message: "failed to fetch PVC from API server: \(error.message)")
        }
        if isOwned && !claim.metadata.ownerReferences.contains(where: { $0.uid == pod.metadata.uid }) {
            throw ClaimFailure(
                message: "PVC \(pod.metadata.namespace)/\(name) was not created for pod "
                    + "\(pod.metadata.namespace)/\(pod.metadata.name) (pod is not owner)")
        }
        if claim.metadata.deletionTimestamp != nil { throw ClaimFailure(message: "PVC is being deleted") }
        guard claim.status.phase == "Bound", !claim.spec.volumeName.isEmpty else {
            throw ClaimFailure(message: "PVC is not bound")
        }
        let persistent: PersistentVolume
        do throws(StatusError) {
            persistent = try await client.get(PersistentVolume.self, "", claim.spec.volumeName)
        } catch {
            throw ClaimFailure(message: "failed to fetch PV \(claim.spec.volumeName) from API server: \(error.message)")
        }
        guard persistent.spec.claimRef?.uid == claim.metadata.uid else {
            throw ClaimFailure(
                message: "PV \(claim.spec.volumeName) is bound to another PVC than \(pod.metadata.namespace)/\(name)")
        }
        return persistent
    }

    /// What is wrong with a local volume; nil: it is ready.
    private static func prepareLocal(_ path: String, wantsDevice: Bool, group: UInt32?, isLazy: Bool) -> String? {
        var status = stat()
        guard path.hasPrefix("/"), stat(path, &status) == 0 else { return "path \"\(path)\" does not exist" }
        let type: mode_t = status.st_mode & S_IFMT
        if wantsDevice { return type == S_IFBLK ? nil : "path \"\(path)\" is not a block device" }
        if type == S_IFBLK {
            return "path \"\(path)\" is a block device, and this node does not make file systems; mount it on a "
                + "directory and name that in the volume's local.path"
        }
        guard type == S_IFDIR else { return "path \"\(path)\" is not a directory" }
        guard let group else { return nil }
        do throws(NodeFiles.Failure) {
            try VolumeOwnership.give(VolumeMounts.resolve(path) ?? path, to: group, onlyOnMismatch: isLazy)
            return nil
        } catch {
            return error.description
        }
    }
}
