import APICore
import APIMachinery
import Codec

/// Security contexts of pods and containers.
enum SecurityRules {
    static func container(_ context: SecurityContext, _ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let user = context.runAsUser {
            errors += Rule.messages(NameRules.userID(user), user, path.child("runAsUser"))
        }
        if let group = context.runAsGroup {
            errors += Rule.messages(NameRules.userID(group), group, path.child("runAsGroup"))
        }
        if let mount = context.procMount {
            errors += Rule.oneOf(mount, ["Default", "Unmasked"], path.child("procMount"))
            if mount == "Unmasked", pod.hostUsers != false {
                let text: String = "`hostUsers` must be false to use `Unmasked`"
                errors.append(.invalid(path.child("procMount"), mount, text))
            }
        }
        if let profile = context.seccompProfile { errors += seccomp(profile, path.child("seccompProfile")) }
        if let profile = context.appArmorProfile { errors += appArmor(profile, path.child("appArmorProfile")) }
        if context.allowPrivilegeEscalation == false {
            if context.privileged == true {
                let text: String = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
                errors.append(.invalid(path, context, text))
            }
            if context.capabilities?.add.contains("CAP_SYS_ADMIN") == true {
                let text: String =
                    "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
                errors.append(.invalid(path, context, text))
            }
        }
        return errors
    }

    static func pod(_ spec: PodSpec, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        guard let context = spec.securityContext else { return [] }
        if spec.hostPID, spec.shareProcessNamespace == true {
            let field: FieldPath = FieldPath("spec").child("shareProcessNamespace")
            errors.append(.invalid(field, true, "ShareProcessNamespace and HostPID cannot both be enabled"))
        }
        if let group = context.fsGroup {
            errors += Rule.messages(NameRules.userID(group), group, path.child("fsGroup"))
        }
        if let user = context.runAsUser {
            errors += Rule.messages(NameRules.userID(user), user, path.child("runAsUser"))
        }
        if let group = context.runAsGroup {
            errors += Rule.messages(NameRules.userID(group), group, path.child("runAsGroup"))
        }
        for (index, group) in context.supplementalGroups.enumerated() {
            errors += Rule.messages(NameRules.userID(group), group, path.child("supplementalGroups").index(index))
        }
        errors += sysctls(context.sysctls, spec, path.child("sysctls"))
        errors += Rule.optionalChoice(
            context.fsGroupChangePolicy, ["Always", "OnRootMismatch"], path.child("fsGroupChangePolicy"))
        errors += Rule.optionalChoice(
            context.supplementalGroupsPolicy, ["Merge", "Strict"], path.child("supplementalGroupsPolicy"))
        errors += Rule.optionalChoice(
            context.seLinuxChangePolicy, ["MountOption", "Recursive"], path.child("seLinuxChangePolicy"))
        if let profile = context.seccompProfile { errors += seccomp(profile, path.child("seccompProfile")) }
        if let profile = context.appArmorProfile { errors += appArmor(profile, path.child("appArmorProfile")) }
        return errors
    }

    private static func seccomp(_ profile: SeccompProfile, _ path: FieldPath) -> FieldErrors {
        let localhost: FieldPath = path.child("localhostProfile")
        switch profile.type {
        case "Localhost":
            guard let file = profile.localhostProfile else {
                return [.required(localhost, "must be set when seccomp type is Localhost")]
            }
            return Rule.descendingPath(file, localhost)
        case "RuntimeDefault", "Unconfined":
            guard let file = profile.localhostProfile else { return [] }
            return [.invalid(localhost, file, "can only be set when seccomp type is Localhost")]
        case "": return [.required(path.child("type"), "type is required when seccompProfile is set")]
        default:
            let known: [String] = ["Localhost", "RuntimeDefault", "Unconfined"]
            return [.notSupported(path.child("type"), profile.type, known)]
        }
    }

    private static func appArmor(_ profile: AppArmorProfile, _ path: FieldPath) -> FieldErrors {
        let localhost: FieldPath = path.child("localhostProfile")
        switch profile.type {
        case "Localhost":
            guard let name = profile.localhostProfile else {
                return [.required(localhost, "must be set when AppArmor type is Localhost")]
            }
            let trimmed: String = name.trimmingSpaces
            if trimmed != name { return [.invalid(localhost, name, "must not be padded with whitespace")] }
            if trimmed.isEmpty { return [.required(localhost, "must be set when AppArmor type is Localhost")] }
            return name.utf8.count > 4_095 ? [.tooLong(localhost, limit: 4_095)] : []
        case "RuntimeDefault", "Unconfined":
            guard let name = profile.localhostProfile else { return [] }
            return [.invalid(localhost, name, "can only be set when AppArmor type is Localhost")]
        case "": return [.required(path.child("type"), "type is required when appArmorProfile is set")]
        default:
            let known: [String] = ["Localhost", "RuntimeDefault", "Unconfined"]
            return [.notSupported(path.child("type"), profile.type, known)]
        }
    }

    private static let sysctlForm =
        "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"

    private static func sysctls(_ sysctls: [Sysctl], _ spec: PodSpec, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var names: Set<String> = []
        for (index, sysctl) in sysctls.enumerated() {
            let field: FieldPath = path.index(index).child("name")
            if sysctl.name.isEmpty {
                errors.append(.required(field))
            } else if sysctl.name.utf8.count > 253 || !isSysctlName(sysctl.name) {
                let text: String = "must have at most 253 characters and match regex ^\(sysctlForm)$"
                errors.append(.invalid(field, sysctl.name, text))
            } else if !names.insert(sysctl.name).inserted {
                errors.append(.duplicate(field, sysctl.name))
            }
            let name: String = String(sysctl.name.map { $0 == "/" ? "." : $0 })
            if spec.hostNetwork, name.hasPrefix("net.") {
                errors.append(.invalid(field, sysctl.name, "may not be specified when 'hostNetwork' is true"))
            }
            let isIPC: Bool =
                name.hasPrefix("fs.mqueue.") || name.hasPrefix("kernel.shm") || name.hasPrefix("kernel.msg")
            if spec.hostIPC, isIPC || name == "kernel.sem" {
                errors.append(.invalid(field, sysctl.name, "may not be specified when 'hostIPC' is true"))
            }
        }
        return errors
    }

    private static func isSysctlName(_ name: String) -> Bool {
        let parts: [Substring] = name.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }
        return parts.allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last, isAlphanumeric(first), isAlphanumeric(last)
            else { return false }
            return part.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7A)
    }
}

extension String {
    /// Without white space at both ends.
    var trimmingSpaces: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}
