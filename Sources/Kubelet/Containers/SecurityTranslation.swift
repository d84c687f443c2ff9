package import API
package import CRI

/// Security contexts of pod and container in CRI's terms.
package enum SecurityTranslation {
    private static let maskedPaths: [String] = [
        "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ]
    private static let readonlyPaths: [String] = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]

    /// The user that an image names; both nil is root.
    package struct ImageUser: Sendable, Equatable {
        package var uid: Int?
        package var name: String

        package init(uid: Int?, name: String) {
            self.uid = uid
            self.name = name
        }
    }

    package static func sandbox(_ pod: Pod, configuration: RuntimeConfiguration) -> LinuxSandboxSecurityContext {
        var result = LinuxSandboxSecurityContext()
        result.namespaceOptions = namespaces(pod)
        result.privileged = (pod.spec.initContainers + pod.spec.containers)
            .contains { $0.securityContext?.privileged == true }
        // Nothing of the user's runs in the sandbox itself.
        result.seccomp = SecurityProfile.with(.runtimeDefault)
        guard let context = pod.spec.securityContext else { return result }
        result.runAsUser = context.runAsUser.map(Int64Value.of)
        result.runAsGroup = context.runAsGroup.map(Int64Value.of)
        result.supplementalGroups = groups(context)
        result.supplementalGroupsPolicy = context.supplementalGroupsPolicy == "Strict" ? .strict : .merge
        result.selinuxOptions = context.seLinuxOptions.map(selinux)
        return result
    }

    private static func groups(_ context: PodSecurityContext) -> [Int] {
        context.supplementalGroups + (context.fsGroup.map { [$0] } ?? [])
    }

    static func namespaces(_ pod: Pod) -> NamespaceOption {
        var options = NamespaceOption()
        options.network = pod.spec.hostNetwork ? .node : .pod
        options.ipc = pod.spec.hostIPC ? .node : .pod
        options.pid = pod.spec.hostPID ? .node : pod.spec.shareProcessNamespace == true ? .pod : .container
        return options
    }

    /// - Parameter target: the container whose processes an ephemeral container sees.
    package static func container(
        _ container: APICore.Container, of pod: Pod, image: ImageUser, target: String?,
        configuration: RuntimeConfiguration
    ) -> LinuxContainerSecurityContext {
        let podContext: PodSecurityContext? = pod.spec.securityContext
        let own: SecurityContext? = container.securityContext
        var result = LinuxContainerSecurityContext()
        result.namespaceOptions = namespaces(pod)
        if let target {
            result.namespaceOptions?.pid = .target
            result.namespaceOptions?.targetId = target
        }
        result.privileged = own?.privileged ?? false
        result.readonlyRootfs = own?.readOnlyRootFilesystem ?? false
        result.noNewPrivs = own?.allowPrivilegeEscalation == false
        if let user = own?.runAsUser ?? podContext?.runAsUser {
            result.runAsUser = Int64Value.of(user)
        } else if let uid = image.uid {
            result.runAsUser = Int64Value.of(uid)
        } else if image.name.isEmpty {
            result.runAsUser = Int64Value.of(0)
        } else {
            result.runAsUsername = image.name
        }
        result.runAsGroup = (own?.runAsGroup ?? podContext?.runAsGroup).map(Int64Value.of)
        if let podContext {
            result.supplementalGroups = groups(podContext)
            result.supplementalGroupsPolicy = podContext.supplementalGroupsPolicy == "Strict" ? .strict : .merge
        }
        if let capabilities = own?.capabilities {
            var capability = Capability()
            capability.addCapabilities = capabilities.add
            capability.dropCapabilities = capabilities.drop
            result.capabilities = capability
        }
        if own?.procMount != "Unmasked" {
            result.maskedPaths = maskedPaths
            result.readonlyPaths = readonlyPaths
        }
        result.selinuxOptions = (own?.seLinuxOptions ?? podContext?.seLinuxOptions).map(selinux)
        result.seccomp = seccomp(own?.seccompProfile ?? podContext?.seccompProfile, configuration)
        result.apparmor = (own?.appArmorProfile ?? podContext?.appArmorProfile).map(appArmor)
        return result
    }

    private static func seccomp(_ profile: SeccompProfile?, _ configuration: RuntimeConfiguration) -> SecurityProfile {
        guard let profile else { return .with(configuration.isSeccompDefault ? .runtimeDefault : .unconfined) }
        switch profile.type {
        case "RuntimeDefault": return .with(.runtimeDefault)
        case "Localhost":
            return .with(.localhost, "\(configuration.seccompDirectory)/\(profile.localhostProfile ?? "")")
        default: return .with(.unconfined)
        }
    }

    private static func appArmor(_ profile: AppArmorProfile) -> SecurityProfile {
        switch profile.type {
        case "RuntimeDefault": .with(.runtimeDefault)
        case "Localhost": .with(.localhost, profile.localhostProfile ?? "")
        default: .with(.unconfined)
        }
    }

    private static func selinux(_ options: SELinuxOptions) -> SELinuxOption {
        var result = SELinuxOption()
        result.user = options.user
        result.role = options.role
        result.type = options.type
        result.level = options.level
        return result
    }

    /// What is wrong with running this image when the pod must not run as root; nil if nothing is.
    package static func rootProblem(_ container: APICore.Container, of pod: Pod, image: ImageUser) -> String? {
        let podContext: PodSecurityContext? = pod.spec.securityContext
        guard container.securityContext?.runAsNonRoot ?? podContext?.runAsNonRoot ?? false else { return nil }
        let place: String = "(pod: \"\(PodNames.text(PodIdentity(pod)))\", container: \(container.name))"
        if let user = container.securityContext?.runAsUser ?? podContext?.runAsUser {
            return user == 0 ? "container's runAsUser breaks non-root policy \(place)" : nil
        }
        if let uid = image.uid {
            return uid == 0 ? "container has runAsNonRoot and image will run as root \(place)" : nil
        }
        if image.name.isEmpty { return "container has runAsNonRoot and image will run as root \(place)" }
        return
            "container has runAsNonRoot and image has non-numeric user (\(image.name)), "
            + "cannot verify user is non-root \(place)"
    }
}

extension SecurityProfile {
    static func with(_ type: SecurityProfileType, _ reference: String = "") -> SecurityProfile {
        var profile = SecurityProfile()
        profile.profileType = type
        profile.localhostRef = reference
        return profile
    }
}

extension Int64Value {
    static func of(_ value: Int) -> Int64Value {
        var result = Int64Value()
        result.value = value
        return result
    }
}
