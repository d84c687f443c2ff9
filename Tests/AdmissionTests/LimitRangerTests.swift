import APICore
import APIMachinery
import APIServer
import Codec
import Testing

@Suite struct LimitRangerTests {
    private static func range(_ type: String = "Container", _ fill: (inout LimitRangeItem) -> Void) -> FakeCaches {
        var item = LimitRangeItem.with { $0.type = type }
        fill(&item)
        let range = LimitRange.with {
            $0.metadata.name = "limits"
            $0.metadata.namespace = "default"
            $0.spec.limits = [item]
        }
        return FakeCaches([range])
    }

    private static func pod(_ requests: [String: String] = [:], _ limits: [String: String] = [:]) -> Pod {
        makePod {
            $0.spec.containers[0].resources.requests = quantities(requests)
            $0.spec.containers[0].resources.limits = quantities(limits)
        }
    }

    private static func message(_ pod: Pod, _ caches: FakeCaches) async -> String? {
        let error = await refusal { () async throws(StatusError) in
            _ = try await admit(LimitRanger(), pod, info: Resources.pods, caches: caches)
        }
        let prefix: String = "pods \"p\" is forbidden: "
        return error.map { $0.message.hasPrefix(prefix) ? String($0.message.dropFirst(prefix.count)) : $0.message }
    }

    @Test func `containers get what they leave out, and the pod a note of it`() async throws {
        let caches = Self.range {
            $0.default = quantities(["cpu": "500m", "memory": "512Mi"])
            $0.defaultRequest = quantities(["cpu": "100m", "memory": "256Mi"])
        }
        var given: Pod = Self.pod(["cpu": "50m"])
        given.spec.initContainers = [
            Container.with {
                $0.name = "first"
                $0.resources.limits = quantities(["cpu": "1", "memory": "1Gi"])
                $0.resources.requests = quantities(["cpu": "1", "memory": "1Gi"])
            }
        ]
        let pod = try await admit(LimitRanger(), given, info: Resources.pods, caches: caches)
        #expect(pod.spec.containers[0].resources.requests == quantities(["cpu": "50m", "memory": "256Mi"]))
        #expect(pod.spec.containers[0].resources.limits == quantities(["cpu": "500m", "memory": "512Mi"]))
        #expect(pod.spec.initContainers == given.spec.initContainers)
        #expect(
            pod.metadata.annotations["kubernetes.io/limit-ranger"]
                == "LimitRanger plugin set: memory request for container main; cpu, memory limit for container main")
    }

    @Test func `too little is refused`() async {
        let caches = Self.range { $0.min = quantities(["cpu": "100m"]) }
        #expect(
            await Self.message(Self.pod(["cpu": "50m"]), caches)
                == "minimum cpu usage per Container is 100m, but request is 50m")
        #expect(
            await Self.message(Self.pod(), caches)
                == "minimum cpu usage per Container is 100m.  No request is specified")
        #expect(await Self.message(Self.pod(["cpu": "100m"]), caches) == nil)
    }

    @Test func `too much is refused`() async {
        let caches = Self.range { $0.max = quantities(["memory": "1Gi"]) }
        #expect(
            await Self.message(Self.pod([:], ["memory": "2Gi"]), caches)
                == "maximum memory usage per Container is 1Gi, but limit is 2Gi")
        #expect(
            await Self.message(Self.pod(), caches)
                == "maximum memory usage per Container is 1Gi.  No limit is specified")
        #expect(await Self.message(Self.pod(["memory": "512Mi"], ["memory": "1Gi"]), caches) == nil)
    }

    @Test func `several problems are listed`() async {
        let caches = Self.range {
            $0.min = quantities(["cpu": "100m"])
            $0.max = quantities(["cpu": "1"])
        }
        #expect(
            await Self.message(Self.pod(), caches)
                == "[minimum cpu usage per Container is 100m.  No request is specified, maximum cpu usage per "
                + "Container is 1.  No limit is specified]")
    }

    @Test func `the ratio of limit to request is bounded`() async {
        let caches = Self.range { $0.maxLimitRequestRatio = quantities(["cpu": "2"]) }
        #expect(
            await Self.message(Self.pod(["cpu": "100m"], ["cpu": "250m"]), caches)
                == "cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000")
        #expect(
            await Self.message(Self.pod([:], ["cpu": "1"]), caches)
                == "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0")
        #expect(await Self.message(Self.pod(["cpu": "100m"], ["cpu": "200m"]), caches) == nil)
    }

    @Test func `a pod's containers count together, its init containers one by one`() async {
        let caches = Self.range("Pod") { $0.max = quantities(["cpu": "1"]) }
        var pod: Pod = Self.pod([:], ["cpu": "600m"])
        pod.spec.initContainers = [
            Container.with {
                $0.name = "one"
                $0.resources.limits = quantities(["cpu": "900m"])
            },
            Container.with {
                $0.name = "two"
                $0.resources.limits = quantities(["cpu": "800m"])
            },
        ]
        #expect(await Self.message(pod, caches) == nil)
        // One that stays runs beside everything after it.
        pod.spec.initContainers[0].restartPolicy = "Always"
        #expect(
            await Self.message(pod, caches) == "maximum cpu usage per Pod is 1, but limit is 1700m")
    }

    @Test func `claims have bounds too`() async {
        let caches = Self.range("PersistentVolumeClaim") {
            $0.min = quantities(["storage": "1Gi"])
            $0.max = quantities(["storage": "5Gi"])
        }
        func check(_ size: String) async -> String? {
            await refusal { () async throws(StatusError) in
                let claim = PersistentVolumeClaim.with {
                    $0.metadata.name = "c"
                    $0.metadata.namespace = "default"
                    $0.spec.resources.requests = quantities(["storage": size])
                }
                _ = try await admit(LimitRanger(), claim, info: Resources.claims, caches: caches)
            }?.message
        }
        let subject: String = "persistentvolumeclaims \"c\" is forbidden: "
        #expect(await check("2Gi") == nil)
        #expect(
            await check("6Gi")
                == subject + "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi")
        #expect(
            await check("1Mi")
                == subject + "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi")
    }
}
