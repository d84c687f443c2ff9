import APICore
import APIMachinery
import APIServer
import Codec
import Synchronization
import Testing

@Suite struct AllocatorTests {
    /// A small range: 14 usable addresses, and sixteen ports.
    private static func small(_ range: String = "10.0.0.0/28", ports: ClosedRange<Int> = 30000...30015)
        -> ClusterServiceAllocator
    {
        let seed = Mutex<UInt64>(88_172_645_463_325_252)
        guard let range = CIDR(range) else { preconditionFailure("a test's range") }
        return ClusterServiceAllocator(
            ClusterServiceAllocator.Configuration(ranges: [range], ports: ports), link: ServerLink(),
            random: {
                seed.withLock { seed in
                    seed ^= seed << 13
                    seed ^= seed >> 7
                    seed ^= seed << 17
                    return seed
                }
            })
    }

    private static func service(_ type: String = "ClusterIP", _ fill: (inout Service) -> Void = { _ in }) -> Service {
        Service.with { service in
            service.metadata.name = "x"
            service.metadata.namespace = "default"
            service.spec.type = type
            service.spec.selector = ["app": "web"]
            let port = ServicePort.with {
                $0.port = 80
                $0.protocol = "TCP"
            }
            if type != "ExternalName" { service.spec.ports = [port] }
            fill(&service)
        }
    }

    @discardableResult
    private static func grant(_ allocator: ClusterServiceAllocator, _ service: Service, old: Service? = nil)
        throws(StatusError) -> Service
    {
        var service: Service = service
        try allocator.allocate(&service, old: old, context: context())?.commit()
        return service
    }

    private static func refused(_ allocator: ClusterServiceAllocator, _ service: Service, old: Service? = nil)
        -> String?
    {
        do throws(StatusError) {
            try grant(allocator, service, old: old)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `a service gets an address and its families`() throws {
        let allocator = ClusterServiceAllocator(link: ServerLink())
        let service = try Self.grant(allocator, Self.service())
        let address = try #require(IPAddress(service.spec.clusterIP))
        #expect(ClusterServiceAllocator.Configuration.usualRange.contains(address))
        #expect(service.spec.clusterIPs == [service.spec.clusterIP])
        #expect(service.spec.ipFamilies == ["IPv4"])
        #expect(service.spec.ipFamilyPolicy == "SingleStack")
        // The first 256 are for those who ask.
        #expect(address.bits > 0x0A60_0100)
    }

    @Test func `no address is given twice, and all are given`() throws {
        let allocator = Self.small()
        var seen: Set<String> = []
        for _ in 0..<14 {
            let address: String = try Self.grant(allocator, Self.service()).spec.clusterIP
            #expect(seen.insert(address).inserted)
        }
        #expect(!seen.contains("10.0.0.0"))
        #expect(!seen.contains("10.0.0.15"))
        #expect(
            Self.refused(allocator, Self.service())
                == "Internal error occurred: failed to allocate a serviceIP: range is full")
    }

    @Test func `what is released is given again, what is rolled back too`() throws {
        let allocator = Self.small()
        let services: [Service] = try (0..<14).map { _ in try Self.grant(allocator, Self.service()) }
        allocator.release(services[3])
        let again = try Self.grant(allocator, Self.service())
        #expect(again.spec.clusterIP == services[3].spec.clusterIP)
        allocator.release(again)
        var tried: Service = Self.service("NodePort")
        let allocation = try #require(try allocator.allocate(&tried, old: nil, context: context()))
        allocation.rollback()
        #expect(allocator.takenCounts == (13, 0))
    }

    @Test func `an address that is taken or out of range is refused in upstream's words`() throws {
        let allocator = ClusterServiceAllocator(link: ServerLink())
        func asking(_ address: String) -> Service { Self.service { $0.spec.clusterIPs = [address] } }
        let first = try Self.grant(allocator, asking("10.96.0.1"))
        #expect(first.spec.clusterIP == "10.96.0.1")
        #expect(
            Self.refused(allocator, asking("10.96.0.1"))
                == "Service \"x\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.1\"]: failed to allocate IP "
                + "10.96.0.1: provided IP is already allocated")
        let outside: String =
            "failed to allocate IP 10.97.0.1: the provided IP (10.97.0.1) is not in the valid range. "
            + "The range of valid IPs is 10.96.0.0/16"
        #expect(
            Self.refused(allocator, asking("10.97.0.1"))
                == "Service \"x\" is invalid: spec.clusterIPs: Invalid value: [\"10.97.0.1\"]: \(outside)")
    }

    @Test func `headless services and aliases take nothing`() throws {
        let allocator = Self.small()
        let headless = try Self.grant(allocator, Self.service { $0.spec.clusterIP = "None" })
        #expect(headless.spec.clusterIPs == ["None"])
        #expect(headless.spec.ipFamilies == ["IPv4"])
        let bare = try Self.grant(
            allocator,
            Self.service {
                $0.spec.clusterIP = "None"
                $0.spec.selector = [:]
            })
        #expect(bare.spec.ipFamilyPolicy == "RequireDualStack")
        #expect(bare.spec.ipFamilies == ["IPv4", "IPv6"])
        let alias = try Self.grant(allocator, Self.service("ExternalName"))
        #expect(alias.spec.clusterIP.isEmpty && alias.spec.ipFamilies.isEmpty)
        #expect(allocator.takenCounts == (0, 0))
    }

    @Test func `two stacks are refused where there is one`() {
        let allocator = Self.small()
        #expect(
            Self.refused(allocator, Self.service { $0.spec.ipFamilyPolicy = "RequireDualStack" })
                == "Service \"x\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster "
                + "is not configured for dual-stack services")
        #expect(
            Self.refused(allocator, Self.service { $0.spec.ipFamilies = ["IPv6"] })
                == "Service \"x\" is invalid: spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on "
                + "this cluster"
        )
    }

    @Test func `a change of type takes and gives back`() throws {
        let allocator = Self.small()
        let plain = try Self.grant(allocator, Self.service())
        var wanted: Service = plain
        wanted.spec.type = "NodePort"
        let open = try Self.grant(allocator, wanted, old: plain)
        #expect(open.spec.clusterIP == plain.spec.clusterIP)
        #expect((30000...30015).contains(open.spec.ports[0].nodePort))
        #expect(allocator.takenCounts == (1, 1))
        let alias = try Self.grant(allocator, Self.service("ExternalName"), old: open)
        #expect(allocator.takenCounts == (0, 0))
        #expect(alias.spec.clusterIP.isEmpty)
    }

    @Test func `node ports: two protocols share one, another service does not`() throws {
        let allocator = Self.small()
        var given: Service = Self.service("NodePort")
        given.spec.ports.append(
            ServicePort.with {
                $0.name = "udp"
                $0.port = 80
                $0.protocol = "UDP"
            })
        let service = try Self.grant(allocator, given)
        #expect(service.spec.ports[0].nodePort == service.spec.ports[1].nodePort)
        #expect(allocator.takenCounts.ports == 1)
        let port: Int = service.spec.ports[0].nodePort
        func asking(_ port: Int) -> Service { Self.service("NodePort") { $0.spec.ports[0].nodePort = port } }
        #expect(
            Self.refused(allocator, asking(port))
                == "Service \"x\" is invalid: spec.ports[0].nodePort: Invalid value: \(port): provided port is already "
                + "allocated")
        #expect(
            Self.refused(allocator, asking(80))
                == "Service \"x\" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the "
                + "valid range. The range of valid ports is 30000-30015")
        // What was refused took nothing: not even the address.
        #expect(allocator.takenCounts == (1, 1))
    }

    @Test func `node ports run out`() throws {
        let allocator = Self.small("10.0.0.0/24", ports: 30000...30001)
        _ = try Self.grant(allocator, Self.service("NodePort"))
        _ = try Self.grant(allocator, Self.service("NodePort"))
        #expect(
            Self.refused(allocator, Self.service("NodePort"))
                == "Internal error occurred: failed to allocate a nodePort: range is full")
        let quiet = Self.service("LoadBalancer") { $0.spec.allocateLoadBalancerNodePorts = false }
        #expect(try Self.grant(allocator, quiet).spec.ports[0].nodePort == 0)
    }

    @Test func `the machine's own ports are nobody's node ports`() throws {
        let range: CIDR = try #require(CIDR("10.0.0.0/24"))
        var configuration = ClusterServiceAllocator.Configuration(ranges: [range], ports: 30000...30001)
        configuration.reservedPorts = [30000, 6443]
        let allocator = ClusterServiceAllocator(configuration, link: ServerLink())
        #expect(
            Self.refused(allocator, Self.service("NodePort") { $0.spec.ports[0].nodePort = 30000 })?
                .hasSuffix("provided port is already allocated") == true)
        #expect(try Self.grant(allocator, Self.service("NodePort")).spec.ports[0].nodePort == 30001)
        #expect(Self.refused(allocator, Self.service("NodePort"))?.hasSuffix("range is full") == true)
    }

    @Test func `a local load balancer has a health check port`() throws {
        let allocator = Self.small()
        let local = Self.service("LoadBalancer") { $0.spec.externalTrafficPolicy = "Local" }
        let service = try Self.grant(allocator, local)
        #expect(service.spec.healthCheckNodePort != 0)
        #expect(allocator.takenCounts.ports == 2)
        let asking = Self.service("LoadBalancer") {
            $0.spec.externalTrafficPolicy = "Local"
            $0.spec.healthCheckNodePort = service.spec.healthCheckNodePort
        }
        #expect(
            Self.refused(allocator, asking)
                == "Internal error occurred: failed to allocate requested HealthCheck NodePort "
                + "\(service.spec.healthCheckNodePort): provided port is already allocated")
        #expect(try Self.grant(allocator, service, old: service) == service)
        allocator.release(service)
        #expect(allocator.takenCounts == (0, 0))
    }

    @Test func `what services hold at the start is not given again`() throws {
        let allocator = Self.small()
        let held: [Service] = (1...13).map { number in
            Self.service("NodePort") {
                $0.spec.clusterIP = "10.0.0.\(number)"
                $0.spec.clusterIPs = ["10.0.0.\(number)"]
                $0.spec.ports[0].nodePort = 30000 + number
            }
        }
        allocator.load(held)
        let service = try Self.grant(allocator, Self.service())
        #expect(service.spec.clusterIP == "10.0.0.14")
    }

    @Test func `any sequence of takes and releases keeps addresses apart`() throws {
        let allocator = Self.small("10.0.0.0/26", ports: 30000...30063)
        var live: [Service] = []
        var seed: UInt64 = 1
        for _ in 0..<2_000 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let choice = Int((seed >> 33) % 100)
            if choice < 55, live.count < 62 {
                live.append(try Self.grant(allocator, Self.service("NodePort")))
            } else if !live.isEmpty {
                allocator.release(live.remove(at: choice % live.count))
            }
            #expect(Set(live.map { $0.spec.clusterIP }).count == live.count)
            #expect(Set(live.map { $0.spec.ports[0].nodePort }).count == live.count)
            #expect(allocator.takenCounts == (live.count, live.count))
        }
    }
}
