import ClusterDNS
import ClusterDNSServer

/// The DNS server alone, on 127.0.0.1, with as many Services as `dev/bench-dns` asks for. Runs until it is killed.
///
///     dns-bench PORT SERVICES
@main struct DNSBench {
    static func main() async throws {
        let arguments: [Int] = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard arguments.count == 2, let port = UInt16(exactly: arguments[0]), let domain = DNSName("cluster.local"),
            let address = InternetAddress("127.0.0.1")
        else { preconditionFailure("usage: dns-bench PORT SERVICES") }
        var zone = ClusterZone.Configuration(domain: domain)
        zone.ownRanges = ["10.96.0.0/12", "10.240.0.0/12"].compactMap { IPPrefix($0) }
        let server = try ClusterDNSServer(
            .init(listeners: [.init(address, port: port)], zone: zone, upstreams: .servers([])))
        for number in 0..<10 { server.post(.namespace("ns\(number)")) }
        for number in 0..<arguments[1] { fill(server, number) }
        server.post(.complete)
        await server.run()
    }

    /// Every tenth Service is headless; each has five endpoints.
    private static func fill(_ server: ClusterDNSServer, _ number: Int) {
        let key = ServiceKey("ns\(number % 10)", "svc-\(number)")
        let port = ZonePort(name: "http", transport: "tcp", number: 80)
        let addresses: [InternetAddress] = [
            InternetAddress("10.\(96 + number >> 16).\(number >> 8 & 255).\(number & 255)")
        ]
        .compactMap { $0 }
        let kind: ZoneService.Kind = number % 10 == 0 ? .headless : .clusterAddresses(addresses)
        let endpoints: [ZoneSlice.Endpoint] = (0..<5).map { index in
            let text: String = "10.\(240 + index).\(number >> 8 & 255).\(number & 255)"
            return ZoneSlice.Endpoint([InternetAddress(text)].compactMap { $0 })
        }
        server.post(.service(ZoneService(key, kind, ports: [port]), revision: 1))
        server.post(.slice(ZoneSlice("svc-\(number)-1", of: key, endpoints, ports: [port]), revision: 1))
    }
}
