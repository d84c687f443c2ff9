import API
import APIMachinery
import Client
import Glibc

/// What a directory tree takes of its disk. Blocks.
package enum DiskUse {
    private struct Inode: Hashable {
        var device: dev_t
        var number: ino_t
    }

    /// Bytes of all blocks in use, on the directory's file system; files with several names count once, links are not
    /// followed. What cannot be read counts nothing.
    package static func bytes(_ path: String) -> Int {
        var seen: Set<Inode> = []
        do throws(NodeFiles.Failure) {
            let root = try DirectoryHandle(path)
            let status: stat = try root.status()
            return Int(status.st_blocks) * 512 + below(root, device: status.st_dev, &seen)
        } catch {
            return 0
        }
    }

    private static func below(_ directory: borrowing DirectoryHandle, device: dev_t, _ seen: inout Set<Inode>) -> Int {
        var sum: Int = 0
        do throws(NodeFiles.Failure) {
            for name in try directory.names() {
                var status = stat()
                guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_dev == device
                else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    let child: DirectoryHandle = try directory.open(name)
                    sum += below(child, device: device, &seen)
                } else if status.st_nlink > 1 {
                    guard seen.insert(Inode(device: status.st_dev, number: status.st_ino)).inserted else { continue }
                }
                sum += Int(status.st_blocks) * 512
            }
        } catch {
            // The pod changes its files while we count: the next count is another one.
            return sum
        }
        return sum
    }
}

/// Pods whose `emptyDir` on disk grows beyond its `sizeLimit` are evicted. (In memory, the file system is as large as the
/// limit.)
extension VolumeManager {
    /// Upstream measures volumes once a minute.
    private static let interval: Duration = .seconds(60)

    /// Measures until the task is cancelled. `evict` gets upstream's message; the reason is `Evicted`.
    package func enforceLimits(evict: @escaping @Sendable (PodIdentity, _ message: String) -> Void) async {
        while !Task.isCancelled {
            for pod in mountedPods {
                if let message = await excess(pod) { evict(PodIdentity(pod), message) }
            }
            await clock.sleep(for: Self.interval)
        }
    }

    private func excess(_ pod: Pod) async -> String? {
        for volume in pod.mountedVolumes {
            guard let limit = volume.emptyDir?.sizeLimit, limit.sign > 0, volume.emptyDir?.medium == "" else {
                continue
            }
            let path: String = place("empty-dir", volume, pod)
            let bytes: Int = await BlockingWork.run { DiskUse.bytes(path) }
            if bytes > limit.value {
                return "Usage of EmptyDir volume \"\(volume.name)\" exceeds the limit \"\(limit)\". "
            }
        }
        return nil
    }
}
