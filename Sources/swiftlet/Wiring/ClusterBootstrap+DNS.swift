import API
import APIMachinery
import Client

/// The objects by which the DNS server is known: upstream's `kube-dns` Service, and whom the server is to the API.
extension ClusterBootstrap {
    /// Name, port of the Service, transport, port where the server itself listens.
    private static let dnsPorts: [(name: String, port: Int, transport: String, target: Int)] = [
        ("dns", 53, "UDP", ClusterConfiguration.dnsNodePort),
        ("dns-tcp", 53, "TCP", ClusterConfiguration.dnsNodePort),
        ("metrics", 9153, "TCP", ClusterConfiguration.dnsMetricsPort),
    ]

    /// Upstream gives the server a service account of its own.
    static let dnsAccount: String = "coredns"
    private static let dnsRole: String = "system:coredns"

    func makeDNS() async throws(StatusError) {
        try await ensure(dnsClusterRole) { $0.rules = $1.rules }
        try await make(dnsBinding)
        do throws(StatusError) {
            try await ensure(dnsService) { $0.spec.ports = $1.spec.ports }
        } catch {
            // In a cluster from before the address may be somebody's; nothing else depends on the object.
            guard error.isInvalid else { throw error }
            log.warning("the cluster's dns service cannot be made", [("error", error.message)])
            return
        }
        // No node, no server.
        guard configuration.hasNode, let address = configuration.addresses.first else { return }
        try await ensure(dnsEndpoints(address)) { $0.subsets = $1.subsets }
        try await ensure(dnsSlice(address)) { known, wanted in
            known.endpoints = wanted.endpoints
            known.ports = wanted.ports
        }
    }

    private var dnsService: Service {
        Service.with { service in
            service.metadata.name = "kube-dns"
            service.metadata.namespace = "kube-system"
            service.metadata.labels = [
                "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
            ]
            service.metadata.annotations = ["prometheus.io/port": "9153", "prometheus.io/scrape": "true"]
            service.spec.clusterIP = configuration.network.dnsAddress
            service.spec.clusterIPs = [configuration.network.dnsAddress]
            service.spec.type = "ClusterIP"
            service.spec.ipFamilies = [configuration.network.preferredFamily]
            service.spec.ipFamilyPolicy = "SingleStack"
            service.spec.sessionAffinity = "None"
            service.spec.ports = Self.dnsPorts.map { name, port, transport, target in
                ServicePort.with {
                    $0.name = name
                    $0.port = port
                    $0.protocol = transport
                    $0.targetPort = .int(target)
                }
            }
        }
    }

    private func dnsEndpoints(_ address: String) -> Endpoints {
        Endpoints.with { endpoints in
            endpoints.metadata.name = "kube-dns"
            endpoints.metadata.namespace = "kube-system"
            endpoints.metadata.labels = ["endpointslice.kubernetes.io/skip-mirror": "true", "k8s-app": "kube-dns"]
            endpoints.subsets = [
                EndpointSubset.with { subset in
                    subset.addresses = [
                        EndpointAddress.with {
                            $0.ip = address
                            $0.nodeName = configuration.nodeName
                        }
                    ]
                    subset.ports = Self.dnsPorts.map { name, _, transport, target in
                        APICore.EndpointPort.with {
                            $0.name = name
                            $0.port = target
                            $0.protocol = transport
                        }
                    }
                }
            ]
        }
    }

    private func dnsSlice(_ address: String) -> EndpointSlice {
        EndpointSlice.with { slice in
            slice.metadata.name = "kube-dns"
            slice.metadata.namespace = "kube-system"
            slice.metadata.labels = ["kubernetes.io/service-name": "kube-dns", "k8s-app": "kube-dns"]
            slice.addressType = address.contains(":") ? "IPv6" : "IPv4"
            slice.endpoints = [
                Endpoint.with { endpoint in
                    endpoint.addresses = [address]
                    endpoint.conditions.ready = true
                    endpoint.nodeName = configuration.nodeName
                }
            ]
            slice.ports = Self.dnsPorts.map { name, _, transport, target in
                APIDiscovery.EndpointPort.with {
                    $0.name = name
                    $0.port = target
                    $0.protocol = transport
                }
            }
        }
    }

    private var dnsClusterRole: ClusterRole {
        ClusterRole.with { role in
            role.metadata.name = Self.dnsRole
            role.rules = [
                PolicyRule.with {
                    $0.apiGroups = [""]
                    $0.resources = ["endpoints", "services", "pods", "namespaces"]
                    $0.verbs = ["list", "watch"]
                },
                PolicyRule.with {
                    $0.apiGroups = ["discovery.k8s.io"]
                    $0.resources = ["endpointslices"]
                    $0.verbs = ["list", "watch"]
                },
            ]
        }
    }

    private var dnsBinding: ClusterRoleBinding {
        ClusterRoleBinding.with { binding in
            binding.metadata.name = Self.dnsRole
            binding.roleRef = RoleRef.with {
                $0.apiGroup = "rbac.authorization.k8s.io"
                $0.kind = "ClusterRole"
                $0.name = Self.dnsRole
            }
            binding.subjects = [
                Subject.with {
                    $0.kind = "ServiceAccount"
                    $0.name = Self.dnsAccount
                    $0.namespace = "kube-system"
                }
            ]
        }
    }
}
