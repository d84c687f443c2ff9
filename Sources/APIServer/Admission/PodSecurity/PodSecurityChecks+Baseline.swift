import APICore
import APIMachinery
import Codec

/// Upstream's checks, by level. Each says nothing of a pod that is fine.
enum PodSecurityChecks {
    private typealias Words = PodSecurityWords

    static let baseline: [PodSecurityEvaluator.Check] = [
        .init(id: "appArmorProfile", level: .baseline, versions: [.init(0, appArmor)]),
        .init(id: "capabilities_baseline", level: .baseline, versions: [.init(0, capabilities)]),
        .init(id: "hostNamespaces", level: .baseline, versions: [.init(0, hostNamespaces)]),
        .init(id: "hostPathVolumes", level: .baseline, versions: [.init(0, hostPathVolumes)]),
        .init(id: "hostPorts", level: .baseline, versions: [.init(0, hostPorts)]),
        .init(id: "hostProbesAndHostLifecycle", level: .baseline, versions: [.init(34, hostsOfProbes)]),
        .init(id: "privileged", level: .baseline, versions: [.init(0, privileged)]),
        .init(id: "procMount", level: .baseline, versions: [.init(0, procMount)]),
        .init(
            id: "seLinuxOptions", level: .baseline,
            versions: [
                .init(0, { seLinux($0, seLinuxTypes) }),
                .init(31, { seLinux($0, seLinuxTypes.union(["container_engine_t"])) }),
            ]),
        .init(
            id: "seccompProfile_baseline", level: .baseline,
            versions: [.init(0, seccompAnnotations), .init(19, seccompFields)]),
        .init(
            id: "sysctls", level: .baseline,
            versions: [
                .init(0, { sysctls($0, safeSysctls) }), .init(27, { sysctls($0, safeSysctls27) }),
                .init(29, { sysctls($0, safeSysctls29) }), .init(32, { sysctls($0, safeSysctls32) }),
            ]),
        .init(id: "windowsHostProcess", level: .baseline, versions: [.init(0, windowsHostProcess)]),
    ]

    // MARK: - AppArmor

    private static let appArmorPrefix: String = "container.apparmor.security.beta.kubernetes.io/"

    private static func appArmor(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        func isAllowed(_ profile: AppArmorProfile?) -> Bool {
            guard let type = profile?.type else { return true }
            return type == "RuntimeDefault" || type == "Localhost"
        }
        var values: Set<String> = []
        let isBadPod: Bool = !isAllowed(pod.security?.appArmorProfile)
        if isBadPod, let type = pod.security?.appArmorProfile?.type { values.insert(type) }
        let names: [String] = pod.names { unit in
            guard !isAllowed(unit.security?.appArmorProfile) else { return false }
            values.insert(unit.security?.appArmorProfile?.type ?? "")
            return true
        }
        var setters: [String] = Words.setters(pod: isBadPod, names)
        var annotations: [String] = []
        for (key, value) in pod.metadata.annotations where key.hasPrefix(appArmorPrefix) {
            if value.isEmpty || value == "runtime/default" || value.hasPrefix("localhost/") { continue }
            annotations.append("\(key)=\(GoText.quoted(value))")
        }
        if !annotations.isEmpty { setters.append(Words.plural("annotation", "annotations", annotations.count)) }
        guard !setters.isEmpty else { return nil }
        let shown: [String] = values.sorted() + annotations.sorted()
        return PodSecurityViolation(
            Words.plural("forbidden AppArmor profile", "forbidden AppArmor profiles", shown.count),
            "\(Words.joined(setters)) must not set AppArmor profile type to \(Words.quoted(shown))")
    }

    // MARK: - Rights

    private static let defaultCapabilities: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    private static func capabilities(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var added: Set<String> = []
        let names: [String] = pod.names { unit in
            let extra: [String] = (unit.security?.capabilities?.add ?? []).filter { !defaultCapabilities.contains($0) }
            added.formUnion(extra)
            return !extra.isEmpty
        }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            "non-default capabilities",
            "\(Words.containers(names)) must not include \(Words.quoted(added.sorted())) in "
                + "securityContext.capabilities.add")
    }

    private static func privileged(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let names: [String] = pod.names { $0.security?.privileged == true }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            "privileged", "\(Words.containers(names)) must not set securityContext.privileged=true")
    }

    private static func procMount(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var types: Set<String> = []
        let names: [String] = pod.names { unit in
            guard let type = unit.security?.procMount, type != "Default" else { return false }
            types.insert(type)
            return true
        }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            "procMount",
            "\(Words.containers(names)) must not set securityContext.procMount to \(Words.quoted(types.sorted()))")
    }

    private static func windowsHostProcess(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let setters: [String] = Words.setters(
            pod: pod.security?.windowsOptions?.hostProcess == true,
            pod.names { $0.security?.windowsOptions?.hostProcess == true })
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(
            "hostProcess", "\(Words.joined(setters)) must not set securityContext.windowsOptions.hostProcess=true")
    }

    // MARK: - The host

    private static func hostNamespaces(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var found: [String] = []
        if pod.spec.hostNetwork { found.append("hostNetwork=true") }
        if pod.spec.hostPID { found.append("hostPID=true") }
        if pod.spec.hostIPC { found.append("hostIPC=true") }
        return found.isEmpty ? nil : PodSecurityViolation("host namespaces", found.joined(separator: ", "))
    }

    private static func hostPathVolumes(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        let names: [String] = pod.spec.volumes.filter { $0.hostPath != nil }.map { $0.name }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            "hostPath volumes", "\(Words.plural("volume", "volumes", names.count)) \(Words.quoted(names))")
    }

    private static func hostPorts(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var ports: Set<String> = []
        let names: [String] = pod.names { unit in
            let used: [String] = unit.ports.filter { $0.hostPort != 0 }.map { String($0.hostPort) }
            ports.formUnion(used)
            return !used.isEmpty
        }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            "hostPort",
            "\(Words.containers(names)) \(Words.plural("uses", "use", names.count)) "
                + "\(Words.plural("hostPort", "hostPorts", ports.count)) \(ports.sorted().joined(separator: ", "))")
    }

    /// Probes and handlers are the kubelet's requests: with another host, they reach where the pod could not.
    private static func hostsOfProbes(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var hosts: Set<String> = []
        let names: [String] = pod.names { unit in
            var found: [String] = unit.probes.flatMap { [$0.httpGet?.host ?? "", $0.tcpSocket?.host ?? ""] }
            for handler in [unit.lifecycle?.postStart, unit.lifecycle?.preStop] {
                found += [handler?.httpGet?.host ?? "", handler?.tcpSocket?.host ?? ""]
            }
            found.removeAll { $0.isEmpty }
            hosts.formUnion(found)
            return !found.isEmpty
        }
        guard !names.isEmpty else { return nil }
        let unique: [String] = Set(names).sorted()
        return PodSecurityViolation(
            "probe or lifecycle host",
            "\(Words.containers(unique)) \(Words.plural("uses", "use", unique.count)) "
                + "\(Words.plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.count)) "
                + Words.quoted(hosts.sorted()))
    }

    // MARK: - SELinux

    private static let seLinuxTypes: Set<String> = ["", "container_t", "container_init_t", "container_kvm_t"]

    private static func seLinux(_ pod: PodSecuritySubject, _ allowed: Set<String>) -> PodSecurityViolation? {
        var types: Set<String> = []
        var setsUser: Bool = false
        var setsRole: Bool = false
        func isBad(_ options: SELinuxOptions?) -> Bool {
            guard let options else { return false }
            if !allowed.contains(options.type) { types.insert(options.type) }
            if !options.user.isEmpty { setsUser = true }
            if !options.role.isEmpty { setsRole = true }
            return !allowed.contains(options.type) || !options.user.isEmpty || !options.role.isEmpty
        }
        let setters: [String] = Words.setters(
            pod: isBad(pod.security?.seLinuxOptions), pod.names { isBad($0.security?.seLinuxOptions) })
        guard !setters.isEmpty else { return nil }
        var found: [String] = []
        if !types.isEmpty {
            found.append("\(Words.plural("type", "types", types.count)) \(Words.quoted(types.sorted()))")
        }
        if setsUser { found.append("user may not be set") }
        if setsRole { found.append("role may not be set") }
        return PodSecurityViolation(
            "seLinuxOptions",
            "\(Words.joined(setters)) set forbidden securityContext.seLinuxOptions: \(found.joined(separator: "; "))")
    }

    // MARK: - Seccomp

    static func isAllowedSeccomp(_ type: String) -> Bool { type == "RuntimeDefault" || type == "Localhost" }

    private static func seccompAnnotations(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var keys: [String] = ["seccomp.security.alpha.kubernetes.io/pod"]
        keys += pod.units.map { "container.seccomp.security.alpha.kubernetes.io/\($0.name)" }
        var bad: Set<String> = []
        for key in keys {
            guard let value = pod.metadata.annotations[key], value != "runtime/default", value != "docker/default",
                !value.hasPrefix("localhost/")
            else { continue }
            bad.insert("\(key)=\(GoText.quoted(value))")
        }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            "seccompProfile",
            "forbidden \(Words.plural("annotation", "annotations", bad.count)) "
                + bad.sorted().joined(separator: ", "))
    }

    static func seccompFields(_ pod: PodSecuritySubject) -> PodSecurityViolation? {
        var values: Set<String> = []
        func isBad(_ profile: SeccompProfile?) -> Bool {
            guard let profile, !isAllowedSeccomp(profile.type) else { return false }
            values.insert(profile.type)
            return true
        }
        let setters: [String] = Words.setters(
            pod: isBad(pod.security?.seccompProfile), pod.names { isBad($0.security?.seccompProfile) })
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(
            "seccompProfile",
            "\(Words.joined(setters)) must not set securityContext.seccompProfile.type to "
                + Words.quoted(values.sorted()))
    }

    // MARK: - Sysctls

    private static let safeSysctls: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
    ]
    private static let safeSysctls27: Set<String> = safeSysctls.union(["net.ipv4.ip_local_reserved_ports"])
    private static let safeSysctls29: Set<String> = safeSysctls27.union([
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    ])
    private static let safeSysctls32: Set<String> = safeSysctls29.union(["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"])

    private static func sysctls(_ pod: PodSecuritySubject, _ allowed: Set<String>) -> PodSecurityViolation? {
        let bad: [String] = (pod.security?.sysctls ?? []).map { $0.name }.filter { !allowed.contains($0) }
        return bad.isEmpty ? nil : PodSecurityViolation("forbidden sysctls", bad.joined(separator: ", "))
    }
}
