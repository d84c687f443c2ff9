import API
import APIDiscovery
import Client
import ClusterDNS
import Testing

@Suite struct FeedTests {
    private func service(_ fill: (inout Service) -> Void) -> InformerEvent<Service> {
        var service = Service.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = "web"
        }
        fill(&service)
        return InformerEvent(.added, service, revision: 5)
    }

    private func slice(_ fill: (inout EndpointSlice) -> Void) -> EndpointSlice {
        var slice = EndpointSlice.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = "web-1"
            $0.metadata.labels = ["kubernetes.io/service-name": "web"]
        }
        fill(&slice)
        return slice
    }

    private let key = ServiceKey("default", "web")

    @Test func `each kind of service becomes what it is called`() throws {
        let cluster: ZoneChange = ZoneFeed.change(
            service {
                $0.spec.clusterIP = "10.96.0.5"
                $0.spec.clusterIPs = ["10.96.0.5", "fd00::5"]
                $0.spec.ports = [
                    ServicePort.with {
                        $0.name = "dns"; $0.protocol = "UDP"; $0.port = 53
                    }
                ]
            })
        #expect(
            cluster
                == .service(
                    ZoneService(
                        key, .clusterAddresses([try address("10.96.0.5"), try address("fd00::5")]),
                        ports: [ZonePort(name: "dns", transport: "udp", number: 53)]), revision: 5))
        #expect(
            ZoneFeed.change(service { $0.spec.clusterIP = "None" })
                == .service(ZoneService(key, .headless), revision: 5))
        let alias: ZoneChange = ZoneFeed.change(
            service {
                $0.spec.type = "ExternalName"
                $0.spec.externalName = "example.com"
            })
        #expect(alias == .service(ZoneService(key, .alias(try #require(DNSName("example.com")))), revision: 5))
    }

    @Test func `a service without an address or with a bad name has no name`() {
        #expect(ZoneFeed.change(service { $0.spec.clusterIP = "" }) == .serviceGone(key, revision: 5))
        let bad: InformerEvent<Service> = service {
            $0.spec.type = "ExternalName"
            $0.spec.externalName = "a..b"
        }
        #expect(ZoneFeed.change(bad) == .serviceGone(key, revision: 5))
    }

    @Test func `endpoints without a word on readiness are ready`() throws {
        let made: EndpointSlice = slice {
            $0.endpoints = [
                Endpoint.with {
                    $0.addresses = ["10.244.0.2", "nonsense"]
                    $0.hostname = "web-0"
                    $0.targetRef = ObjectReference.with {
                        $0.kind = "Pod"; $0.name = "web-0"
                    }
                },
                Endpoint.with {
                    $0.addresses = ["10.244.0.3"]
                    $0.conditions.ready = false
                },
            ]
            $0.ports = [
                APIDiscovery.EndpointPort.with { $0.port = 80 }, APIDiscovery.EndpointPort.with { $0.name = "all" },
            ]
        }
        #expect(
            ZoneFeed.changes(InformerEvent(.added, made, revision: 6)) == [
                .slice(
                    ZoneSlice(
                        "web-1", of: key,
                        [
                            .init([try address("10.244.0.2")], hostname: "web-0", pod: "web-0"),
                            .init([try address("10.244.0.3")], isReady: false),
                        ], ports: [ZonePort(name: "", transport: "tcp", number: 80)]), revision: 6)
            ])
    }

    @Test func `a slice that changes its service leaves the old one`() {
        let old: EndpointSlice = slice { _ in }
        let new: EndpointSlice = slice { $0.metadata.labels = ["kubernetes.io/service-name": "other"] }
        #expect(
            ZoneFeed.changes(InformerEvent(.updated, new, old: old, revision: 7)) == [
                .sliceGone(name: "web-1", service: key, revision: 7),
                .slice(ZoneSlice("web-1", of: ServiceKey("default", "other"), []), revision: 7),
            ])
        #expect(
            ZoneFeed.changes(InformerEvent(.deleted, old, old: old, revision: 8)) == [
                .sliceGone(name: "web-1", service: key, revision: 8)
            ])
    }
}
