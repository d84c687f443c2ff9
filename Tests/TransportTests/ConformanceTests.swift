import APIMachinery
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
