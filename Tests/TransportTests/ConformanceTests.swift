import APICore
import APIMachinery
import Client
import Testing
import TransportConformance

/// The one suite that all ways to the API server pass.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ConformanceTests {
    @Test(arguments: Way.allCases, TransportConformance.checks)
    func `every way to the server behaves the same`(way: Way, check: TransportConformance.Check) async throws {
        try await withServer { server in
            try await server.connect(way) { transport in
                try await check.run(TransportConformance(transport))
            }
        }
    }

    @Test(arguments: Way.allCases)
    func `the suite passes again beside what an earlier run left to the server`(way: Way) async throws {
        try await withServer { server in
            try await server.connect(way) { transport in
                for run in ["a", "b"] {
                    for check in TransportConformance.checks {
                        try await check.run(TransportConformance(transport, run: run))
                    }
                }
            }
        }
    }

    @Test(arguments: Way.allCases)
    func `a watch of history that is gone is told so, and goes on from a new list`(way: Way) async throws {
        let names: [String] = ["a", "b", "c"]
        let map: @Sendable (String) -> ConfigMap = { name in
            ConfigMap.with {
                $0.metadata.namespace = "default"
                $0.metadata.name = name
            }
        }
        try await withServer(after: { transport in
            for name in names { _ = try await APIClient(transport).create(map(name)) }
        }) { server in
            try await server.connect(way) { transport in
                let client = APIClient(transport)
                let error = await #expect(throws: StatusError.self) {
                    // In process the watch itself fails; over HTTP its stream tells, as upstream's does.
                    let stream: any WatchStream = try await client.watch(
                        ConfigMap.resource, Selection(namespace: "default"), from: 1)
                    while try await stream.next() != nil {}
                }
                #expect(error?.isExpired == true && error?.code == 410, "\(String(describing: error))")
                let list: ObjectPage = try await client.list(ConfigMap.resource, Selection(namespace: "default"))
                #expect(list.snapshots.map(\.name) == names)
                let stream: any WatchStream = try await client.watch(
                    ConfigMap.resource, Selection(namespace: "default"), from: list.revision)
                _ = try await client.create(map("d"))
                var events: [WatchEvent] = []
                while events.isEmpty, let more = try await stream.next() {
                    events += more.filter { $0.kind != .bookmark }
                }
                #expect(events.map(\.object.name) == ["d"])
                stream.cancel()
            }
        }
    }

    @Test func `the ways over the network speak what they say they do`() async throws {
        try await withServer { server in
            for (way, version) in [(Way.http1, "http1"), (.http1TLS, "http1"), (.http2TLS, "http2")] {
                try await server.connect(way) { transport in
                    _ = try await transport.perform(APIRequest(.list, TestServer.configMaps, namespace: "default"))
                }
                #expect(server.lastVersion == version, "\(way)")
            }
        }
    }

    @Test(arguments: [Way.http1TLS, .http2TLS])
    func `a client whose certificate is of another authority gets 401`(way: Way) async throws {
        try await withServer { server in
            try await server.connect(way, as: .stranger) { transport in
                let error = await #expect(throws: StatusError.self) {
                    _ = try await transport.perform(APIRequest(.list, TestServer.configMaps, namespace: "default"))
                }
                #expect(error?.code == 401 && error?.message == "Unauthorized")
            }
        }
    }
}
