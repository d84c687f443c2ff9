import APICore
import APIMachinery
import APIServer
import Codec
import Testing

/// A pod that every standard lets in.
private func goodPod(_ fill: (inout Pod) -> Void = { _ in }) -> Pod {
    makePod("x") { pod in
        pod.spec.securityContext = PodSecurityContext.with {
            $0.runAsNonRoot = true
            $0.seccompProfile = SeccompProfile.with { $0.type = "RuntimeDefault" }
        }
        pod.spec.containers = [goodContainer("c")]
        fill(&pod)
    }
}

private func goodContainer(_ name: String, _ fill: (inout SecurityContext) -> Void = { _ in }) -> Container {
    Container.with {
        $0.name = name
        $0.securityContext = SecurityContext.with { security in
            security.allowPrivilegeEscalation = false
            security.capabilities = Capabilities.with { $0.drop = ["ALL"] }
            fill(&security)
        }
    }
}

/// One row: what is done to a good pod, what each level says to it, as of a release.
struct PodSecurityRow: Sendable, CustomTestStringConvertible {
    var name: String
    var change: @Sendable (inout Pod) -> Void
    /// Empty: fine.
    var baseline: String = ""
    /// Nil: the same as for the baseline.
    var restricted: String?
    var version: PodSecurityVersion = .latest

    var testDescription: String { name }
}

private func security(_ fill: @escaping @Sendable (inout SecurityContext) -> Void) -> @Sendable (inout Pod) -> Void {
    { $0.spec.containers = [goodContainer("a", fill), goodContainer("b", fill), goodContainer("c")] }
}

private func podSecurity(_ fill: @escaping @Sendable (inout PodSecurityContext) -> Void)
    -> @Sendable (inout Pod) -> Void
{
    { pod in
        var context: PodSecurityContext = pod.spec.securityContext ?? PodSecurityContext()
        fill(&context)
        pod.spec.securityContext = context
    }
}

private func volume(_ name: String, _ fill: (inout Volume) -> Void) -> Volume {
    Volume.with {
        $0.name = name
        fill(&$0)
    }
}

private let appArmorKey: String = "container.apparmor.security.beta.kubernetes.io/c"

private let baselineRows: [PodSecurityRow] = [
    .init(name: "a good pod", change: { _ in }),
    .init(
        name: "AppArmor of the pod",
        change: podSecurity { $0.appArmorProfile = AppArmorProfile.with { $0.type = "Unconfined" } },
        baseline: "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")"),
    .init(
        name: "AppArmor of containers",
        change: security { $0.appArmorProfile = AppArmorProfile.with { $0.type = "Unconfined" } },
        baseline: "forbidden AppArmor profile (containers \"a\", \"b\" must not set AppArmor profile type to "
            + "\"Unconfined\")"),
    .init(
        name: "AppArmor by annotation", change: { $0.metadata.annotations = [appArmorKey: "unconfined"] },
        baseline: "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
            + "\"\(appArmorKey)=\"unconfined\"\")"),
    .init(
        name: "an AppArmor profile of the node's", change: { $0.metadata.annotations = [appArmorKey: "localhost/x"] }),
    .init(
        name: "capabilities", change: security { $0.capabilities?.add = ["SYS_ADMIN", "KILL", "BPF"] },
        baseline: "non-default capabilities (containers \"a\", \"b\" must not include \"BPF\", \"SYS_ADMIN\" in "
            + "securityContext.capabilities.add)",
        restricted: "unrestricted capabilities (containers \"a\", \"b\" must not include \"BPF\", \"KILL\", "
            + "\"SYS_ADMIN\" in securityContext.capabilities.add)"),
    .init(
        name: "capabilities before 1.22", change: security { $0.capabilities?.add = ["SYS_ADMIN"] },
        baseline: "non-default capabilities (containers \"a\", \"b\" must not include \"SYS_ADMIN\" in "
            + "securityContext.capabilities.add)", version: .minor(21)),
    .init(
        name: "host namespaces",
        change: {
            $0.spec.hostIPC = true
            $0.spec.hostNetwork = true
            $0.spec.hostPID = true
        }, baseline: "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)"),
    .init(
        name: "hostPath volumes",
        change: {
            $0.spec.volumes = ["v", "w"].map { volume($0) { $0.hostPath = HostPathVolumeSource() } }
        }, baseline: "hostPath volumes (volumes \"v\", \"w\")",
        restricted: "restricted volume types (volumes \"v\", \"w\" use restricted volume type \"hostPath\")"),
    .init(
        name: "host ports",
        change: { pod in
            pod.spec.containers[0].ports = [80, 0, 443].map { port in ContainerPort.with { $0.hostPort = port } }
        }, baseline: "hostPort (container \"c\" uses hostPorts 443, 80)"),
    .init(
        name: "hosts of probes",
        change: { pod in
            pod.spec.containers[0].livenessProbe = Probe.with {
                $0.httpGet = HTTPGetAction.with { $0.host = "10.0.0.1" }
            }
            pod.spec.containers[0].lifecycle = Lifecycle.with {
                $0.preStop = LifecycleHandler.with { $0.tcpSocket = TCPSocketAction.with { $0.host = "db" } }
            }
        }, baseline: "probe or lifecycle host (container \"c\" uses probe or lifecycle hosts \"10.0.0.1\", \"db\")"),
    .init(
        name: "hosts of probes before 1.34",
        change: { pod in
            pod.spec.containers[0].livenessProbe = Probe.with {
                $0.httpGet = HTTPGetAction.with { $0.host = "10.0.0.1" }
            }
        }, version: .minor(33)),
    .init(
        name: "privileged", change: security { $0.privileged = true },
        baseline: "privileged (containers \"a\", \"b\" must not set securityContext.privileged=true)"),
    .init(
        name: "procMount", change: security { $0.procMount = "Unmasked" },
        baseline: "procMount (containers \"a\", \"b\" must not set securityContext.procMount to \"Unmasked\")"),
    .init(
        name: "SELinux",
        change: podSecurity {
            $0.seLinuxOptions = SELinuxOptions.with {
                $0.type = "spc_t"
                $0.user = "u"
                $0.role = "r"
            }
        },
        baseline: "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"spc_t\"; user may not be "
            + "set; role may not be set)"),
    .init(
        name: "SELinux for engines",
        change: security { $0.seLinuxOptions = SELinuxOptions.with { $0.type = "container_engine_t" } }),
    .init(
        name: "SELinux for engines before 1.31",
        change: security { $0.seLinuxOptions = SELinuxOptions.with { $0.type = "container_engine_t" } },
        baseline: "seLinuxOptions (containers \"a\", \"b\" set forbidden securityContext.seLinuxOptions: type "
            + "\"container_engine_t\")", version: .minor(30)),
    .init(
        name: "seccomp", change: security { $0.seccompProfile = SeccompProfile.with { $0.type = "Unconfined" } },
        baseline: "seccompProfile (containers \"a\", \"b\" must not set securityContext.seccompProfile.type to "
            + "\"Unconfined\")"),
    .init(
        name: "seccomp by annotation, before 1.19",
        change: { $0.metadata.annotations = ["seccomp.security.alpha.kubernetes.io/pod": "unconfined"] },
        baseline: "seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")",
        version: .minor(18)),
    .init(
        name: "seccomp by annotation, now",
        change: { $0.metadata.annotations = ["seccomp.security.alpha.kubernetes.io/pod": "unconfined"] }),
    .init(
        name: "sysctls",
        change: podSecurity {
            $0.sysctls = ["kernel.msgmax", "net.ipv4.tcp_rmem", "vm.swappiness"].map { name in
                Sysctl.with { $0.name = name }
            }
        }, baseline: "forbidden sysctls (kernel.msgmax, vm.swappiness)"),
    .init(
        name: "sysctls before 1.32",
        change: podSecurity {
            $0.sysctls = ["net.ipv4.tcp_rmem", "net.ipv4.tcp_fin_timeout"].map { name in Sysctl.with { $0.name = name }
            }
        }, baseline: "forbidden sysctls (net.ipv4.tcp_rmem)", version: .minor(31)),
    .init(
        name: "host processes",
        change: {
            $0.spec.securityContext?.windowsOptions = WindowsSecurityContextOptions.with { $0.hostProcess = true }
            $0.spec.containers[0].securityContext?.windowsOptions = WindowsSecurityContextOptions.with {
                $0.hostProcess = true
            }
        },
        baseline: "hostProcess (pod and container \"c\" must not set securityContext.windowsOptions.hostProcess=true)"),
]

private let restrictedRows: [PodSecurityRow] = [
    .init(
        name: "privilege escalation", change: security { $0.allowPrivilegeEscalation = nil },
        restricted: "allowPrivilegeEscalation != false (containers \"a\", \"b\" must set "
            + "securityContext.allowPrivilegeEscalation=false)"),
    .init(
        name: "privilege escalation before 1.8", change: security { $0.allowPrivilegeEscalation = true },
        restricted: "",
        version: .minor(7)),
    .init(
        name: "capabilities kept and added",
        change: { pod in
            pod.spec.containers = [
                goodContainer("a") { $0.capabilities = nil },
                goodContainer("b") { $0.capabilities?.add = ["CHOWN", "NET_BIND_SERVICE"] },
            ]
        },
        restricted: "unrestricted capabilities (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]; "
            + "container \"b\" must not include \"CHOWN\" in securityContext.capabilities.add)"),
    .init(
        name: "volumes",
        change: {
            $0.spec.volumes = [
                volume("n") { $0.nfs = NFSVolumeSource() }, volume("i") { $0.iscsi = ISCSIVolumeSource() },
                volume("e") { $0.emptyDir = EmptyDirVolumeSource() },
            ]
        },
        restricted: "restricted volume types (volumes \"n\", \"i\" use restricted volume types \"iscsi\", \"nfs\")"),
    .init(
        name: "root, said by pod and container",
        change: {
            $0.spec.securityContext?.runAsNonRoot = false
            $0.spec.containers[0].securityContext?.runAsNonRoot = false
        },
        restricted: "runAsNonRoot != true (pod and container \"c\" must not set securityContext.runAsNonRoot=false)"),
    .init(
        name: "root, not said", change: { $0.spec.securityContext?.runAsNonRoot = nil },
        restricted: "runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true)"),
    .init(
        name: "root by number", change: podSecurity { $0.runAsUser = 0 },
        restricted: "runAsUser=0 (pod must not set runAsUser=0)"),
    .init(name: "root by number before 1.23", change: podSecurity { $0.runAsUser = 0 }, version: .minor(22)),
    .init(
        name: "no seccomp", change: { $0.spec.securityContext?.seccompProfile = nil },
        restricted: "seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to "
            + "\"RuntimeDefault\" or \"Localhost\")"),
    .init(
        name: "Windows",
        change: {
            $0.spec.os = PodOS.with { $0.name = "windows" }
            $0.spec.securityContext = PodSecurityContext.with { $0.runAsNonRoot = true }
            $0.spec.containers[0].securityContext = nil
        }),
    .init(
        name: "Windows before 1.25",
        change: {
            $0.spec.os = PodOS.with { $0.name = "windows" }
            $0.spec.containers[0].securityContext?.allowPrivilegeEscalation = nil
        },
        restricted: "allowPrivilegeEscalation != false (container \"c\" must set "
            + "securityContext.allowPrivilegeEscalation=false)", version: .minor(24)),
    .init(
        name: "many things at once, baseline first",
        change: { pod in
            pod.spec.hostNetwork = true
            pod.spec.securityContext = nil
            pod.spec.initContainers = [Container.with { $0.name = "i" }]
        }, baseline: "host namespaces (hostNetwork=true)",
        restricted: "host namespaces (hostNetwork=true), allowPrivilegeEscalation != false (container \"i\" must set "
            + "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"i\" must set "
            + "securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or containers \"i\", \"c\" must "
            + "set securityContext.runAsNonRoot=true), seccompProfile (pod or containers \"i\", \"c\" must set "
            + "securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"),
    .init(
        name: "an ephemeral container",
        change: { pod in
            pod.spec.ephemeralContainers = [
                EphemeralContainer.with {
                    $0.name = "e"
                    $0.securityContext = SecurityContext.with { $0.privileged = true }
                }
            ]
        }, baseline: "privileged (container \"e\" must not set securityContext.privileged=true)",
        restricted: "privileged (container \"e\" must not set securityContext.privileged=true), "
            + "allowPrivilegeEscalation != false (container \"e\" must set "
            + "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"e\" must set "
            + "securityContext.capabilities.drop=[\"ALL\"])"),
]

@Suite struct PodSecurityCheckTests {
    @Test(arguments: baselineRows + restrictedRows)
    func `each level says what it forbids`(_ row: PodSecurityRow) {
        let pod: Pod = goodPod(row.change)
        func found(_ level: PodSecurityLevel) -> String {
            PodSecurityEvaluator.evaluate(
                pod.metadata, pod.spec, against: PodSecurityStandard(level, row.version)
            ).details
        }
        #expect(found(.privileged).isEmpty)
        #expect(found(.baseline) == row.baseline)
        #expect(found(.restricted) == row.restricted ?? row.baseline)
    }

    @Test(
        arguments: [
            ("latest", 34), ("v1.0", 0), ("v1.29", 29), ("v1.99", 34), ("1.29", nil), ("v1.", nil), ("v1.01", nil),
            ("v2.1", nil), ("v1.-1", nil), ("Latest", nil), ("", nil),
        ] as [(String, Int?)])
    func `a version is latest or v1 and a number`(_ text: String, _ minor: Int?) {
        #expect(PodSecurityVersion(text)?.minor == minor)
        if let version = PodSecurityVersion(text) { #expect(version.description == text) }
    }

    @Test func `labels make a policy, and wrong ones are named`() {
        let prefix: String = "pod-security.kubernetes.io/"
        #expect(PodSecurityPolicy.parse([:]).policy == .privileged)
        let enforcing = PodSecurityPolicy.parse([prefix + "enforce": "baseline", prefix + "enforce-version": "v1.30"])
        #expect(enforcing.errors.isEmpty)
        #expect(enforcing.policy.enforce.description == "baseline:v1.30")
        #expect(enforcing.policy.warn.description == "baseline:v1.30")
        #expect(enforcing.policy.audit.description == "privileged:latest")
        let quiet = PodSecurityPolicy.parse([prefix + "enforce": "restricted", prefix + "warn": "privileged"])
        #expect(quiet.policy.warn.level == .privileged)
        let wrong = PodSecurityPolicy.parse([
            prefix + "enforce": "strict", prefix + "audit": "none", prefix + "warn-version": "1.2",
        ])
        #expect(wrong.policy.enforce.level == .restricted)
        #expect(wrong.policy.audit.level == .privileged)
        #expect(wrong.policy.warn == PodSecurityStandard(.privileged))
        #expect(
            wrong.errors.map { $0.description } == [
                "metadata.labels[\(prefix)enforce]: Invalid value: \"strict\": must be one of privileged, baseline, "
                    + "restricted",
                "metadata.labels[\(prefix)audit]: Invalid value: \"none\": must be one of privileged, baseline, "
                    + "restricted",
                "metadata.labels[\(prefix)warn-version]: Invalid value: \"1.2\": must be \"latest\" or \"v1.x\"",
            ])
    }
}
