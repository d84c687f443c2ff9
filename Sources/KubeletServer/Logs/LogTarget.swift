package import APICore
import APIMachinery

/// Which container's log is meant, or why there is none: upstream's rules and words. Pure.
package enum LogTarget {
    package struct Refusal: Error, Sendable, Equatable {
        package var text: String
    }

    /// The id of the container, without the runtime's name.
    package static func containerID(
        pod: Pod, container name: String, previous: Bool
    ) throws(Refusal) -> String {
        let podName: String = pod.metadata.name
        let status: PodStatus = pod.status
        let found: APICore.ContainerStatus? =
            status.containerStatuses.first { $0.name == name } ?? status.initContainerStatuses.first { $0.name == name }
            ?? status.ephemeralContainerStatuses.first { $0.name == name }
        let what: String = "container \"\(name)\" in pod \"\(podName)\""
        guard let found else { throw Refusal(text: "\(what) is not available") }
        let last: String? = found.lastState.terminated?.containerID
        if previous {
            guard let last, !last.isEmpty else { throw Refusal(text: "previous terminated \(what) not found") }
            return bare(last)
        }
        if found.state.running != nil { return bare(found.containerID) }
        if let terminated = found.state.terminated {
            let id: String = terminated.containerID.isEmpty ? last ?? "" : terminated.containerID
            guard !id.isEmpty else { throw Refusal(text: "\(what) is terminated") }
            return bare(id)
        }
        if let last {
            guard !last.isEmpty else { throw Refusal(text: "\(what) is terminated") }
            return bare(last)
        }
        guard let waiting = found.state.waiting else {
            throw Refusal(text: "\(what) is waiting to start - no logs yet")
        }
        throw Refusal(text: "\(what) is waiting to start: \(words(waiting.reason))")
    }

    private static func words(_ reason: String) -> String {
        switch reason {
        case "ErrImagePull": "image can't be pulled"
        case "ImagePullBackOff": "trying and failing to pull image"
        default: reason
        }
    }

    /// `containerd://0123` → `0123`.
    private static func bare(_ id: String) -> String {
        guard let slashes = id.range(of: "://") else { return id }
        return String(id[slashes.upperBound...])
    }

    /// Whether a pod has a container of that name, of any sort.
    package static func has(_ pod: Pod, container name: String) -> Bool {
        pod.spec.containers.contains { $0.name == name } || pod.spec.initContainers.contains { $0.name == name }
            || pod.spec.ephemeralContainers.contains { $0.name == name }
    }
}

extension StringProtocol {
    /// The first place of a text within this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start: Index = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
