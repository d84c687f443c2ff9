import API
import APIMachinery
package import CRI
import Client
import Codec

/// Reads what the runtime tells of containers into the machine's terms.
package struct InstanceReader: Sendable {
    private static let messageBytes: Int = 4096
    private static let logBytes: Int = 2048
    private static let logLines: Int = 80

    package init() {}

    /// One container with its exit and termination message. Reads files, so it may block: see `BlockingWork`.
    package func instance(_ status: CRI.ContainerStatus) -> ContainerInstance {
        let annotations: StringMap<String> = status.annotations
        let attempt: Int =
            annotations[RuntimeLabels.restartCount].flatMap { Int($0) } ?? status.metadata?.attempt ?? 0
        var instance = ContainerInstance(
            id: status.id, attempt: attempt, state: state(status),
            imageID: status.imageRef.isEmpty ? status.imageId : status.imageRef,
            image: annotations[RuntimeLabels.image] ?? status.image?.userSpecifiedImage ?? "")
        instance.backoffSeconds = annotations[RuntimeLabels.backoff].flatMap { Int($0) }
        return instance
    }

    private func state(_ status: CRI.ContainerStatus) -> ContainerInstance.State {
        switch status.state {
        case .containerCreated: .created
        case .containerRunning: .running(since: Self.time(status.startedAt) ?? Time())
        case .containerExited: .exited(exit(status))
        default: .unknown
        }
    }

    private func exit(_ status: CRI.ContainerStatus) -> ContainerExit {
        var message: String = status.message
        let said: String = terminationMessage(status)
        if !said.isEmpty { message += message.isEmpty ? said : ": " + said }
        let reason: String = status.reason.isEmpty ? (status.exitCode == 0 ? "Completed" : "Error") : status.reason
        return ContainerExit(
            code: status.exitCode, reason: reason, message: message, startedAt: Self.time(status.startedAt),
            finishedAt: Self.time(status.finishedAt))
    }

    /// The runtime's nanoseconds; 0 is no time.
    static func time(_ nanoseconds: Int) -> Time? {
        nanoseconds > 0 ? Time(seconds: Int64(nanoseconds / 1_000_000_000)) : nil
    }

    /// What the container left in its file; when it failed without a word and its policy says so, the end of its log.
    private func terminationMessage(_ status: CRI.ContainerStatus) -> String {
        let path: String = status.annotations[RuntimeLabels.terminationPath] ?? ""
        let mount: Mount? = path.isEmpty ? nil : status.mounts.first { $0.containerPath == path }
        if let mount, let bytes = try? NodeFiles.tail(mount.hostPath, limit: Self.messageBytes).bytes, !bytes.isEmpty {
            return String(decoding: bytes, as: UTF8.self)
        }
        let policy: String? = status.annotations[RuntimeLabels.terminationPolicy]
        guard policy == "FallbackToLogsOnError", status.exitCode != 0, !status.logPath.isEmpty,
            let tail = try? NodeFiles.tail(status.logPath, limit: 64 << 10)
        else { return "" }
        return Self.logText(tail.bytes, isWhole: tail.isWhole)
    }

    /// The last 80 lines, at most 2048 bytes, of a log in CRI's format: `2024-01-02T03:04:05.6Z stdout F text`.
    static func logText(_ bytes: [UInt8], isWhole: Bool) -> String {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        if !isWhole && !lines.isEmpty { lines.removeFirst() }
        var text: [UInt8] = []
        for line in lines.suffix(Self.logLines) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count == 4 else { continue }
            text += fields[3]
            // `P`: the line goes on in the next entry.
            if fields[2].first != UInt8(ascii: "P") { text.append(UInt8(ascii: "\n")) }
        }
        return String(decoding: text.suffix(Self.logBytes), as: UTF8.self)
    }
}
