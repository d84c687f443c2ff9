import APICore
import APIMachinery
import APINetworking
import APINode
import APIServer
import APIStorage
import Codec
import Testing

@Suite struct ClassPluginTests {
    private static func storageClass(_ name: String, isDefault: Bool, age: Int, grows: Bool = false) -> StorageClass {
        StorageClass.with {
            $0.metadata.name = name
            $0.metadata.creationTimestamp = Time(seconds: 1_700_000_000 - Int64(age))
            $0.allowVolumeExpansion = grows
            if isDefault { $0.metadata.annotations = ["storageclass.kubernetes.io/is-default-class": "true"] }
        }
    }

    private static func claim(_ className: String? = nil, size: String = "1Gi", phase: String = "")
        -> PersistentVolumeClaim
    {
        PersistentVolumeClaim.with {
            $0.metadata.name = "c"
            $0.metadata.namespace = "default"
            $0.spec.storageClassName = className
            $0.spec.resources.requests = quantities(["storage": size])
            $0.status.phase = phase
        }
    }

    @Test func `claims get the newest default storage class, unless they say otherwise`() async throws {
        let caches = FakeCaches([
            Self.storageClass("old", isDefault: true, age: 20), Self.storageClass("new", isDefault: true, age: 10),
            Self.storageClass("plain", isDefault: false, age: 1),
        ])
        let given = try await admit(DefaultStorageClass(), Self.claim(), info: Resources.claims, caches: caches)
        #expect(given.spec.storageClassName == "new")
        let none = try await admit(DefaultStorageClass(), Self.claim(""), info: Resources.claims, caches: caches)
        #expect(none.spec.storageClassName == "")
        let without = try await admit(DefaultStorageClass(), Self.claim(), info: Resources.claims)
        #expect(without.spec.storageClassName == nil)
    }

    @Test func `volumes and claims are protected once`() async throws {
        let plugin = StorageObjectInUseProtection()
        let claim = try await admit(plugin, Self.claim(), info: Resources.claims)
        #expect(claim.metadata.finalizers == ["kubernetes.io/pvc-protection"])
        #expect(try await admit(plugin, claim, info: Resources.claims) == claim)
        let volume = PersistentVolume.with { $0.metadata.name = "v" }
        let protected = try await admit(plugin, volume, info: Resources.volumes)
        #expect(protected.metadata.finalizers == ["kubernetes.io/pv-protection"])
    }

    @Test(arguments: [("grows", "Bound", true), ("fixed", "Bound", false), ("grows", "Pending", false)])
    func `bound claims grow where their class allows it`(className: String, phase: String, isAllowed: Bool) async {
        let caches = FakeCaches([
            Self.storageClass("grows", isDefault: false, age: 1, grows: true),
            Self.storageClass("fixed", isDefault: false, age: 1),
        ])
        let error = await refusal { () async throws(StatusError) in
            let old = Self.claim(className, phase: phase)
            _ = try await admit(
                PersistentVolumeClaimResize(), Self.claim(className, size: "2Gi", phase: phase), old: old,
                info: Resources.claims, caches: caches)
        }
        #expect((error == nil) == isAllowed)
        #expect(error.map { $0.code == 403 } ?? true)
    }

    @Test func `ingresses get the default class`() async throws {
        let info = ResourceInfo(Ingress.gvk, resource: "ingresses", namespaced: true)
        let caches = FakeCaches([
            IngressClass.with {
                $0.metadata.name = "web"
                $0.metadata.annotations = ["ingressclass.kubernetes.io/is-default-class": "true"]
            }
        ])
        let plain = Ingress.with { $0.metadata.name = "i" }
        let given = try await admit(DefaultIngressClass(), plain, info: info, caches: caches)
        #expect(given.spec.ingressClassName == "web")
        let old = Ingress.with { $0.metadata.annotations = ["kubernetes.io/ingress.class": "other"] }
        #expect(try await admit(DefaultIngressClass(), old, info: info, caches: caches) == old)
    }

    private static let runtime = RuntimeClass.with { object in
        object.metadata.name = "vm"
        object.overhead = .with { $0.podFixed = quantities(["memory": "64Mi"]) }
        object.scheduling = .with {
            $0.nodeSelector = ["vm": "yes"]
            $0.tolerations = [
                Toleration.with {
                    $0.key = "vm"
                    $0.operator = "Exists"
                }
            ]
        }
    }

    @Test func `a runtime class brings its overhead and its scheduling`() async throws {
        let given = makePod { $0.spec.runtimeClassName = "vm" }
        let pod = try await admit(
            RuntimeClassPlugin(), given, info: Resources.pods, caches: FakeCaches([Self.runtime]))
        #expect(pod.spec.overhead == quantities(["memory": "64Mi"]))
        #expect(pod.spec.nodeSelector == ["vm": "yes"])
        #expect(pod.spec.tolerations.map { $0.key } == ["vm"])
        let again = try await admit(RuntimeClassPlugin(), pod, info: Resources.pods, caches: FakeCaches([Self.runtime]))
        #expect(again == pod)
    }

    @Test func `what contradicts the runtime class is refused`() async {
        func check(_ fill: (inout PodSpec) -> Void) async -> String? {
            await refusal { () async throws(StatusError) in
                let pod = makePod { fill(&$0.spec) }
                _ = try await admit(
                    RuntimeClassPlugin(), pod, info: Resources.pods, caches: FakeCaches([Self.runtime]))
            }?.message
        }
        let subject: String = "pods \"p\" is forbidden: "
        #expect(
            await check { $0.runtimeClassName = "none" } == subject + "pod rejected: RuntimeClass \"none\" not found")
        #expect(
            await check {
                $0.runtimeClassName = "vm"
                $0.overhead = quantities(["memory": "1Mi"])
            } == subject + "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        #expect(
            await check { $0.overhead = quantities(["memory": "1Mi"]) }
                == subject + "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        #expect(
            await check {
                $0.runtimeClassName = "vm"
                $0.nodeSelector = ["vm": "no"]
            } == subject + "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no")
    }
}
