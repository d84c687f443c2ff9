import API

/// A claim with the access mode ReadWriteOncePod is for one pod at a time.
package struct VolumeRestrictions: PreFilterPlugin, FilterPlugin {
    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool { !pod.requirements.claims.isEmpty }

    package func refuse(_ pod: PodInfo, in table: NodeTable) -> Verdict? {
        for volume in pod.pod.spec.volumes {
            guard let name = volume.persistentVolumeClaim?.claimName,
                table.volumes.claim(name, in: pod.pod.metadata.namespace) == nil
            else { continue }
            return Verdict(
                "persistentvolumeclaim \"\(name)\" not found", by: .volumeRestrictions, isUnresolvable: true)
        }
        return nil
    }

    /// The same on every node: the other pod may be on any of them. Its end would help.
    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        let isTaken: Bool = pod.pod.spec.volumes.contains { volume in
            guard let name = volume.persistentVolumeClaim?.claimName,
                let claim = table.volumes.claim(name, in: pod.pod.metadata.namespace), claim.isForOnePod
            else { return false }
            return table.isUsed(claim: VolumeTable.key(pod.pod.metadata.namespace, name))
        }
        guard isTaken else { return nil }
        return Verdict(
            "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
            by: .volumeRestrictions)
    }
}
