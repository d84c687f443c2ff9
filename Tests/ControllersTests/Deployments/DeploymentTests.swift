import API
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct DeploymentTests {
    private let world = Workloads()

    @Test func `a first rollout makes one set, reports progress, and settles`() async {
        world.deploy(3)
        _ = await world.look()
        #expect(world.progress() == "True NewReplicaSetCreated")
        await world.settle()
        #expect(world.allSets.count == 1)
        #expect(world.pods.count { $0.isServing } == 3)
        let status: DeploymentStatus = world.deployment.status
        #expect(status.availableReplicas == 3 && status.updatedReplicas == 3 && status.unavailableReplicas == 0)
        #expect(world.progress() == "True NewReplicaSetAvailable")
        #expect(status.conditions.contains { $0.type == "Available" && $0.status == "True" })
        #expect(world.deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "1")
        let set: ReplicaSet? = world.allSets.first
        #expect(set?.metadata.annotations["deployment.kubernetes.io/max-replicas"] == "4")
        let name: String = set?.metadata.name ?? ""
        #expect(world.cluster.eventTexts.contains("ScalingReplicaSet: Scaled up replica set \(name) from 0 to 3"))
    }

    @Test(arguments: [
        (10, "25%", "25%"), (5, "1", "0"), (4, "0", "1"), (3, "100%", "0"), (1, "25%", "25%"), (7, "2", "3"),
    ])
    func `a rolling update stays within its bounds`(replicas: Int, surge: String, unavailable: String) async {
        let maxSurge = IntOrString(parsing: surge)
        let maxUnavailable = IntOrString(parsing: unavailable)
        world.deploy(replicas) {
            $0.spec.strategy.rollingUpdate?.maxSurge = maxSurge
            $0.spec.strategy.rollingUpdate?.maxUnavailable = maxUnavailable
        }
        await world.settle()
        world.image("web:2")
        let most: Int = replicas + ((try? maxSurge.scaled(total: replicas, roundUp: true)) ?? 0)
        let least: Int = replicas - ((try? maxUnavailable.scaled(total: replicas, roundUp: false)) ?? 0)
        let turns: Int = await world.settle {
            #expect(world.pods.count { $0.metadata.deletionTimestamp == nil } <= most)
            #expect(world.pods.count { $0.isServing } >= least)
        }
        #expect(turns < 200)
        #expect(world.sizes == ["web:1": 0, "web:2": replicas])
        #expect(world.progress() == "True NewReplicaSetAvailable")
    }

    @Test func `recreate lets the last old pod end before the first new one begins`() async {
        world.deploy(3) {
            $0.spec.strategy.type = "Recreate"
            $0.spec.strategy.rollingUpdate = nil
        }
        await world.settle()
        world.image("web:2")
        await world.settle {
            let images: Set<String> = Set(world.pods.map { $0.spec.containers[0].image })
            #expect(images.count <= 1)
        }
        #expect(world.sizes == ["web:1": 0, "web:2": 3])
    }

    @Test func `a paused deployment scales but does not roll out`() async {
        world.deploy(2)
        await world.settle()
        world.change {
            $0.spec.paused = true
            $0.spec.template.spec.containers[0].image = "web:2"
        }
        await world.settle()
        #expect(world.sizes == ["web:1": 2])
        #expect(world.progress() == "Unknown DeploymentPaused")
        world.change { $0.spec.replicas = 4 }
        await world.settle()
        #expect(world.sizes == ["web:1": 4])
        world.change { $0.spec.paused = false }
        _ = await world.look()
        await world.settle()
        #expect(world.sizes == ["web:1": 0, "web:2": 4])
        #expect(world.progress() == "True NewReplicaSetAvailable")
    }

    @Test func `going back to an old template takes its set again under a new revision`() async {
        world.deploy(2)
        await world.settle()
        world.image("web:2")
        await world.settle()
        world.image("web:1")
        await world.settle()
        #expect(world.allSets.count == 2)
        #expect(world.sizes == ["web:1": 2, "web:2": 0])
        let set = world.allSets.first { $0.spec.replicas == 2 }
        #expect(set?.metadata.annotations["deployment.kubernetes.io/revision"] == "3")
        #expect(set?.metadata.annotations["deployment.kubernetes.io/revision-history"] == "1")
        #expect(world.deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "3")
    }

    @Test func `old sets beyond the history limit go when the rollout is complete, oldest first`() async {
        world.deploy(1) { $0.spec.revisionHistoryLimit = 1 }
        for image in ["web:1", "web:2", "web:3", "web:4"] {
            world.image(image)
            await world.settle()
        }
        #expect(world.sizes == ["web:3": 0, "web:4": 1])
    }

    @Test func `annotations are copied to the set, but not kubectl's`() async {
        world.deploy(1) {
            $0.metadata.annotations = [
                "kubernetes.io/change-cause": "first", "kubectl.kubernetes.io/last-applied-configuration": "{}",
            ]
        }
        await world.settle()
        world.change { $0.metadata.annotations["kubernetes.io/change-cause"] = "renamed" }
        await world.settle()
        let annotations = world.allSets.first?.metadata.annotations
        #expect(annotations?["kubernetes.io/change-cause"] == "renamed")
        #expect(annotations?["kubectl.kubernetes.io/last-applied-configuration"] == nil)
    }

    @Test func `a rollout that makes no progress says so after its deadline, and recovers`() async {
        world.deploy(2)
        await world.settle()
        world.image("broken")
        await world.settle()
        #expect(world.progress() == "True ReplicaSetUpdated")
        let waiting = await world.cluster.run(world.deployments, Workloads.key)
        #expect(waiting.requeueAfter == .seconds(601))
        world.cluster.advance(seconds: 601)
        await world.settle()
        #expect(world.progress() == "False ProgressDeadlineExceeded")
        world.image("web:3")
        await world.settle()
        #expect(world.progress() == "True NewReplicaSetAvailable")
    }

    @Test func `a deployment scaled during a rollout shares the difference out in proportion`() async {
        world.deploy(10) {
            $0.spec.strategy.rollingUpdate?.maxSurge = 3
            $0.spec.strategy.rollingUpdate?.maxUnavailable = 2
        }
        await world.settle()
        world.image("broken")
        await world.settle()
        #expect(world.sizes == ["web:1": 8, "broken": 5])
        world.change { $0.spec.replicas = 15 }
        _ = await world.look()
        #expect(world.sizes == ["web:1": 11, "broken": 7])
    }

    @Test func `a set of another owner under the same name makes the hash change`() async {
        world.deploy(1)
        await world.settle()
        let name: String = world.allSets.first?.metadata.name ?? ""
        let other = Workloads()
        other.cluster.put(
            ReplicaSet.with {
                $0.metadata.name = name
                $0.metadata.namespace = "shop"
                $0.metadata.labels = ["app": "else"]
                $0.spec.replicas = 0
                $0.spec.selector = LabelSelector.with { $0.matchLabels = ["app": "else"] }
            })
        other.deploy(1)
        await other.settle()
        #expect(other.deployment.status.collisionCount == 1)
        #expect(other.allSets.count == 2)
        #expect(other.deployment.status.availableReplicas == 1)
    }

    @Test func `a set that cannot be made is told of`() async {
        world.deploy(1)
        world.cluster.refuse { request in
            request.verb == .create && request.resource.resource == "replicasets" ? .forbidden("no sets here") : nil
        }
        _ = await world.look()
        #expect(world.progress() == "False ReplicaSetCreateError")
        #expect(world.cluster.events.map(\.reason).contains("ReplicaSetCreateError"))
        world.cluster.refuse(nil)
        await world.settle()
        #expect(world.progress() == "True NewReplicaSetAvailable")
    }

    @Test func `a deployment that is deleted changes nothing but its status`() async {
        world.deploy(2)
        await world.settle()
        world.change {
            $0.metadata.deletionTimestamp = Time(seconds: 1)
            $0.metadata.finalizers = ["foregroundDeletion"]
            $0.spec.replicas = 5
        }
        await world.settle()
        #expect(world.sizes == ["web:1": 2])
    }
}
