import API
package import CRI
package import Client
import Codec

/// Keeps the node's disk clean: images that nobody uses, containers that ended, logs that grow, pods that nobody knows.
package final class NodeCollector: Sendable {
    /// Upstream's defaults.
    package struct Thresholds: Sendable, Equatable {
        /// Of the disk; above it, images are removed …
        package var highPercent: Int = 85
        /// … until it is down to this.
        package var lowPercent: Int = 80
        /// An image that was used or pulled later than this ago stays.
        package var minimumAge: Duration = .seconds(120)

        package init() {}
    }

    /// What a file system has.
    package struct DiskUsage: Sendable, Equatable {
        package var capacityBytes: Int
        package var availableBytes: Int

        package init(capacityBytes: Int, availableBytes: Int) {
            self.capacityBytes = capacityBytes
            self.availableBytes = availableBytes
        }
    }

    private let runtime: any RuntimeService
    private let images: any ImageService
    private let effects: RuntimeEffects
    private let configuration: RuntimeConfiguration
    private let thresholds: Thresholds
    private let clock: any MonotonicClock
    private let log: Log
    private let disk: @Sendable (String) -> DiskUsage?

    /// - Parameter disk: looks at the file system of a path.
    package init(
        runtime: any RuntimeService, images: any ImageService, effects: RuntimeEffects,
        configuration: RuntimeConfiguration, thresholds: Thresholds = Thresholds(), clock: any MonotonicClock,
        log: Log, disk: @escaping @Sendable (String) -> DiskUsage? = NodeFiles.disk
    ) {
        self.runtime = runtime
        self.images = images
        self.effects = effects
        self.configuration = configuration
        self.thresholds = thresholds
        self.clock = clock
        self.log = log
        self.disk = disk
    }

    /// Cleans until cancelled: logs every 10 s, containers every minute, images every 5 minutes.
    ///
    /// - Parameter known: UIDs of the pods that belong here; nil while that is not known yet.
    package func run(known: @escaping @Sendable () -> Set<String>?) async {
        var memory = ImageMemory()
        var turn: Int = 0
        while !Task.isCancelled {
            await clock.sleep(for: .seconds(10))
            guard !Task.isCancelled else { return }
            turn += 1
            do throws(CRIError) {
                try await rotateLogs()
                if turn % 6 == 0 {
                    try await removeDeadContainers()
                    try await removeDeadSandboxes()
                    try await removeOrphans(known: known)
                }
                if turn % 30 == 0 { try await collectImages(&memory) }
            } catch {
                log.warning("failed to clean the node", [("error", "\(error)")])
            }
        }
    }

    // MARK: Images

    /// When each image was last seen in use, or first seen.
    package struct ImageMemory: Sendable {
        var lastUsed: [String: Duration] = [:]
        var firstSeen: [String: Duration] = [:]

        package init() {}
    }

    /// Removes images, the longest unused first, if the disk is fuller than it should be. Returns those removed.
    @discardableResult
    package func collectImages(_ memory: inout ImageMemory) async throws(CRIError) -> [String] {
        let now: Duration = clock.now
        let all: [Image] = try await images.listImages(ListImagesRequest()).images
        let containers: [CRI.Container] = try await runtime.listContainers(ListContainersRequest()).containers
        let used: Set<String> = Set(containers.flatMap { [$0.imageRef, $0.imageId, $0.image?.image ?? ""] })
        for image in all {
            memory.firstSeen[image.id] = memory.firstSeen[image.id] ?? now
            if Self.isUsed(image, used) { memory.lastUsed[image.id] = now }
        }
        guard let mount = try await images.imageFsInfo(ImageFsInfoRequest()).imageFilesystems.first?.fsId?.mountpoint,
            let usage = await BlockingWork.run({ [disk] in disk(mount) }),
            let bytes = Self.bytesToFree(usage, thresholds)
        else { return [] }
        var left: Int = bytes
        var removed: [String] = []
        let seen: ImageMemory = memory
        func age(_ image: Image) -> Duration { seen.lastUsed[image.id] ?? seen.firstSeen[image.id] ?? now }
        let candidates: [Image] = all.filter { image in
            !image.pinned && !Self.isUsed(image, used) && now - age(image) >= thresholds.minimumAge
        }
        for image in candidates.sorted(by: { age($0) < age($1) }) where left > 0 {
            var request = RemoveImageRequest()
            var spec = ImageSpec()
            spec.image = image.id
            request.image = spec
            _ = try await images.removeImage(request)
            left -= Int(clamping: image.size)
            removed.append(image.id)
            memory.firstSeen[image.id] = nil
            memory.lastUsed[image.id] = nil
        }
        if left > 0 { log.warning("images alone cannot free the disk", [("bytes", String(left))]) }
        return removed
    }

    private static func isUsed(_ image: Image, _ used: Set<String>) -> Bool {
        used.contains(image.id) || image.repoTags.contains(where: used.contains)
            || image.repoDigests.contains(where: used.contains)
    }

    /// nil: there is room.
    package static func bytesToFree(_ usage: DiskUsage, _ thresholds: Thresholds) -> Int? {
        guard usage.capacityBytes > 0 else { return nil }
        let used: Int = usage.capacityBytes - usage.availableBytes
        guard used * 100 >= usage.capacityBytes * thresholds.highPercent else { return nil }
        return used - usage.capacityBytes / 100 * thresholds.lowPercent
    }

    // MARK: Containers and pods

    /// Keeps the newest ended run of each container, for its log and its exit; of a running one the one before.
    package func removeDeadContainers() async throws(CRIError) {
        var runs: [String: [CRI.Container]] = [:]
        for container in try await runtime.listContainers(ListContainersRequest()).containers {
            guard let pod = RuntimeLabels.identity(container.labels),
                let name = container.labels[RuntimeLabels.containerName]
            else { continue }
            runs["\(pod.uid)/\(name)", default: []].append(container)
        }
        for (_, found) in runs {
            let dead = found.filter { $0.state == .containerExited }.sorted { $0.createdAt > $1.createdAt }
            for container in dead.dropFirst() {
                var request = RemoveContainerRequest()
                request.containerId = container.id
                _ = try await runtime.removeContainer(request)
                await removeLogs(of: container)
            }
        }
    }

    private func removeLogs(of container: CRI.Container) async {
        guard let pod = RuntimeLabels.identity(container.labels), let attempt = container.metadata?.attempt,
            let name = container.labels[RuntimeLabels.containerName]
        else { return }
        let directory: String = "\(configuration.logDirectory(pod))/\(name)"
        let termination: String = configuration.terminationFile(pod, container: name, attempt: attempt)
        await BlockingWork.run {
            for entry in NodeFiles.entries(directory) where entry.hasPrefix("\(attempt).log") {
                NodeFiles.removeFile("\(directory)/\(entry)")
            }
            NodeFiles.removeFile(termination)
        }
    }

    /// Sandboxes that were replaced and in which nothing is left.
    package func removeDeadSandboxes() async throws(CRIError) {
        var pods: [PodIdentity: [PodSandbox]] = [:]
        for sandbox in try await runtime.listPodSandbox(ListPodSandboxRequest()).items {
            if let pod = RuntimeLabels.identity(sandbox.labels) { pods[pod, default: []].append(sandbox) }
        }
        let containers: [CRI.Container] = try await runtime.listContainers(ListContainersRequest()).containers
        let used: Set<String> = Set(containers.map(\.podSandboxId))
        for (_, found) in pods {
            let replaced = found.sorted { $0.createdAt > $1.createdAt }.dropFirst()
            for sandbox in replaced where sandbox.state != .sandboxReady && !used.contains(sandbox.id) {
                var request = RemovePodSandboxRequest()
                request.podSandboxId = sandbox.id
                _ = try await runtime.removePodSandbox(request)
            }
        }
    }

    /// Pods that the runtime or the disk has and nobody wants: they were deleted while the kubelet was away.
    ///
    /// - Parameter known: asked after looking, for a pod's machine is there before anything else of it.
    package func removeOrphans(known: @Sendable () -> Set<String>?) async throws(CRIError) {
        var found: Set<PodIdentity> = []
        for sandbox in try await runtime.listPodSandbox(ListPodSandboxRequest()).items {
            if let pod = RuntimeLabels.identity(sandbox.labels) { found.insert(pod) }
        }
        let configuration: RuntimeConfiguration = self.configuration
        let (directories, logs): ([String], [String]) = await BlockingWork.run {
            (NodeFiles.entries(configuration.podsDirectory), NodeFiles.entries(configuration.logsDirectory))
        }
        let inRuntime: Set<String> = Set(found.map(\.uid))
        for uid in directories where !inRuntime.contains(uid) {
            // <namespace>_<name>_<uid>, and none of the three has an underscore. Logs of pods without a directory here
            // are somebody else's.
            let parts: [String]? = logs.map { $0.split(separator: "_").map(String.init) }
                .first { $0.count == 3 && $0[2] == uid }
            found.insert(PodIdentity(namespace: parts?[0] ?? "", name: parts?[1] ?? "", uid: uid))
        }
        guard let known = known() else { return }
        for pod in found where !known.contains(pod.uid) {
            log.info("removing a pod that nobody knows", [("pod", pod.name), ("uid", pod.uid)])
            if let problem = await effects.takeAway(pod) {
                log.warning("failed to remove a pod that nobody knows", [("uid", pod.uid), ("error", problem)])
            }
        }
    }

    // MARK: Logs

    /// Renames what is too large, has the runtime open a new file, and keeps the newest few.
    package func rotateLogs() async throws(CRIError) {
        for container in try await runtime.listContainers(ListContainersRequest()).containers
        where container.state == .containerRunning {
            guard let pod = RuntimeLabels.identity(container.labels), let attempt = container.metadata?.attempt,
                let name = container.labels[RuntimeLabels.containerName]
            else { continue }
            let path: String = "\(configuration.logDirectory(pod))/\(name)/\(attempt).log"
            let limit: Int = configuration.logBytes
            let files: Int = configuration.logFiles
            let isRotated: Bool = await BlockingWork.run {
                guard let size = NodeFiles.size(path), size >= limit else { return false }
                return NodeFiles.rotate(path, keeping: files)
            }
            guard isRotated else { continue }
            var request = ReopenContainerLogRequest()
            request.containerId = container.id
            do throws(CRIError) {
                _ = try await runtime.reopenContainerLog(request)
            } catch {
                // The runtime goes on writing into the renamed file; it is the newest, so put it back.
                await BlockingWork.run { NodeFiles.unrotate(path) }
                throw error
            }
        }
    }
}
