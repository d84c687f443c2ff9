import API
import APIMachinery
import APIServerUpkeep
import Client

/// What every cluster has from its first moment: system namespaces, the `kubernetes` Service, system priorities.
struct ClusterBootstrap: Sendable {
    let configuration: ClusterConfiguration
    private let client: APIClient
    let log: Log

    init(_ configuration: ClusterConfiguration, client: APIClient, log: Log) {
        self.configuration = configuration
        self.client = client
        self.log = log
    }

    /// Makes what lacks, first of all the roles that `policy` writes. Tries again until all is there or the task is
    /// cancelled.
    func ensure(policy: () async throws(StatusError) -> Void) async {
        let clock = SystemMonotonicClock()
        while !Task.isCancelled {
            do throws(StatusError) {
                try await policy()
                try await makeAll()
                return
            } catch {
                log.warning("failed to prepare the cluster", [("error", error.message)])
            }
            await clock.sleep(for: .seconds(1))
        }
    }

    /// Makes again what somebody deleted or changed, until the task is cancelled.
    func keep() async {
        let ours = Selection(namespace: "default", fieldSelector: "metadata.name=kubernetes")
        let transport: any Transport = client.transport
        let informers: [any AnyInformer] = [
            Informer(Namespace.self, over: transport), Informer(PriorityClass.self, over: transport),
            Informer(Service.self, selection: ours, over: transport),
            Informer(Endpoints.self, selection: ours, over: transport),
            Informer(EndpointSlice.self, selection: ours, over: transport),
        ]
        // Other namespaces come and go, too.
        let keeper = Keeper(over: transport, watching: informers, pause: .seconds(1), log: log) {
            (_: any Transport) async throws(StatusError) in try await makeAll()
        }
        await keeper.run()
    }

    private func makeAll() async throws(StatusError) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            try await make(Namespace.with { $0.metadata.name = name })
        }
        try await make(priority("system-node-critical", 2_000_001_000, "For pods that a node cannot do without."))
        try await make(
            priority("system-cluster-critical", 2_000_000_000, "For pods that the cluster cannot do without."))
        try await ensure(policyRole) { $0.rules = $1.rules }
        try await make(policyBinding)
        // Not simply created: the address that it wants is taken when it is there already.
        try await ensure(service) { $0.spec.ports = $1.spec.ports }
        try await ensure(endpoints) { $0.subsets = $1.subsets }
        try await ensure(slice) { known, wanted in
            known.endpoints = wanted.endpoints
            known.ports = wanted.ports
        }
        try await makeDNS()
        try await makeServiceRange()
    }

    /// Who enforces network policies on nodes; upstream leaves that to network plugins, which bring such a role.
    static let policyUser: String = "swiftlet:network-policies"

    private var policyRole: ClusterRole {
        ClusterRole.with { role in
            role.metadata.name = Self.policyUser
            role.rules = [("", ["namespaces", "pods"]), ("networking.k8s.io", ["networkpolicies"])].map {
                group, resources in
                PolicyRule.with {
                    $0.apiGroups = [group]
                    $0.resources = resources
                    $0.verbs = ["list", "watch"]
                }
            }
            role.rules.append(
                PolicyRule.with {
                    $0.apiGroups = [""]
                    $0.resources = ["events"]
                    $0.verbs = ["create", "patch", "update"]
                })
        }
    }

    private var policyBinding: ClusterRoleBinding {
        ClusterRoleBinding.with { binding in
            binding.metadata.name = Self.policyUser
            binding.roleRef.apiGroup = "rbac.authorization.k8s.io"
            binding.roleRef.kind = "ClusterRole"
            binding.roleRef.name = Self.policyUser
            binding.subjects = [
                Subject.with {
                    $0.kind = "User"
                    $0.apiGroup = "rbac.authorization.k8s.io"
                    $0.name = Self.policyUser
                }
            ]
        }
    }

    func make<Object: APIObject>(_ object: Object) async throws(StatusError) {
        try await ensure(object) { _, _ in }
    }

    /// As `make`, but brings an object that is there up to date: the machine's address may have changed.
    func ensure<Object: APIObject>(
        _ wanted: Object, _ update: (inout Object, Object) -> Void
    ) async throws(StatusError) {
        do throws(StatusError) {
            var known: Object = try await client.get(Object.self, wanted.key)
            let before: Object = known
            update(&known, wanted)
            if known != before { _ = try await client.update(known) }
        } catch {
            guard error.isNotFound else { throw error }
            try await create(wanted)
        }
    }

    private func create<Object: APIObject>(_ object: Object) async throws(StatusError) {
        do throws(StatusError) {
            _ = try await client.create(object)
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
    }

    private func priority(_ name: String, _ value: Int, _ description: String) -> PriorityClass {
        PriorityClass.with {
            $0.metadata.name = name
            $0.value = value
            $0.description = description
        }
    }

    private var service: Service {
        Service.with { service in
            service.metadata.name = "kubernetes"
            service.metadata.namespace = "default"
            service.metadata.labels = ["component": "apiserver", "provider": "kubernetes"]
            service.spec.clusterIP = configuration.network.serviceAddress
            service.spec.clusterIPs = [configuration.network.serviceAddress]
            service.spec.type = "ClusterIP"
            service.spec.ipFamilies = [configuration.network.preferredFamily]
            service.spec.ipFamilyPolicy = "SingleStack"
            service.spec.sessionAffinity = "None"
            service.spec.ports = [
                ServicePort.with {
                    $0.name = "https"
                    $0.port = 443
                    $0.protocol = "TCP"
                    $0.targetPort = .int(configuration.port)
                }
            ]
        }
    }

    private var address: String { configuration.addresses.first ?? "127.0.0.1" }

    private var endpoints: Endpoints {
        Endpoints.with { endpoints in
            endpoints.metadata.name = "kubernetes"
            endpoints.metadata.namespace = "default"
            endpoints.metadata.labels = ["endpointslice.kubernetes.io/skip-mirror": "true"]
            endpoints.subsets = [
                EndpointSubset.with { subset in
                    subset.addresses = [EndpointAddress.with { $0.ip = address }]
                    subset.ports = [
                        APICore.EndpointPort.with {
                            $0.name = "https"
                            $0.port = configuration.port
                            $0.protocol = "TCP"
                        }
                    ]
                }
            ]
        }
    }

    private var slice: EndpointSlice {
        EndpointSlice.with { slice in
            slice.metadata.name = "kubernetes"
            slice.metadata.namespace = "default"
            slice.metadata.labels = ["kubernetes.io/service-name": "kubernetes"]
            slice.addressType = address.contains(":") ? "IPv6" : "IPv4"
            slice.endpoints = [
                Endpoint.with { endpoint in
                    endpoint.addresses = [address]
                    endpoint.conditions.ready = true
                }
            ]
            slice.ports = [
                APIDiscovery.EndpointPort.with {
                    $0.name = "https"
                    $0.port = configuration.port
                    $0.protocol = "TCP"
                }
            ]
        }
    }
}
