package import API
import APIMachinery
package import Client

/// Decides which static pods run and which mirrors stand for them in the API server. Pure.
///
/// One pod per full name (namespace and name) at a time: when a manifest changes, the new pod waits until the old one is
/// through, as in upstream.
///
///     manifest there ─▶ running(uid) ──manifest gone or changed──▶ stopping(uid) ──finished──▶ (next one, if any)
package struct StaticPodMachine: Sendable {
    package enum Action: Sendable, Equatable {
        case start(Pod)
        case stop(PodIdentity)
        /// The mirror's status may be written now.
        case mirrored(Pod, mirror: Pod)
        case createMirror(Pod)
        case deleteMirror(ObjectKey, uid: String)
    }

    private enum Run: Sendable {
        case running(Pod)
        case stopping(Pod)

        var pod: Pod {
            switch self {
            case .running(let pod), .stopping(let pod): pod
            }
        }
    }

    /// By full name.
    private var wanted: [ObjectKey: Pod] = [:]
    private var runs: [ObjectKey: Run] = [:]
    private var mirrors: [ObjectKey: Pod] = [:]
    /// Whether the manifests were read once; before that, no mirror is superfluous.
    private var hasRead: Bool = false

    package init() {}

    /// The manifests as they are now; of two with the same full name the first counts.
    package mutating func read(_ pods: [Pod]) -> [Action] {
        hasRead = true
        wanted = Dictionary(pods.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var actions: [Action] = []
        for key in Set(wanted.keys).union(runs.keys).sorted() { actions += step(key) }
        return actions
    }

    /// Nothing is left of a pod on this node.
    package mutating func finished(uid: String) -> [Action] {
        guard let key = runs.first(where: { $0.value.pod.metadata.uid == uid })?.key else { return [] }
        // One that ended by itself stays known: it is not run again until its manifest changes.
        guard case .stopping = runs[key] else { return [] }
        runs[key] = nil
        return step(key)
    }

    private mutating func step(_ key: ObjectKey) -> [Action] {
        switch runs[key] {
        case nil:
            guard let pod = wanted[key] else { return [] }
            runs[key] = .running(pod)
            return [.start(pod)] + told(key)
        case .running(let pod):
            if wanted[key]?.metadata.uid == pod.metadata.uid { return [] }
            runs[key] = .stopping(pod)
            return [.stop(PodIdentity(pod))]
        case .stopping: return []
        }
    }

    // MARK: - Mirrors

    /// A mirror as the API server has it now; nil: it is gone.
    package mutating func seen(mirror: Pod?, _ key: ObjectKey) -> [Action] {
        mirrors[key] = mirror
        return told(key)
    }

    private func told(_ key: ObjectKey) -> [Action] {
        guard case .running(let pod)? = runs[key], let mirror = mirrors[key], Self.matches(mirror, pod) else {
            return []
        }
        return [.mirrored(pod, mirror: mirror)]
    }

    /// What to write to the API server so that each wanted pod has its mirror, and no other has one. Level-triggered:
    /// asked again after changes, failures, and from time to time.
    package func mirrorsToMend() -> [Action] {
        guard hasRead else { return [] }
        var actions: [Action] = []
        for (key, mirror) in mirrors.sorted(by: { $0.key < $1.key }) {
            if let pod = wanted[key], Self.matches(mirror, pod) { continue }
            // While the old pod still runs down, its mirror shows that.
            if wanted[key] == nil, case .stopping? = runs[key] { continue }
            actions.append(.deleteMirror(key, uid: mirror.metadata.uid))
        }
        for (key, pod) in wanted.sorted(by: { $0.key < $1.key }) where mirrors[key] == nil {
            actions.append(.createMirror(pod))
        }
        return actions
    }

    private static func matches(_ mirror: Pod, _ pod: Pod) -> Bool {
        mirror.metadata.deletionTimestamp == nil
            && mirror.metadata.annotations[StaticPodManifest.mirrorAnnotation]
                == pod.metadata.annotations[StaticPodManifest.hashAnnotation]
    }

    /// The mirror of a static pod; nil: there is none (yet).
    package func mirror(of pod: Pod) -> Pod? {
        guard let mirror = mirrors[pod.key], Self.matches(mirror, pod) else { return nil }
        return mirror
    }
}
