import API

/// A pod's claims must be there and bound, and a node must reach their volumes.
///
/// Nothing binds claims yet: one that waits for its first pod is refused as one for which there is no volume.
package struct VolumeBinding: PreFilterPlugin, FilterPlugin {
    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool {
        pod.pod.spec.volumes.contains { Self.claimName(of: $0, in: pod.pod) != nil }
    }

    package func refuse(_ pod: PodInfo, in table: NodeTable) -> Verdict? {
        guard let reason = Self.problem(of: pod.pod, in: table.volumes) else { return nil }
        return Verdict(reason, by: .volumeBinding, isUnresolvable: true)
    }

    package func reasons(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> [Verdict] {
        var isOutOfReach: Bool = false
        var lacksVolume: Bool = false
        var isUnbound: Bool = false
        for claim in Self.claims(of: pod.pod, in: table.volumes) {
            guard claim.isBound else {
                isUnbound = true
                continue
            }
            // The first volume that does not fit ends the look, as upstream's does.
            guard !isOutOfReach, !lacksVolume else { continue }
            if !table.volumes.hasVolume(claim.volume) {
                lacksVolume = true
            } else if let affinity = table.volumes.affinity(ofVolume: claim.volume) {
                isOutOfReach = !NodeAffinity.matches(affinity, row.node)
            }
        }
        let texts: [(Bool, String)] = [
            (isOutOfReach, "node(s) didn't match PersistentVolume's node affinity"),
            (isUnbound, "node(s) didn't find available persistent volumes to bind"),
            (lacksVolume, "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"),
        ]
        return texts.filter(\.0).map { Verdict($0.1, by: .volumeBinding, isUnresolvable: true) }
    }

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        reasons(pod, on: row, in: table).first
    }

    /// The claim behind a volume, and nil for other kinds of volumes.
    static func claimName(of volume: Volume, in pod: Pod) -> String? {
        if let source = volume.persistentVolumeClaim { return source.claimName }
        return volume.ephemeral == nil ? nil : "\(pod.metadata.name)-\(volume.name)"
    }

    private static func claims(of pod: Pod, in volumes: VolumeTable) -> [VolumeTable.Claim] {
        pod.spec.volumes.compactMap { volume in
            claimName(of: volume, in: pod).flatMap { volumes.claim($0, in: pod.metadata.namespace) }
        }
    }

    /// What keeps the pod from every node, in upstream's words.
    private static func problem(of pod: Pod, in volumes: VolumeTable) -> String? {
        for volume in pod.spec.volumes {
            guard let name = claimName(of: volume, in: pod) else { continue }
            let isEphemeral: Bool = volume.persistentVolumeClaim == nil
            guard let claim = volumes.claim(name, in: pod.metadata.namespace) else {
                return isEphemeral
                    ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(name)\""
                    : "persistentvolumeclaim \"\(name)\" not found"
            }
            if claim.isLost {
                return "persistentvolumeclaim \"\(name)\" bound to non-existent persistentvolume \"\(claim.volume)\""
            }
            if claim.isBeingDeleted { return "persistentvolumeclaim \"\(name)\" is being deleted" }
            if isEphemeral, claim.controller != pod.metadata.uid {
                let namespace: String = pod.metadata.namespace
                return "PVC \(namespace)/\(name) was not created for pod \(namespace)/\(pod.metadata.name) "
                    + "(pod is not owner)"
            }
        }
        let isUnbound: Bool = claims(of: pod, in: volumes).contains { claim in
            // A claim that names its volume is bound by itself, whatever its class.
            !claim.isBound && !(volumes.waitsForConsumer(claim) && claim.volume.isEmpty)
        }
        return isUnbound ? "pod has unbound immediate PersistentVolumeClaims" : nil
    }
}
