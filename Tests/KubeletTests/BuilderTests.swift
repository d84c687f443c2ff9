import API
import APIMachinery
import CRI
import Codec
import Kubelet
import Testing

struct BuilderTests {
    private func configuration() -> RuntimeConfiguration {
        var configuration = RuntimeConfiguration(
            nodeName: "a", nodeAddresses: ["192.0.2.1"], kubeletDirectory: "/data/kubelet")
        configuration.memoryBytes = 8 << 30
        return configuration
    }

    private func quantity(_ text: String) -> Quantity { (try? Quantity(text)) ?? Quantity() }

    private func variable(_ name: String, _ value: String) -> EnvVar {
        EnvVar.with { variable in
            variable.name = name
            variable.value = value
        }
    }

    private func field(_ name: String, _ path: String) -> EnvVar {
        EnvVar.with { variable in
            variable.name = name
            variable.valueFrom = EnvVarSource.with { source in
                source.fieldRef = ObjectFieldSelector.with { $0.fieldPath = path }
            }
        }
    }

    @Test(arguments: [
        ("$(A)", "1"), ("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("$A", "$A"), ("$", "$"), ("x$", "x$"),
        ("$(A", "$(A"), ("$$", "$"), ("$()", "$()"), ("$($(A))", "$($(A))"), ("$$$(A)", "$1"),
    ])
    func `variables are expanded as upstream does`(text: String, expected: String) {
        #expect(Expansion.expand(text) { $0 == "A" ? "1" : nil } == expected)
    }

    @Test func `an environment takes from all its sources, and later ones win`() throws {
        var pod: Pod = makePod("web")
        pod.metadata.labels = ["app": "web", "tier": "a\"b"]
        pod.spec.containers[0].resources.limits["cpu"] = quantity("1500m")
        pod.spec.containers[0].envFrom = [
            EnvFromSource.with { source in
                source.prefix = "P_"
                source.configMapRef = ConfigMapEnvSource.with { $0.name = "c" }
            },
            EnvFromSource.with { source in
                source.secretRef = SecretEnvSource.with { reference in
                    reference.name = "missing"
                    reference.optional = true
                }
            },
        ]
        pod.spec.containers[0].env = [
            variable("FIRST", "1"), variable("P_a", "over"), variable("URL", "http://$(DB_SERVICE_HOST)/$(FIRST)$(NO)"),
            field("LABEL", "metadata.labels['app']"), field("LABELS", "metadata.labels"), field("IP", "status.podIP"),
            field("HOST", "status.hostIP"),
            EnvVar.with { variable in
                variable.name = "CPU"
                variable.valueFrom = EnvVarSource.with { source in
                    source.resourceFieldRef = ResourceFieldSelector.with { $0.resource = "limits.cpu" }
                }
            },
        ]
        var objects = EnvironmentBuilder.Objects()
        objects.configMaps["c"] = ConfigMap.with { $0.data = ["a": "x", "b": "y", "no=good": "z"] }
        objects.services = [service("db", "10.96.0.5", 5432), service("headless", "None", 1)]
        let result: EnvironmentBuilder.Result = try EnvironmentBuilder(
            pod: pod, container: pod.spec.containers[0], addresses: ["10.0.0.9"], configuration: configuration(),
            objects: objects
        ).build()
        #expect(
            result.variables.map { "\($0.name)=\($0.value)" } == [
                "P_a=over", "P_b=y", "FIRST=1", "URL=http://10.96.0.5/1$(NO)", "LABEL=web",
                "LABELS=app=\"web\"\ntier=\"a\\\"b\"", "IP=10.0.0.9", "HOST=192.0.2.1", "CPU=2",
                "DB_PORT=tcp://10.96.0.5:5432", "DB_PORT_5432_TCP=tcp://10.96.0.5:5432",
                "DB_PORT_5432_TCP_ADDR=10.96.0.5", "DB_PORT_5432_TCP_PORT=5432", "DB_PORT_5432_TCP_PROTO=tcp",
                "DB_SERVICE_HOST=10.96.0.5", "DB_SERVICE_PORT=5432", "DB_SERVICE_PORT_MAIN=5432",
            ])
        #expect(
            result.warnings == [
                "Keys [P_no=good] from the EnvFrom configMap default/c were skipped since they are considered invalid "
                    + "environment variable names."
            ])
        objects.configMaps = [:]
        #expect(throws: EnvironmentBuilder.Failure("configmap \"c\" not found")) {
            try EnvironmentBuilder(
                pod: pod, container: pod.spec.containers[0], addresses: [], configuration: configuration(),
                objects: objects
            ).build()
        }
    }

    private func service(_ name: String, _ address: String, _ port: Int) -> Service {
        Service.with { service in
            service.metadata.name = name
            service.spec.clusterIP = address
            service.spec.ports = [
                ServicePort.with { entry in
                    entry.name = "main"
                    entry.protocol = "TCP"
                    entry.port = port
                }
            ]
        }
    }

    @Test func `a hosts file has upstream's header, the pod's names and its aliases`() {
        let alias = HostAlias.with { alias in
            alias.ip = "1.2.3.4"
            alias.hostnames = ["x", "y"]
        }
        let text: String = HostsFile.text(
            addresses: ["10.0.0.1", "fd00::1"], host: ("web-0", "sub.default.svc.cluster.local"), aliases: [alias])
        #expect(
            text == """
                # Kubernetes-managed hosts file.
                127.0.0.1\tlocalhost
                ::1\tlocalhost ip6-localhost ip6-loopback
                fe00::0\tip6-localnet
                fe00::0\tip6-mcastprefix
                fe00::1\tip6-allnodes
                fe00::2\tip6-allrouters
                10.0.0.1\tweb-0.sub.default.svc.cluster.local\tweb-0
                fd00::1\tweb-0.sub.default.svc.cluster.local\tweb-0

                # Entries added by HostAliases.
                1.2.3.4\tx\ty

                """)
    }

    @Test func `DNS follows the pod's policy and configuration`() {
        let host = Resolver(parsing: "# c\nnameserver 9.9.9.9\nsearch example.com.\noptions edns0\n")
        #expect(host.searches == ["example.com"])
        var pod: Pod = makePod("web") { $0.spec.dnsPolicy = "ClusterFirst" }
        func resolve() -> Resolver {
            Resolver.of(pod, host: host, clusterDNS: ["10.96.0.10"], clusterDomain: "cluster.local").resolver
        }
        #expect(resolve().servers == ["10.96.0.10"])
        #expect(
            resolve().searches == [
                "default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com",
            ])
        #expect(resolve().options == ["ndots:5"])
        pod.spec.hostNetwork = true
        #expect(resolve() == host)
        pod.spec.hostNetwork = false
        pod.spec.dnsPolicy = "None"
        pod.spec.dnsConfig = PodDNSConfig.with { config in
            config.nameservers = ["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"]
            config.options = [
                PodDNSConfigOption.with { option in
                    option.name = "ndots"
                    option.value = "2"
                }
            ]
        }
        #expect(resolve().servers == ["1.1.1.1", "2.2.2.2", "3.3.3.3"])
        #expect(resolve().options == ["ndots:2"])
        pod.spec.dnsConfig = nil
        pod.spec.hostNetwork = true
        pod.spec.dnsPolicy = "ClusterFirstWithHostNet"
        #expect(resolve().servers == ["10.96.0.10"])
        let (fallback, problem) = Resolver.of(pod, host: host, clusterDNS: [], clusterDomain: "cluster.local")
        #expect(fallback == host && problem?.reason == "MissingClusterDNS")
        #expect(problem?.message.hasSuffix("\"ClusterFirst\" policy. Falling back to \"Default\" policy.") == true)
    }

    @Test func `pods do not get the address of a server that only the node reaches`() {
        func file(_ standard: String?, _ behind: String?) -> String {
            Resolver.file(standard: "a", behindResolved: "b") { $0 == "a" ? standard : behind }
        }
        #expect(file("nameserver 127.0.0.53", "nameserver 9.9.9.9") == "b")
        #expect(file("nameserver 127.0.0.53", nil) == "a")
        #expect(file("nameserver 127.0.0.53", "# none") == "a")
        #expect(file("nameserver 127.0.0.1\nnameserver 9.9.9.9", "nameserver 1.1.1.1") == "a")
        #expect(file(nil, "nameserver 1.1.1.1") == "a")
    }

    @Test(arguments: [
        ("", "", 1000, 2, 0), ("100m", "1Gi", 875, 102, 0), ("2", "1", 999, 2048, 0),
    ])
    func `requests become shares and an OOM score`(
        cpu: String, memory: String, score: Int, shares: Int, quota: Int
    ) {
        var pod: Pod = makePod("web")
        if !cpu.isEmpty {
            pod.spec.containers[0].resources.requests["cpu"] = quantity(cpu)
            pod.spec.containers[0].resources.requests["memory"] = quantity(memory)
        }
        let resources = ResourceTranslation.container(pod.spec.containers[0], of: pod, configuration: configuration())
        #expect(resources.oomScoreAdj == score)
        #expect(resources.cpuShares == shares)
        #expect(resources.cpuQuota == quota)
    }

    @Test func `a guaranteed pod is spared, unless this process may not`() {
        var pod: Pod = makePod("web")
        pod.spec.containers[0].resources.limits = ["cpu": quantity("500m"), "memory": quantity("64Mi")]
        var configuration: RuntimeConfiguration = configuration()
        let container: APICore.Container = pod.spec.containers[0]
        let resources = ResourceTranslation.container(container, of: pod, configuration: configuration)
        #expect(resources.oomScoreAdj == -997)
        #expect(resources.cpuQuota == 50_000)
        #expect(resources.memoryLimitInBytes == 64 << 20)
        #expect(
            ResourceTranslation.pod(pod)
                == PodCgroupLimits(cpuShares: 512, cpuQuotaMicroseconds: 50_000, memoryBytes: 64 << 20))
        configuration.lowestOOMScore = 0
        #expect(ResourceTranslation.container(container, of: pod, configuration: configuration).oomScoreAdj == 0)
    }

    @Test func `what is said of a pod as a whole limits its cgroup, whatever its containers say`() {
        var pod: Pod = makePod("web", "side")
        pod.spec.containers[0].resources.limits = ["memory": quantity("16Mi")]
        var whole = ResourceRequirements()
        whole.limits = ["cpu": quantity("1"), "memory": quantity("64Mi")]
        whole.requests = ["cpu": quantity("250m")]
        pod.spec.resources = whole
        #expect(
            ResourceTranslation.pod(pod)
                == PodCgroupLimits(cpuShares: 256, cpuQuotaMicroseconds: 100_000, memoryBytes: 64 << 20))
    }

    @Test func `a container's security context wins over its pod's`() {
        var pod: Pod = makePod("web")
        pod.spec.securityContext = PodSecurityContext.with { context in
            context.runAsUser = 1000
            context.fsGroup = 2000
            context.supplementalGroups = [3000]
            context.seccompProfile = SeccompProfile.with { $0.type = "RuntimeDefault" }
        }
        pod.spec.containers[0].securityContext = SecurityContext.with { context in
            context.runAsUser = 1001
            context.allowPrivilegeEscalation = false
            context.readOnlyRootFilesystem = true
            context.capabilities = Capabilities.with { capabilities in
                capabilities.add = ["NET_ADMIN"]
                capabilities.drop = ["ALL"]
            }
        }
        let result = SecurityTranslation.container(
            pod.spec.containers[0], of: pod, image: .init(uid: 5, name: ""), target: nil, configuration: configuration()
        )
        #expect(result.runAsUser?.value == 1001)
        #expect(result.noNewPrivs)
        #expect(result.readonlyRootfs)
        #expect(result.supplementalGroups == [3000, 2000])
        #expect(result.seccomp?.profileType == .runtimeDefault)
        #expect(result.capabilities?.dropCapabilities == ["ALL"])
        #expect(result.maskedPaths.contains("/proc/kcore"))
        pod.spec.containers[0].securityContext?.procMount = "Unmasked"
        pod.spec.securityContext = nil
        pod.spec.containers[0].securityContext?.runAsUser = nil
        let second = SecurityTranslation.container(
            pod.spec.containers[0], of: pod, image: .init(uid: nil, name: "app"), target: "c1",
            configuration: configuration())
        #expect(second.maskedPaths.isEmpty)
        #expect(second.runAsUser == nil)
        #expect(second.runAsUsername == "app")
        #expect(second.seccomp?.profileType == .unconfined)
        #expect(second.namespaceOptions?.pid == .target)
    }

    @Test(
        arguments: [
            (nil, 1, "", nil), (nil, 0, "", "image will run as root"), (0, nil, "", "runAsUser breaks non-root policy"),
            (nil, nil, "app", "non-numeric user (app)"), (7, 0, "", nil),
        ] as [(Int?, Int?, String, String?)])
    func `who must not be root is not`(user: Int?, uid: Int?, name: String, problem: String?) {
        var pod: Pod = makePod("web")
        pod.spec.securityContext = PodSecurityContext.with { context in
            context.runAsNonRoot = true
            context.runAsUser = user
        }
        let found: String? = SecurityTranslation.rootProblem(
            pod.spec.containers[0], of: pod, image: .init(uid: uid, name: name))
        #expect((found == nil) == (problem == nil))
        if let problem { #expect(found?.contains(problem) == true) }
    }

    @Test func `a sandbox is told names, ports, namespaces and limits`() {
        var pod: Pod = makePod("web")
        pod.spec.hostname = "front"
        pod.spec.subdomain = "site"
        pod.spec.shareProcessNamespace = true
        pod.spec.containers[0].ports = [
            ContainerPort.with { port in
                port.containerPort = 80
                port.hostPort = 8080
                port.protocol = "UDP"
            },
            ContainerPort.with { $0.containerPort = 81 },
        ]
        pod.spec.securityContext = PodSecurityContext.with { context in
            context.sysctls = [
                Sysctl.with { sysctl in
                    sysctl.name = "net.core.somaxconn"
                    sysctl.value = "9"
                }
            ]
        }
        let config = SandboxConfigBuilder.build(
            pod, attempt: 2, resolver: Resolver(), cgroupParent: "/k/pod", configuration: configuration())
        #expect(config.hostname == "front")
        #expect(config.metadata?.attempt == 2)
        #expect(config.portMappings.map(\.hostPort) == [8080])
        #expect(config.portMappings.map(\.protocol) == [.udp])
        #expect(config.linux?.sysctls == ["net.core.somaxconn": "9"])
        #expect(config.linux?.securityContext?.namespaceOptions?.pid == .pod)
        #expect(config.logDirectory == "/var/log/pods/default_web-0_u1")
        pod.spec.hostNetwork = true
        let host = SandboxConfigBuilder.build(
            pod, attempt: 0, resolver: Resolver(), cgroupParent: "", configuration: configuration())
        #expect(host.hostname == "")
        #expect(host.portMappings.isEmpty)
        #expect(host.linux?.securityContext?.namespaceOptions?.network == .node)
    }

    @Test(arguments: [
        ("busybox", "docker.io busybox  "), ("a.b/c/d:v1", "a.b c/d v1 "), ("localhost/x", "localhost x  "),
        ("h:5000/x:y", "h:5000 x y "), ("a/b", "docker.io a/b  "),
        ("x@sha256:" + String(repeating: "a", count: 64), "docker.io x  sha256:" + String(repeating: "a", count: 64)),
    ])
    func `image names have parts`(text: String, parts: String) throws {
        let name = try ImageName(parsing: text)
        #expect("\(name.registry) \(name.path) \(name.tag) \(name.digest)" == parts)
    }

    @Test(arguments: ["", "UPPER", "a:", "a:-x", "/a", "a//b", "a@sha256:zz", "a b", "-a"])
    func `what is no image name is refused`(text: String) {
        #expect(throws: ImageName.Failure.self) { try ImageName(parsing: text) }
    }
}
