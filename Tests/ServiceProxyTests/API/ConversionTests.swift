import API
import APICore
import APIDiscovery
import APIMachinery
import APINetworking
import Netfilter
import NetworkPolicies
import ServiceProxy
import Testing

@Suite struct ConversionTests {
    private func service(_ fill: (inout Service) -> Void = { _ in }) -> Service {
        Service.with { service in
            service.metadata.name = "web"
            service.metadata.namespace = "shop"
            service.spec.clusterIP = "10.96.0.7"
            service.spec.clusterIPs = ["10.96.0.7", "fd00:96::7"]
            service.spec.ports = [
                ServicePort.with {
                    $0.name = "http"
                    $0.port = 80
                    $0.nodePort = 30_080
                    $0.protocol = "TCP"
                }
            ]
            fill(&service)
        }
    }

    @Test func `a service's fields become facts`() throws {
        let facts = try #require(
            ServiceFacts(
                service {
                    $0.spec.type = "LoadBalancer"
                    $0.spec.externalIPs = ["192.0.2.7"]
                    $0.spec.loadBalancerSourceRanges = [" 198.51.100.0/24 "]
                    $0.spec.sessionAffinity = "ClientIP"
                    $0.spec.internalTrafficPolicy = "Local"
                    $0.spec.externalTrafficPolicy = "Local"
                    $0.spec.healthCheckNodePort = 32_000
                    $0.status.loadBalancer.ingress = [
                        LoadBalancerIngress.with { $0.ip = "192.0.2.8" },
                        LoadBalancerIngress.with {
                            $0.ip = "192.0.2.9"
                            $0.ipMode = "Proxy"
                        },
                        LoadBalancerIngress.with { $0.hostname = "lb.example.com" },
                    ]
                }))
        #expect(facts.name == ServiceName("shop", "web"))
        #expect(facts.ports == [.init(name: "http", number: 80, nodePort: 30_080)])
        #expect(facts.clusterAddresses == [address("10.96.0.7"), address("fd00:96::7")])
        #expect(facts.externalAddresses == [address("192.0.2.7")])
        #expect(facts.balancerAddresses == [address("192.0.2.8")], "what comes through a proxy comes to the node port")
        #expect(facts.allowedSources?.map(\.description) == ["198.51.100.0/24"])
        #expect(facts.affinitySeconds == 10_800 && facts.isInternalLocal && facts.isExternalLocal)
        #expect(facts.healthCheckPort == 32_000)
    }

    @Test func `what has no packets of its own has no facts`() {
        #expect(ServiceFacts(service { $0.spec.clusterIP = "None" }) == nil)
        #expect(ServiceFacts(service { $0.spec.clusterIP = "" }) == nil)
        #expect(ServiceFacts(service { $0.spec.type = "ExternalName" }) == nil)
        #expect(
            ServiceFacts(service { $0.metadata.labels["service.kubernetes.io/service-proxy-name"] = "other" }) == nil)
    }

    @Test func `a slice's endpoints keep their conditions and hints`() throws {
        let slice = EndpointSlice.with { slice in
            slice.addressType = "IPv4"
            slice.ports = [
                APIDiscovery.EndpointPort.with {
                    $0.name = "http"
                    $0.port = 8080
                }, APIDiscovery.EndpointPort.with { $0.name = "unset" },
            ]
            slice.endpoints = [
                Endpoint.with {
                    $0.addresses = ["10.0.0.1", "10.0.0.9"]
                    $0.nodeName = "a"
                },
                Endpoint.with {
                    $0.addresses = ["10.0.0.2"]
                    $0.conditions.ready = false
                    $0.conditions.serving = true
                    $0.conditions.terminating = true
                    $0.hints = EndpointHints.with { hints in
                        hints.forZones = [ForZone.with { $0.name = "east" }]
                    }
                },
            ]
        }
        let facts = try #require(SliceFacts(slice, node: "a"))
        #expect(facts.ports == [.init(name: "http", number: 8080)])
        #expect(
            facts.endpoints == [
                EndpointFacts(address("10.0.0.1"), isLocal: true),
                EndpointFacts(address("10.0.0.2"), isReady: false, isTerminating: true, zones: ["east"]),
            ])
        #expect(SliceFacts(EndpointSlice.with { $0.addressType = "FQDN" }, node: "a") == nil)
    }

    @Test func `a policy's rules are read, and those that nobody understands allow nothing`() throws {
        let policy = NetworkPolicy.with { policy in
            policy.metadata.namespace = "shop"
            policy.metadata.name = "p"
            policy.spec.podSelector.matchLabels = ["app": "web"]
            policy.spec.ingress = [
                NetworkPolicyIngressRule.with { rule in
                    rule.from = [
                        NetworkPolicyPeer.with { peer in
                            peer.ipBlock = IPBlock.with {
                                $0.cidr = "10.0.0.0/8"
                                $0.except = ["10.1.0.0/16"]
                            }
                        }
                    ]
                    rule.ports = [
                        NetworkPolicyPort.with {
                            $0.port = .int(80)
                            $0.endPort = 90
                        }, NetworkPolicyPort.with { $0.port = .string("web") },
                        NetworkPolicyPort.with { $0.protocol = "UDP" },
                    ]
                },
                NetworkPolicyIngressRule.with { $0.from = [NetworkPolicyPeer()] },
                NetworkPolicyIngressRule(),
            ]
        }
        let facts = PolicyFacts(policy)
        #expect(facts.egress == nil)
        let block = try #require(IPPrefix("10.0.0.0/8"))
        let except = try #require(IPPrefix("10.1.0.0/16"))
        #expect(
            facts.ingress == [
                .init(
                    peers: [.block(block, except: [except])],
                    ports: [.range(.tcp, 80...90), .named(.tcp, "web"), .every(.udp)]), .init(),
            ])
        var both: NetworkPolicy = policy
        both.spec.policyTypes = ["Egress"]
        #expect(PolicyFacts(both).ingress == nil && PolicyFacts(both).egress == [])
    }

    @Test func `pods without a network of their own, and ended ones, are not bound`() {
        func pod(_ fill: (inout Pod) -> Void) -> PodFacts? {
            PodFacts(
                Pod.with { pod in
                    pod.metadata.namespace = "shop"
                    pod.spec.nodeName = "a"
                    pod.status.podIP = "10.244.0.5"
                    fill(&pod)
                }, node: "a")
        }
        #expect(pod { _ in } == PodFacts(namespace: "shop", labels: [:], addresses: [address("10.244.0.5")]))
        #expect(pod { $0.spec.hostNetwork = true } == nil)
        #expect(pod { $0.status.phase = "Succeeded" } == nil)
        #expect(pod { $0.status.podIP = "" } == nil)
    }
}
