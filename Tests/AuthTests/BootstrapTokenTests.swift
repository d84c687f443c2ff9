import APICore
import APIMachinery
import APIServer
import Codec
import Testing

@Suite struct BootstrapTokenTests {
    private static let token: String = "abcdef.0123456789abcdef"

    private static func secret(
        _ changes: [String: String?] = [:], type: String = BootstrapTokenAuthenticator.secretType
    )
        -> Secret
    {
        var data: [String: String] = [
            "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true",
            "expiration": "2100-01-01T00:00:00Z",
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
        ]
        for (key, value) in changes { data[key] = value }
        return Secret.with { secret in
            secret.metadata.name = "bootstrap-token-abcdef"
            secret.metadata.namespace = "kube-system"
            secret.type = type
            for (key, value) in data { secret.data[key] = Array(value.utf8) }
        }
    }

    private func ask(_ secret: Secret, _ token: String = Self.token) async throws -> TokenResult {
        try await withCluster { cluster in
            _ = try await cluster.create(secret, "secrets")
            try await cluster.settle()
            let caches: any CacheReader = cluster.core.services.caches
            return BootstrapTokenAuthenticator(caches: caches, clock: cluster.clock)
                .authenticate(token: token, audiences: [])
        }
    }

    @Test func `a token in a secret is a bootstrapper's`() async throws {
        let user = UserInfo(
            name: "system:bootstrap:abcdef",
            groups: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"])
        #expect(try await ask(Self.secret()) == .authenticated(user, audiences: []))
        let plain = UserInfo(name: "system:bootstrap:abcdef", groups: ["system:bootstrappers"])
        #expect(
            try await ask(Self.secret(["expiration": nil, "auth-extra-groups": nil]))
                == .authenticated(plain, audiences: []))
    }

    @Test(
        arguments: [
            ["token-secret": "0123456789abcdeX"], ["token-id": "other1"], ["expiration": "2001-01-01T00:00:00Z"],
            ["expiration": "tomorrow"], ["usage-bootstrap-authentication": "false"],
            ["usage-bootstrap-authentication": nil],
            ["auth-extra-groups": "system:masters"], ["auth-extra-groups": "system:bootstrappers:"],
            ["auth-extra-groups": "system:bootstrappers:a-"], ["token-secret": nil],
        ] as [[String: String?]])
    func `a secret that is not right is not known`(_ changes: [String: String?]) async throws {
        #expect(try await ask(Self.secret(changes)) == .unknown)
    }

    @Test func `neither other types nor other forms are tokens`() async throws {
        #expect(try await ask(Self.secret(type: "Opaque")) == .unknown)
        for token in ["abcdef.0123456789abcde", "ABCDEF.0123456789abcdef", "abcdef0123456789abcdef", "", "abcdef.x.y"] {
            #expect(try await ask(Self.secret(), token) == .unknown)
        }
    }
}
