import APIAuthentication
import APICoordination
import APICore
import APIMachinery
import APIServer
import Codec
import Testing

@Suite(.timeLimit(.minutes(5)))
struct NodeTests {
    private static func kubelet(_ name: String) -> APIServer.UserInfo {
        APIServer.UserInfo(name: "system:node:" + name, groups: ["system:nodes", "system:authenticated"])
    }

    private static func pod(_ name: String, node: String, _ fill: (inout Pod) -> Void = { _ in }) -> Pod {
        Pod.with {
            $0.metadata.name = name
            $0.metadata.namespace = "web"
            $0.spec.nodeName = node
            $0.spec.serviceAccountName = "robot"
            fill(&$0)
        }
    }

    /// With a secret and a config map from every place, and a claim.
    private static func rich(_ pod: inout Pod) {
        pod.spec.imagePullSecrets = [LocalObjectReference.with { $0.name = "pull" }]
        pod.spec.containers = [
            Container.with { container in
                container.env = [
                    EnvVar.with {
                        $0.valueFrom = EnvVarSource.with {
                            $0.secretKeyRef = SecretKeySelector.with { $0.name = "env" }
                        }
                    }
                ]
                container.envFrom = [
                    EnvFromSource.with { $0.configMapRef = ConfigMapEnvSource.with { $0.name = "all" } }
                ]
            }
        ]
        pod.spec.volumes = [
            Volume.with { $0.secret = SecretVolumeSource.with { $0.secretName = "files" } },
            Volume.with {
                $0.persistentVolumeClaim = PersistentVolumeClaimVolumeSource.with { $0.claimName = "data" }
            },
            Volume.with {
                $0.projected = ProjectedVolumeSource.with {
                    $0.sources = [
                        VolumeProjection.with { $0.configMap = ConfigMapProjection.with { $0.name = "root-ca" } }
                    ]
                }
            },
        ]
    }

    @Test func `a node relates to what its pods name, and to nothing else`() {
        var graph = NodeGraph()
        graph.set(Self.pod("a", node: "n1", Self.rich))
        graph.set(Self.pod("b", node: "n2"))
        graph.set(
            Self.pod("mirror", node: "n2") {
                Self.rich(&$0)
                $0.metadata.annotations["kubernetes.io/config.mirror"] = "x"
            })
        let volume = PersistentVolume.with {
            $0.metadata.name = "pv"
            $0.spec.claimRef = ObjectReference.with {
                $0.namespace = "web"
                $0.name = "data"
            }
            $0.spec.csi = CSIPersistentVolumeSource.with {
                $0.nodeStageSecretRef = SecretReference.with {
                    $0.name = "stage"
                    $0.namespace = "storage"
                }
                $0.controllerPublishSecretRef = SecretReference.with {
                    $0.name = "controller"
                    $0.namespace = "storage"
                }
            }
        }
        graph.set(volume)
        let cases: [(NodeGraph.Kind, String, String)] = [
            (.pod, "web", "a"), (.secret, "web", "pull"), (.secret, "web", "env"), (.secret, "web", "files"),
            (.configMap, "web", "all"), (.configMap, "web", "root-ca"), (.claim, "web", "data"), (.volume, "", "pv"),
            (.secret, "storage", "stage"), (.serviceAccount, "web", "robot"),
        ]
        for (kind, namespace, name) in cases {
            #expect(graph.relates("n1", to: kind, namespace: namespace, name: name))
            let isCommon: Bool = kind == .serviceAccount
            #expect(graph.relates("n2", to: kind, namespace: namespace, name: name) == isCommon)
            #expect(!graph.relates("n1", to: kind, namespace: "other", name: name) || kind == .volume)
        }
        #expect(!graph.relates("n1", to: .secret, namespace: "storage", name: "controller"))
        graph.removePod(namespace: "web", name: "a")
        for (kind, namespace, name) in cases {
            #expect(!graph.relates("n1", to: kind, namespace: namespace, name: name))
        }
        graph.set(Self.pod("c", node: "n2", Self.rich))
        #expect(graph.relates("n2", to: .secret, namespace: "storage", name: "stage"))
        graph.removeVolume("pv")
        #expect(!graph.relates("n2", to: .secret, namespace: "storage", name: "stage"))
    }

    @Test func `a kubelet may what is its node's`() async throws {
        try await withCluster { cluster in
            _ = try await cluster.create(Self.pod("a", node: "n1", Self.rich), "pods")
            try await cluster.settle()
            func ask(
                _ verb: String, _ group: String, _ resource: String, _ namespace: String = "", _ name: String = "",
                _ subresource: String = "", node: String = "n1", fields: String = ""
            ) throws -> AuthorizationDecision {
                var asked = AuthorizationAttributes(
                    user: Self.kubelet(node), verb: verb, group: group, resource: resource, subresource: subresource,
                    namespace: namespace, name: name)
                asked.fields = try FieldQuery(parsing: fields)
                return cluster.access.authorizer.authorize(asked)
            }
            #expect(try ask("get", "", "secrets", "web", "env").isAllowed)
            #expect(try ask("watch", "", "configmaps", "web", "root-ca").isAllowed)
            #expect(try ask("create", "", "serviceaccounts", "web", "robot", "token").isAllowed)
            #expect(try ask("get", "", "pods", "web", "a").isAllowed)
            #expect(try ask("list", "", "pods", fields: "spec.nodeName=n1").isAllowed)
            #expect(try ask("get", "", "nodes", "", "n1").isAllowed)
            #expect(try ask("list", "", "services").isAllowed)
            #expect(try ask("create", "", "events", "web").isAllowed)
            #expect(try ask("update", "coordination.k8s.io", "leases", "kube-node-lease", "n1").isAllowed)
            let refused: [(AuthorizationDecision, String)] = [
                (
                    try ask("get", "", "secrets", "web", "env", node: "n2"),
                    "no relationship found between node 'n2' and this object"
                ),
                (
                    try ask("get", "", "secrets", "web", "none"),
                    "no relationship found between node 'n1' and this object"
                ),
                (try ask("list", "", "secrets", "web"), "No Object name found"),
                (try ask("list", "", "secrets"), "can only read namespaced object of this type"),
                (try ask("update", "", "secrets", "web", "env"), "can only read resources of this type"),
                (
                    try ask("list", "", "pods"),
                    "can only list/watch pods with spec.nodeName field selector"
                ),
                (
                    try ask("list", "", "pods", fields: "spec.nodeName=n2"),
                    "can only list/watch pods with spec.nodeName field selector"
                ),
                (try ask("get", "", "nodes", "", "n2"), "node 'n1' cannot read 'n2', only its own Node object"),
                (try ask("list", "", "nodes"), "node 'n1' cannot read all nodes, only its own Node object"),
                (try ask("delete", "", "nodes", "", "n1"), ""), (try ask("get", "apps", "deployments", "web", "x"), ""),
                (
                    try ask("get", "coordination.k8s.io", "leases", "web", "n1"),
                    #"can only access leases in the "kube-node-lease" system namespace"#
                ),
                (
                    try ask("create", "", "serviceaccounts", "web", "other", "token"),
                    "no relationship found between node 'n1' and this object"
                ),
                (try ask("get", "", "secrets", "web", "env", node: ""), #"unknown node for user "system:node:""#),
            ]
            for (decision, reason) in refused { #expect(decision == .noOpinion(reason: reason)) }
            // The name alone makes no node.
            let impostor = APIServer.UserInfo(name: "system:node:n1", groups: ["system:authenticated"])
            let asked = AuthorizationAttributes(
                user: impostor, verb: "get", resource: "secrets", namespace: "web", name: "env")
            #expect(!cluster.access.authorizer.authorize(asked).isAllowed)
            // A deletion counts at once.
            try await cluster.delete(Pod.self, "pods", "web", "a")
            try await cluster.settle()
            #expect(try !ask("get", "", "secrets", "web", "env").isAllowed)
        }
    }

    // MARK: - NodeRestriction

    private static func mirror(_ name: String, _ node: Node, _ fill: (inout Pod) -> Void = { _ in }) -> Pod {
        pod(name, node: node.metadata.name) { pod in
            pod.spec.serviceAccountName = ""
            pod.metadata.annotations["kubernetes.io/config.mirror"] = "x"
            pod.metadata.ownerReferences = [
                OwnerReference.with {
                    $0.apiVersion = "v1"
                    $0.kind = "Node"
                    $0.name = node.metadata.name
                    $0.uid = node.metadata.uid
                    $0.controller = true
                }
            ]
            fill(&pod)
        }
    }

    @Test func `a kubelet makes mirror pods of its own, and no others`() async throws {
        try await withCluster { cluster in
            let transport: InProcessTransport = cluster.transport(Self.kubelet("n1"))
            let node: Node = try await cluster.create(Node.with { $0.metadata.name = "n1" }, "nodes")
            let other: Node = try await cluster.create(Node.with { $0.metadata.name = "n2" }, "nodes")
            // The plugin reads the cache, which may be a moment behind.
            try await cluster.settle()
            _ = try await cluster.create(Self.mirror("good", node), "pods", as: transport)
            let cases: [(Pod, String)] = [
                (
                    Self.pod("x", node: "n1"),
                    #"pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods"#
                ),
                (
                    Self.mirror("x", other), #"node "n1" can only create pods with spec.nodeName set to itself"#
                ),
                (
                    Self.mirror("x", node) { $0.metadata.ownerReferences = [] },
                    #"node "n1" can only create pods with an owner reference set to itself"#
                ),
                (
                    Self.mirror("x", node) { $0.metadata.ownerReferences[0].uid = "wrong" },
                    "node n1 UID mismatch: expected wrong got \(node.metadata.uid)"
                ),
                (
                    Self.mirror("x", node) { $0.spec.serviceAccountName = "robot" },
                    #"node "n1" can not create pods that reference a service account"#
                ),
                (Self.mirror("x", node, Self.rich), #"node "n1" can not create pods that reference secrets"#),
            ]
            for (pod, why) in cases {
                let error: StatusError? = await failure {
                    _ = try await cluster.create(pod, "pods", as: transport)
                }
                #expect(error?.code == 403)
                #expect(error?.message == #"pods "x" is forbidden: "# + why)
            }
        }
    }

    @Test func `a kubelet changes its own node only, and not its taints and foreign labels`() async throws {
        try await withCluster { cluster in
            let transport: InProcessTransport = cluster.transport(Self.kubelet("n1"))
            func put(_ node: Node) async -> StatusError? {
                await failure {
                    _ = try await transport.perform(
                        APIRequest(
                            .update, GroupVersionResource(Node.gvk, "nodes"), name: node.metadata.name,
                            body: node.jsonBytes))
                }
            }
            var new = Node.with { $0.metadata.name = "n1" }
            new.metadata.labels = [
                "kubernetes.io/hostname": "n1", "mine": "1", "x.node-restriction.kubernetes.io/a": "",
            ]
            let denied: StatusError? = await failure {
                _ = try await cluster.create(new, "nodes", as: transport)
            }
            #expect(
                denied?.message == #"nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: "#
                    + "x.node-restriction.kubernetes.io/a")
            new.metadata.labels["x.node-restriction.kubernetes.io/a"] = nil
            let made: Node = try await cluster.create(new, "nodes", as: transport)
            let other: Node = try await cluster.create(Node.with { $0.metadata.name = "n2" }, "nodes")
            #expect(
                await put(other)?.message == #"nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2""#)
            var tainted: Node = made
            tainted.spec.taints = [Taint.with { $0.key = "k" }]
            #expect(
                await put(tainted)?.message == #"nodes "n1" is forbidden: node "n1" is not allowed to modify taints"#)
            var labelled: Node = made
            labelled.metadata.labels["node-role.kubernetes.io/control-plane"] = ""
            #expect(
                await put(labelled)?.message
                    == #"nodes "n1" is forbidden: is not allowed to modify labels: "#
                    + "node-role.kubernetes.io/control-plane")
            var fine: Node = made
            fine.metadata.labels["topology.kubernetes.io/zone"] = "a"
            fine.metadata.labels["node.kubernetes.io/x"] = "b"
            #expect(await put(fine) == nil)
        }
    }

    @Test func `a kubelet asks tokens for its pods only`() async throws {
        try await withCluster { cluster in
            let account = ServiceAccount.with {
                $0.metadata.name = "robot"
                $0.metadata.namespace = "web"
            }
            _ = try await cluster.create(account, "serviceaccounts")
            let mine: Pod = try await cluster.create(Self.pod("mine", node: "n1"), "pods")
            let other: Pod = try await cluster.create(Self.pod("other", node: "n2"), "pods")
            try await cluster.settle()
            func ask(_ pod: Pod?, uid: String? = nil) async -> StatusError? {
                var request = TokenRequest()
                request.spec.boundObjectRef = pod.map { pod in
                    BoundObjectReference.with {
                        $0.kind = "Pod"
                        $0.apiVersion = "v1"
                        $0.name = pod.metadata.name
                        $0.uid = uid ?? pod.metadata.uid
                    }
                }
                let wanted: TokenRequest = request
                return await failure {
                    _ = try await cluster.ask(
                        wanted, GroupVersionResource(ServiceAccount.gvk, "serviceaccounts"), namespace: "web",
                        name: "robot", subresource: "token", as: cluster.transport(Self.kubelet("n1")))
                }
            }
            let prefix: String = #"serviceaccounts "robot" is forbidden: "#
            #expect(await ask(mine) == nil)
            #expect(await ask(nil)?.message == prefix + "node requested token not bound to a pod")
            #expect(
                await ask(mine, uid: "")?.message == prefix + "node requested token with a pod binding without a uid")
            #expect(
                await ask(other)?.message
                    == prefix + "node requested token bound to a pod scheduled on a different node")
        }
    }

    @Test func `a kubelet's lease has its name`() async throws {
        try await withCluster { cluster in
            let transport: InProcessTransport = cluster.transport(Self.kubelet("n1"))
            func lease(_ name: String) -> Lease {
                Lease.with {
                    $0.metadata.name = name
                    $0.metadata.namespace = "kube-node-lease"
                }
            }
            _ = try await cluster.create(lease("n1"), "leases", as: transport)
            let error: StatusError? = await failure {
                _ = try await cluster.create(lease("n2"), "leases", as: transport)
            }
            #expect(error?.code == 403)
            #expect(
                error?.message.hasSuffix("can only access node lease with the same name as the requesting node") == true
            )
        }
    }
}
