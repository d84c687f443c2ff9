import APICore

extension PodSecurityChecks {
    private typealias Words = PodSecurityWords

    /// Since 1.25 pods for Windows need not say what only Linux knows.
    private static func unlessWindows(_ check: @escaping @Sendable (PodSecuritySubject) -> PodSecurityViolation?)
        -> @Sendable (PodSecuritySubject) -> PodSecurityViolation?
    {
        { $0.isWindows ? nil : check($0) }
    }

    static let restricted: [PodSecurityEvaluator.Check] = [
        .init(
            id: "allowPrivilegeEscalation", level: .restricted,
            versions: [.init(8, privilegeEscalation), .init(25, unlessWindows(privilegeEscalation))]),
        .init(
            id: "capabilities_restricted", level: .restricted,
            versions: [.init(22, droppedCapabilities), .init(25, unlessWindows(droppedCapabilities))],
            replaces: ["capabilities_baseline"]),
        .init(
            id: "restrictedVolumes", level: .restricted, versions: [.init(0, volumes)], replaces: ["hostPathVolumes"]),
        .init(id: "runAsNonRoot", level: .restricted, versions: [.init(0, runAsNonRoot)]),
        .init(id: "runAsUser", level: .restricted, versions: [.init(23, runAsUser)]),
        .init(
            id: "seccompProfile_restricted", level: .restricted,
            versions: [.init(19, seccompRequired), .init(25, unlessWindows(seccompRequired))],
            replaces: ["seccompProfile_baseline"]),
    ]

    private static func privilegeEscalation(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let names: [String] = pod.names { $0.security?.allowPrivilegeEscalation != false }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            "allowPrivilegeEscalation != false",
            "\(Words.containers(names)) must set securityContext.allowPrivilegeEscalation=false")
    }

    private static func droppedCapabilities(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let keeping: [String] = pod.names { !($0.security?.capabilities?.drop ?? []).contains("ALL") }
        var added: Set<String> = []
        let adding: [String] = pod.names { unit in
            let extra: [String] = (unit.security?.capabilities?.add ?? []).filter { $0 != "NET_BIND_SERVICE" }
            added.formUnion(extra)
            return !extra.isEmpty
        }
        var details: [String] = []
        if !keeping.isEmpty {
            details.append("\(Words.containers(keeping)) must set securityContext.capabilities.drop=[\"ALL\"]")
        }
        if !adding.isEmpty {
            details.append(
                "\(Words.containers(adding)) must not include \(Words.quoted(added.sorted())) in "
                    + "securityContext.capabilities.add")
        }
        guard !details.isEmpty else { return nil }
        return PodSecurityViolation("unrestricted capabilities", details.joined(separator: "; "))
    }

    private static func volumes(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let bad: [Volume] = pod.spec.volumes.filter { !isAllowed($0) }
        guard !bad.isEmpty else { return nil }
        let types: [String] = Set(bad.map { type(of: $0) }).sorted()
        return PodSecurityViolation(
            "restricted volume types",
            "\(Words.plural("volume", "volumes", bad.count)) \(Words.quoted(bad.map { $0.name })) "
                + "\(Words.plural("uses", "use", bad.count)) "
                + "\(Words.plural("restricted volume type", "restricted volume types", types.count)) "
                + Words.quoted(types))
    }

    private static func isAllowed(_ volume: Volume) -> Bool {
        volume.configMap != nil || volume.csi != nil || volume.downwardAPI != nil || volume.emptyDir != nil
            || volume.ephemeral != nil || volume.image != nil || volume.persistentVolumeClaim != nil
            || volume.projected != nil || volume.secret != nil
    }

    private static func type(of volume: Volume) -> String {
        let known: [(Bool, String)] = [
            (volume.hostPath != nil, "hostPath"), (volume.gcePersistentDisk != nil, "gcePersistentDisk"),
            (volume.awsElasticBlockStore != nil, "awsElasticBlockStore"), (volume.gitRepo != nil, "gitRepo"),
            (volume.nfs != nil, "nfs"), (volume.iscsi != nil, "iscsi"), (volume.glusterfs != nil, "glusterfs"),
            (volume.rbd != nil, "rbd"), (volume.flexVolume != nil, "flexVolume"), (volume.cinder != nil, "cinder"),
            (volume.cephfs != nil, "cephfs"), (volume.flocker != nil, "flocker"), (volume.fc != nil, "fc"),
            (volume.azureFile != nil, "azureFile"), (volume.vsphereVolume != nil, "vsphereVolume"),
            (volume.quobyte != nil, "quobyte"), (volume.azureDisk != nil, "azureDisk"),
            (volume.portworxVolume != nil, "portworxVolume"), (volume.scaleIO != nil, "scaleIO"),
            (volume.storageos != nil, "storageos"),
        ]
        return known.first { $0.0 }?.1 ?? "unknown"
    }

    private static func runAsNonRoot(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let ofPod: Bool? = pod.security?.runAsNonRoot
        let setters: [String] = Words.setters(
            pod: ofPod == false, pod.names { $0.security?.runAsNonRoot == false })
        if !setters.isEmpty {
            return PodSecurityViolation(
                "runAsNonRoot != true", "\(Words.joined(setters)) must not set securityContext.runAsNonRoot=false")
        }
        let silent: [String] = ofPod == true ? [] : pod.names { $0.security?.runAsNonRoot == nil }
        guard !silent.isEmpty else { return nil }
        return PodSecurityViolation(
            "runAsNonRoot != true",
            "pod or \(Words.containers(silent)) must set securityContext.runAsNonRoot=true")
    }

    private static func runAsUser(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let setters: [String] = Words.setters(
            pod: pod.security?.runAsUser == 0, pod.names { $0.security?.runAsUser == 0 })
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation("runAsUser=0", "\(Words.joined(setters)) must not set runAsUser=0")
    }

    private static func seccompRequired(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        if let bad = seccompFields(pod) { return bad }
        let isSet: Bool = pod.security?.seccompProfile != nil
        let silent: [String] = isSet ? [] : pod.names { $0.security?.seccompProfile == nil }
        guard !silent.isEmpty else { return nil }
        return PodSecurityViolation(
            "seccompProfile",
            "pod or \(Words.containers(silent)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
                + "\"Localhost\"")
    }
}
