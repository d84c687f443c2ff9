import APICore
import APIMachinery
import APIScheduling
import APIServer
import Codec
import Synchronization
import Testing

@Suite struct ServiceAccountTests {
    private func plugin(pause: @escaping @Sendable (Duration) async -> Void = { _ in }) -> ServiceAccountPlugin {
        ServiceAccountPlugin(link: ServerLink(), makeName: { $0 + "abcde" }, pause: pause)
    }

    private static func account(_ name: String = "default", _ fill: (inout ServiceAccount) -> Void = { _ in })
        -> ServiceAccount
    {
        ServiceAccount.with { account in
            account.metadata.name = name
            account.metadata.namespace = "default"
            fill(&account)
        }
    }

    @Test func `a pod gets the default account, its token and its pull secrets`() async throws {
        let account = Self.account { $0.imagePullSecrets = [LocalObjectReference.with { $0.name = "registry" }] }
        let given = makePod { $0.spec.initContainers = [Container.with { $0.name = "first" }] }
        let pod = try await admit(plugin(), given, info: Resources.pods, caches: FakeCaches([account]))
        #expect(pod.spec.serviceAccountName == "default")
        #expect(pod.spec.serviceAccount == "default")
        #expect(pod.spec.imagePullSecrets.map { $0.name } == ["registry"])
        let mounts: [VolumeMount] = (pod.spec.initContainers + pod.spec.containers).flatMap { $0.volumeMounts }
        #expect(mounts.count == 2)
        #expect(mounts.allSatisfy { $0.mountPath == "/var/run/secrets/kubernetes.io/serviceaccount" && $0.readOnly })
        let volume = try #require(pod.spec.volumes.first)
        #expect(volume.name == "kube-api-access-abcde")
        let projected = try #require(volume.projected)
        #expect(projected.defaultMode == 420)
        #expect(projected.sources.first?.serviceAccountToken?.expirationSeconds == 3607)
        #expect(projected.sources.first?.serviceAccountToken?.path == "token")
        #expect(projected.sources[1].configMap?.name == "kube-root-ca.crt")
        #expect(projected.sources[2].downwardAPI?.items.first?.fieldRef?.fieldPath == "metadata.namespace")
    }

    @Test func `who does not want the token gets none`() async throws {
        let caches = FakeCaches([Self.account()])
        let refusing = makePod { $0.spec.automountServiceAccountToken = false }
        #expect(try await admit(plugin(), refusing, info: Resources.pods, caches: caches).spec.volumes.isEmpty)
        let own = makePod { pod in
            pod.spec.containers[0].volumeMounts = [
                VolumeMount.with {
                    $0.name = "mine"
                    $0.mountPath = ServiceAccountPlugin.tokenMountPath
                }
            ]
        }
        #expect(try await admit(plugin(), own, info: Resources.pods, caches: caches).spec.volumes.isEmpty)
        let closed = FakeCaches([Self.account { $0.automountServiceAccountToken = false }])
        #expect(try await admit(plugin(), makePod(), info: Resources.pods, caches: closed).spec.volumes.isEmpty)
        let insisting = makePod { $0.spec.automountServiceAccountToken = true }
        #expect(try await admit(plugin(), insisting, info: Resources.pods, caches: closed).spec.volumes.count == 1)
    }

    @Test func `the default account is waited for, but not for ever`() async throws {
        let caches = FakeCaches()
        let pauses = Mutex<Int>(0)
        let late = plugin { _ in
            let count: Int = pauses.withLock {
                $0 += 1
                return $0
            }
            if count == 3 { caches.add(Self.account()) }
        }
        let pod = try await admit(late, makePod(), info: Resources.pods, caches: caches)
        #expect(pod.spec.serviceAccountName == "default")
        let total = Mutex<Duration>(.zero)
        let never = plugin { duration in total.withLock { $0 += duration } }
        let error = await refusal { () async throws(StatusError) in
            _ = try await admit(never, makePod("x"), info: Resources.pods)
        }
        #expect(error?.code == 403)
        #expect(
            error?.message == "pods \"x\" is forbidden: error looking up service account default/default: "
                + "serviceaccount \"default\" not found")
        #expect(total.withLock { $0 } < .seconds(1))
    }

    @Test func `an account that somebody names must be there`() async {
        let error = await refusal { () async throws(StatusError) in
            let pod = makePod("x") { $0.spec.serviceAccountName = "robot" }
            _ = try await admit(plugin { _ in Issue.record("nothing to wait for") }, pod, info: Resources.pods)
        }
        #expect(
            error?.message == "pods \"x\" is forbidden: error looking up service account default/robot: "
                + "serviceaccount \"robot\" not found")
    }

    @Test func `mirror pods stay as they are and name nothing`() async throws {
        let mirror = makePod { $0.metadata.annotations = ["kubernetes.io/config.mirror": "x"] }
        let pod = try await admit(plugin(), mirror, info: Resources.pods)
        #expect(pod == mirror)
        var greedy: Pod = mirror
        greedy.spec.serviceAccountName = "default"
        let given: Pod = greedy
        let error = await refusal { () async throws(StatusError) in
            _ = try await admit(plugin(), given, info: Resources.pods)
        }
        #expect(error?.message.hasSuffix("a mirror pod may not reference service accounts") == true)
    }

    @Test func `an account may restrict which secrets its pods mount`() async {
        let account = Self.account { account in
            account.metadata.annotations = ["kubernetes.io/enforce-mountable-secrets": "true"]
            account.secrets = [ObjectReference.with { $0.name = "known" }]
        }
        func check(_ secret: String) async -> StatusError? {
            await refusal { () async throws(StatusError) in
                let pod = makePod { pod in
                    let volume = Volume.with { volume in
                        volume.name = "v"
                        volume.secret = .with { $0.secretName = secret }
                    }
                    pod.spec.volumes = [volume]
                }
                _ = try await admit(plugin(), pod, info: Resources.pods, caches: FakeCaches([account]))
            }
        }
        #expect(await check("known") == nil)
        #expect(
            await check("other")?.message.hasSuffix(
                "volume with secret.secretName=\"other\" is not allowed because service account default does not "
                    + "reference that secret") == true)
    }
}

@Suite struct PriorityTests {
    private static let info = ResourceInfo(PriorityClass.gvk, resource: "priorityclasses", namespaced: false)

    private static func priorityClass(_ name: String, _ value: Int, isDefault: Bool = false, policy: String? = nil)
        -> PriorityClass
    {
        PriorityClass.with {
            $0.metadata.name = name
            $0.value = value
            $0.globalDefault = isDefault
            $0.preemptionPolicy = policy
        }
    }

    @Test func `a class gives its value and policy`() async throws {
        let caches = FakeCaches([Self.priorityClass("high", 1000, policy: "Never")])
        let given = makePod { $0.spec.priorityClassName = "high" }
        let pod = try await admit(PriorityPlugin(), given, info: Resources.pods, caches: caches)
        #expect(pod.spec.priority == 1000)
        #expect(pod.spec.preemptionPolicy == "Never")
    }

    @Test func `without a class, the default one counts, else zero`() async throws {
        let plain = try await admit(PriorityPlugin(), makePod(), info: Resources.pods)
        #expect(plain.spec.priority == 0)
        #expect(plain.spec.priorityClassName.isEmpty)
        #expect(plain.spec.preemptionPolicy == "PreemptLowerPriority")
        let caches = FakeCaches([
            Self.priorityClass("b", 20, isDefault: true), Self.priorityClass("a", 10, isDefault: true),
        ])
        let pod = try await admit(PriorityPlugin(), makePod(), info: Resources.pods, caches: caches)
        #expect(pod.spec.priority == 10)
        #expect(pod.spec.priorityClassName == "a")
    }

    @Test func `the system's classes are always known`() async throws {
        let given = makePod { $0.spec.priorityClassName = "system-node-critical" }
        #expect(try await admit(PriorityPlugin(), given, info: Resources.pods).spec.priority == 2_000_001_000)
    }

    @Test func `unknown classes and contradictions are refused`() async {
        let caches = FakeCaches([Self.priorityClass("high", 1000, policy: "Never")])
        func check(_ fill: (inout PodSpec) -> Void) async -> String? {
            await refusal { () async throws(StatusError) in
                let pod = makePod { fill(&$0.spec) }
                _ = try await admit(PriorityPlugin(), pod, info: Resources.pods, caches: caches)
            }?.message
        }
        #expect(
            await check { $0.priorityClassName = "none" }
                == "pods \"p\" is forbidden: no PriorityClass with name none was found")
        #expect(
            await check {
                $0.priorityClassName = "high"
                $0.priority = 5
            }
                == "pods \"p\" is forbidden: the integer value of priority (5) must not be provided in pod spec; "
                + "priority admission controller computed 1000 from the given PriorityClass name")
        #expect(
            await check {
                $0.priorityClassName = "high"
                $0.preemptionPolicy = "PreemptLowerPriority"
            } == "pods \"p\" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must not be "
                + "provided in pod spec; priority admission controller computed Never from the given PriorityClass name"
        )
    }

    @Test func `an update keeps the priority`() async throws {
        let old = makePod {
            $0.spec.priority = 7
            $0.spec.preemptionPolicy = "Never"
        }
        let pod = try await admit(PriorityPlugin(), makePod(), old: old, info: Resources.pods)
        #expect(pod.spec.priority == 7)
        #expect(pod.spec.preemptionPolicy == "Never")
    }

    @Test func `only one class is the default`() async throws {
        let caches = FakeCaches([Self.priorityClass("a", 1, isDefault: true)])
        let error = await refusal { () async throws(StatusError) in
            let second = Self.priorityClass("b", 2, isDefault: true)
            _ = try await admit(PriorityPlugin(), second, info: Self.info, caches: caches)
        }
        #expect(
            error?.message == "priorityclasses.scheduling.k8s.io \"b\" is forbidden: PriorityClass a is already marked "
                + "as default. Only one default can exist")
        let same = Self.priorityClass("a", 1, isDefault: true)
        _ = try await admit(PriorityPlugin(), same, old: same, info: Self.info, caches: caches)
    }
}

@Suite struct TolerationTests {
    @Test func `pods tolerate lost nodes for five minutes`() async throws {
        let pod = try await admit(DefaultTolerationSeconds(), makePod(), info: Resources.pods)
        #expect(pod.spec.tolerations.map { $0.key } == DefaultTolerationSeconds.taints)
        #expect(pod.spec.tolerations.allSatisfy { $0.tolerationSeconds == 300 && $0.effect == "NoExecute" })
        let again = try await admit(DefaultTolerationSeconds(), pod, old: pod, info: Resources.pods)
        #expect(again == pod)
    }

    @Test func `who tolerates already gets no more`() async throws {
        let everything = makePod { $0.spec.tolerations = [Toleration.with { $0.operator = "Exists" }] }
        let pod = try await admit(DefaultTolerationSeconds(), everything, info: Resources.pods)
        #expect(pod.spec.tolerations.count == 1)
        let other = makePod { pod in
            let toleration = Toleration.with {
                $0.key = "node.kubernetes.io/not-ready"
                $0.operator = "Exists"
                $0.effect = "NoSchedule"
            }
            pod.spec.tolerations = [toleration]
        }
        let three = try await admit(DefaultTolerationSeconds(), other, info: Resources.pods)
        #expect(three.spec.tolerations.count == 3)
    }

    @Test func `new nodes are tainted once, and only when they are new`() async throws {
        let node = Node.with { $0.metadata.name = "n" }
        let tainted = try await admit(TaintNodesByCondition(), node, info: Resources.nodes)
        #expect(tainted.spec.taints.map { $0.key } == ["node.kubernetes.io/not-ready"])
        #expect(tainted.spec.taints.first?.effect == "NoSchedule")
        #expect(try await admit(TaintNodesByCondition(), tainted, info: Resources.nodes) == tainted)
        #expect(try await admit(TaintNodesByCondition(), node, old: node, info: Resources.nodes) == node)
    }
}
