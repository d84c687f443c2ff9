import API
import APIMachinery
import Client
import Controllers

/// Deployments, their sets and their pods, with a kubelet of two lines.
struct Workloads {
    let cluster = SimulatedCluster()
    let deployments: DeploymentReconciler
    let sets: ReplicaSetReconciler

    init() {
        let setCache = cluster.cache(ReplicaSet.self, indices: [.claimable])
        let podCache = cluster.cache(Pod.self, indices: [.claimable])
        deployments = DeploymentReconciler(
            deployments: cluster.cache(Deployment.self), sets: setCache, pods: podCache)
        sets = ReplicaSetReconciler(sets: setCache, pods: podCache)
    }

    static let key = ObjectKey("shop", "web")

    @discardableResult
    func deploy(_ replicas: Int, _ fill: (inout Deployment) -> Void = { _ in }) -> Deployment {
        cluster.put(
            Deployment.with { deployment in
                deployment.metadata.name = "web"
                deployment.metadata.namespace = "shop"
                deployment.spec.replicas = replicas
                deployment.spec.selector = LabelSelector.with { $0.matchLabels = ["app": "web"] }
                deployment.spec.template.metadata.labels = ["app": "web"]
                deployment.spec.template.spec.containers = [
                    Container.with {
                        $0.name = "main"
                        $0.image = "web:1"
                    }
                ]
                deployment.spec.progressDeadlineSeconds = 600
                deployment.spec.revisionHistoryLimit = 10
                deployment.spec.strategy.type = "RollingUpdate"
                deployment.spec.strategy.rollingUpdate = RollingUpdateDeployment.with {
                    $0.maxSurge = .string("25%")
                    $0.maxUnavailable = .string("25%")
                }
                fill(&deployment)
            })
    }

    func change(_ body: (inout Deployment) -> Void) {
        cluster.change(Deployment.self, "shop", "web", body)
        cluster.sync()
    }

    func image(_ image: String) {
        change { $0.spec.template.spec.containers[0].image = image }
    }

    var deployment: Deployment { cluster.get(Deployment.self, "shop", "web") ?? Deployment() }
    var allSets: [ReplicaSet] { cluster.all(ReplicaSet.self) }
    var pods: [Pod] { cluster.all(Pod.self) }

    /// Sizes by image.
    var sizes: [String: Int] {
        Dictionary(
            allSets.map { ($0.spec.template.spec.containers[0].image, $0.spec.replicas ?? 1) }, uniquingKeysWith: +)
    }

    func progress() -> String {
        let condition = deployment.status.conditions.first { $0.type == "Progressing" }
        return condition.map { "\($0.status) \($0.reason)" } ?? ""
    }

    /// The controllers look once at everything; tells whether anything was written.
    func look() async -> Bool {
        cluster.sync()
        _ = cluster.takeRequests()
        await cluster.run(deployments, Self.key)
        cluster.sync()
        for set in allSets {
            await cluster.run(sets, set.key)
            cluster.sync()
        }
        return !cluster.takeRequests().isEmpty
    }

    /// Pods that wait become ready, at most `count`, unless their image says otherwise; pods that end are removed.
    func kubelet(_ count: Int = .max) -> Bool {
        var left: Int = count
        for pod in pods where left > 0 {
            if pod.metadata.deletionTimestamp != nil {
                cluster.remove(pod)
                left -= 1
            } else if !pod.isServing && pod.spec.containers[0].image != "broken" {
                cluster.change(Pod.self, pod.metadata.namespace, pod.metadata.name) { pod in
                    pod.spec.nodeName = "node"
                    pod.status.phase = "Running"
                    pod.status.conditions = [
                        PodCondition.with {
                            $0.type = "Ready"
                            $0.status = "True"
                            $0.lastTransitionTime = cluster.now
                        }
                    ]
                }
                left -= 1
            }
        }
        cluster.sync()
        return left != count
    }

    /// Until nobody has anything to do; tells how many turns it took, at most 200.
    @discardableResult
    func settle(_ check: () -> Void = {}) async -> Int {
        for turn in 0..<200 {
            let wrote: Bool = await look()
            check()
            let moved: Bool = kubelet(1)
            check()
            if !wrote && !moved { return turn }
        }
        return 200
    }
}

extension Pod {
    var isServing: Bool {
        metadata.deletionTimestamp == nil && status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
    }
}
