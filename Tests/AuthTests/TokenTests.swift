import APIAuthentication
import APICore
import APIMachinery
import APIServer
import APIServerTokens
import Codec
import PKI
import Testing

@Suite(.timeLimit(.minutes(5)))
struct TokenTests {
    private static let issuer: String = "https://kubernetes.default.svc"

    private static func account(_ name: String, uid: String = "") -> ServiceAccount {
        ServiceAccount.with {
            $0.metadata.name = name
            $0.metadata.namespace = "web"
        }
    }

    private static func pod(_ name: String, account: String, node: String = "") -> Pod {
        Pod.with {
            $0.metadata.name = name
            $0.metadata.namespace = "web"
            $0.spec.serviceAccountName = account
            $0.spec.nodeName = node
        }
    }

    private static let accounts = GroupVersionResource(group: "", version: "v1", resource: "serviceaccounts")

    private static func token(
        _ cluster: TestCluster, _ account: String = "robot", as transport: (any Transport)? = nil,
        _ fill: (inout TokenRequestSpec) -> Void = { _ in }
    ) async throws -> TokenRequest {
        var request = TokenRequest()
        fill(&request.spec)
        return try await cluster.ask(
            request, accounts, namespace: "web", name: account, subresource: "token", as: transport)
    }

    private static func bound(_ kind: String, _ name: String, uid: String = "") -> BoundObjectReference {
        BoundObjectReference.with {
            $0.kind = kind
            $0.apiVersion = "v1"
            $0.name = name
            $0.uid = uid
        }
    }

    private static func ask(_ cluster: TestCluster, _ token: String, audiences: [String] = []) -> TokenResult {
        cluster.access.tokens.authenticate(token: token, audiences: audiences)
    }

    // MARK: - Static tokens

    @Test func `a token file names users, ids and groups`() throws {
        let file: String = #"""
            secret-1,alice,1
            secret-2,"bob, the ""builder""",2,"dev,ops"

            secret-3, carol,3,dev
            """#
        let tokens = try StaticTokens(csv: Array(file.utf8))
        func user(_ token: String) -> APIServer.UserInfo? {
            guard case .authenticated(let user, _) = tokens.authenticate(token: token, audiences: []) else {
                return nil
            }
            return user
        }
        #expect(user("secret-1") == APIServer.UserInfo(name: "alice", uid: "1"))
        #expect(user("secret-2") == APIServer.UserInfo(name: "bob, the \"builder\"", uid: "2", groups: ["dev", "ops"]))
        #expect(user("secret-3") == APIServer.UserInfo(name: "carol", uid: "3", groups: ["dev"]))
        #expect(tokens.authenticate(token: "secret-4", audiences: []) == .unknown)
        #expect(tokens.authenticate(token: "", audiences: []) == .unknown)
    }

    @Test(arguments: [
        ("a,b", 1, "a token file needs at least 3 columns, found 2"), ("\n,b,c", 2, "empty token"),
        ("a,b,c\n\"x,y,z", 2, "a quote that does not end"),
    ])
    func `a wrong token file says where`(file: String, line: Int, message: String) {
        #expect {
            try StaticTokens(csv: Array(file.utf8))
        } throws: { error in
            let problem = error as? StaticTokens.Problem
            return problem?.line == line && problem?.message == message
        }
    }

    // MARK: - Service accounts

    @Test func `a token is its account, and says what it is bound to`() async throws {
        try await withCluster { cluster in
            let account: ServiceAccount = try await cluster.create(Self.account("robot"), "serviceaccounts")
            let node: Node = try await cluster.create(Node.with { $0.metadata.name = "n1" }, "nodes")
            let pod: Pod = try await cluster.create(Self.pod("web-0", account: "robot", node: "n1"), "pods")
            let made: TokenRequest = try await Self.token(cluster) {
                $0.boundObjectRef = Self.bound("Pod", "web-0", uid: pod.metadata.uid)
                $0.expirationSeconds = 3607
            }
            #expect(made.metadata.name == "robot" && made.metadata.namespace == "web")
            #expect(made.spec.audiences == [Self.issuer])
            #expect(made.status.expirationTimestamp == cluster.clock.now.adding(seconds: 3607))
            guard case .authenticated(let user, let audiences) = Self.ask(cluster, made.status.token) else {
                Issue.record("refused")
                return
            }
            #expect(audiences == [Self.issuer])
            #expect(user.name == "system:serviceaccount:web:robot" && user.uid == account.metadata.uid)
            #expect(user.groups == ["system:serviceaccounts", "system:serviceaccounts:web"])
            let prefix: String = "authentication.kubernetes.io/"
            #expect(user.extra[prefix + "pod-name"] == ["web-0"])
            #expect(user.extra[prefix + "pod-uid"] == [pod.metadata.uid])
            #expect(user.extra[prefix + "node-name"] == ["n1"])
            #expect(user.extra[prefix + "node-uid"] == [node.metadata.uid])
            #expect(user.extra[prefix + "credential-id"]?.first?.hasPrefix("JTI=") == true)
            // What a kubelet projects lives longer than it says.
            cluster.clock.advance(seconds: 100 * 24 * 3600)
            #expect(Self.ask(cluster, made.status.token) == .authenticated(user, audiences: audiences))
            let credentials = Credentials(bearerToken: made.status.token)
            #expect(
                cluster.access.authenticator.authenticate(credentials) == .authenticated(user.authenticated()))
        }
    }

    @Test func `a token ends with its time, give or take a minute`() async throws {
        try await withCluster { cluster in
            _ = try await cluster.create(Self.account("robot"), "serviceaccounts")
            let token: String = try await Self.token(cluster) { $0.expirationSeconds = 600 }.status.token
            cluster.clock.advance(seconds: 660)
            guard case .authenticated = Self.ask(cluster, token) else {
                Issue.record("within the leeway")
                return
            }
            cluster.clock.advance(seconds: 1)
            #expect(Self.ask(cluster, token) == .refused("service account token has expired"))
            cluster.clock.advance(seconds: -721)
            guard case .authenticated = Self.ask(cluster, token) else {
                Issue.record("within the leeway")
                return
            }
            cluster.clock.advance(seconds: -1)
            #expect(Self.ask(cluster, token) == .refused("service account token is not valid yet"))
        }
    }

    @Test func `a token ends with its account, and with what it is bound to`() async throws {
        try await withCluster { cluster in
            let gone: TokenResult = .refused("service account token has been invalidated")
            _ = try await cluster.create(Self.account("robot"), "serviceaccounts")
            _ = try await cluster.create(Self.pod("web-0", account: "robot"), "pods")
            _ = try await cluster.create(Node.with { $0.metadata.name = "n1" }, "nodes")
            let secret = Secret.with {
                $0.metadata.name = "s"
                $0.metadata.namespace = "web"
            }
            _ = try await cluster.create(secret, "secrets")
            let free: String = try await Self.token(cluster).status.token
            let ofPod: String = try await Self.token(cluster) { $0.boundObjectRef = Self.bound("Pod", "web-0") }
                .status.token
            let ofNode: String = try await Self.token(cluster) { $0.boundObjectRef = Self.bound("Node", "n1") }
                .status.token
            let ofSecret: String = try await Self.token(cluster) { $0.boundObjectRef = Self.bound("Secret", "s") }
                .status.token
            for token in [free, ofPod, ofNode, ofSecret] {
                guard case .authenticated = Self.ask(cluster, token) else {
                    Issue.record("refused")
                    return
                }
            }
            try await cluster.delete(Pod.self, "pods", "web", "web-0")
            try await cluster.delete(Node.self, "nodes", "", "n1")
            try await cluster.delete(Secret.self, "secrets", "web", "s")
            try await cluster.settle()
            #expect(Self.ask(cluster, ofPod) == gone)
            #expect(Self.ask(cluster, ofNode) == gone)
            #expect(Self.ask(cluster, ofSecret) == gone)
            // One of the same name is another one.
            let again: Pod = try await cluster.create(Self.pod("web-0", account: "robot"), "pods")
            try await cluster.settle()
            guard case .refused(let text) = Self.ask(cluster, ofPod) else {
                Issue.record("believed")
                return
            }
            #expect(text.hasPrefix("pod UID (\(again.metadata.uid)) does not match service account pod ref claim"))
            try await cluster.delete(ServiceAccount.self, "serviceaccounts", "web", "robot")
            try await cluster.settle()
            #expect(Self.ask(cluster, free) == .refused(#"serviceaccounts "robot" not found"#))
            let other: ServiceAccount = try await cluster.create(Self.account("robot"), "serviceaccounts")
            try await cluster.settle()
            guard case .refused(let why) = Self.ask(cluster, free) else {
                Issue.record("believed")
                return
            }
            #expect(why.hasPrefix("service account UID (\(other.metadata.uid)) does not match claim ("))
        }
    }

    @Test func `a token is for its audiences only`() async throws {
        try await withCluster { cluster in
            _ = try await cluster.create(Self.account("robot"), "serviceaccounts")
            let token: String = try await Self.token(cluster) { $0.audiences = ["vault", "ci"] }.status.token
            #expect(
                Self.ask(cluster, token)
                    == .refused(
                        #"token audiences ["vault" "ci"] is invalid for the target audiences "#
                            + #"["https://kubernetes.default.svc"]"#))
            guard case .authenticated(_, let audiences) = Self.ask(cluster, token, audiences: ["ci", "x"]) else {
                Issue.record("refused")
                return
            }
            #expect(audiences == ["ci"])
        }
    }

    @Test func `whatever is changed in a token, it is not believed`() async throws {
        try await withCluster { cluster in
            _ = try await cluster.create(Self.account("robot"), "serviceaccounts")
            let token: String = try await Self.token(cluster).status.token
            let parts: [Substring] = token.split(separator: ".")
            let payload: JSONValue = try JSONValue(parsing: Self.decode(parts[1]))
            var object: JSONObject = try #require(payload.object)
            object["sub"] = "system:serviceaccount:kube-system:admin"
            let forged: String = Self.encode(JSONValue.object(object).jsonBytes)
            let none: String = Self.encode(Array(#"{"alg":"none"}"#.utf8))
            let strange = JWTSigner(.generate())
            let believed: [String] = [
                "\(parts[0]).\(forged).\(parts[2])", "\(none).\(forged).", "\(none).\(forged).\(parts[2])",
                "\(parts[0]).\(parts[1]).\(String(parts[2].reversed()))",
                try strange.sign(payload: Self.decode(parts[1])), token + "A",
            ].filter {
                if case .authenticated = Self.ask(cluster, $0) { return true }
                return false
            }
            #expect(believed.isEmpty)
            // Somebody else's, or nothing at all: unknown, not refused.
            object["iss"] = "https://example.com"
            let foreign: String = try strange.sign(payload: JSONValue.object(object).jsonBytes)
            for other in [foreign, "abc", "a.b.c", ""] { #expect(Self.ask(cluster, other) == .unknown) }
            #expect(
                cluster.access.authenticator.authenticate(Credentials(bearerToken: "abc"))
                    == .failure("invalid bearer token"))
            // Signed by us, but not for an account.
            object["iss"] = .string(Self.issuer)
            object["kubernetes.io"] = nil
            let ours: String = try JWTSigner(cluster.key).sign(payload: JSONValue.object(object).jsonBytes)
            #expect(Self.ask(cluster, ours) == .refused("malformed claims"))
        }
    }

    private static func decode(_ text: Substring) throws -> [UInt8] {
        try #require(Base64.decodeURL(ArraySlice(Array(text.utf8))))
    }

    private static func encode(_ bytes: [UInt8]) -> String { Base64.encodeURL(bytes) }

    // MARK: - Requests

    @Test func `wrong requests for tokens are refused in upstream's words`() async throws {
        try await withCluster { cluster in
            _ = try await cluster.create(Self.account("robot"), "serviceaccounts")
            _ = try await cluster.create(Self.pod("other", account: "default"), "pods")
            let own: Pod = try await cluster.create(Self.pod("own", account: "robot"), "pods")
            let cases: [(String, Int, String, @Sendable (inout TokenRequest) -> Void)] = [
                ("nobody", 404, #"serviceaccounts "nobody" not found"#, { _ in }),
                (
                    "robot", 422,
                    #"TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: "#
                        + "may not specify a duration less than 10 minutes", { $0.spec.expirationSeconds = 599 }
                ),
                (
                    "robot", 422,
                    #"TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: "#
                        + "4294967297: may not specify a duration larger than 2^32 seconds",
                    { $0.spec.expirationSeconds = (1 << 32) + 1 }
                ),
                (
                    "robot", 422,
                    #"TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "x": "#
                        + "must match the service account name if specified", { $0.metadata.name = "x" }
                ),
                (
                    "robot", 400,
                    "the namespace of the provided object does not match the namespace sent on the request",
                    { $0.metadata.namespace = "other" }
                ),
                ("robot", 404, #"pods "none" not found"#, { $0.spec.boundObjectRef = Self.bound("Pod", "none") }),
                (
                    "robot", 400,
                    #"cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name."#,
                    { $0.spec.boundObjectRef = Self.bound("Pod", "other") }
                ),
                (
                    "robot", 400, "cannot bind token to object of type /v1, Kind=ConfigMap",
                    { $0.spec.boundObjectRef = Self.bound("ConfigMap", "c") }
                ),
                (
                    "robot", 409,
                    #"Operation cannot be fulfilled on Pod "own": the UID in the bound object reference (other) does "#
                        + "not match the UID in record. The object might have been deleted and then recreated",
                    { $0.spec.boundObjectRef = Self.bound("Pod", "own", uid: "other") }
                ),
            ]
            #expect(!own.metadata.uid.isEmpty)
            for (account, code, message, fill) in cases {
                var request = TokenRequest()
                fill(&request)
                let error: StatusError? = await failure {
                    _ = try await cluster.ask(
                        request, Self.accounts, namespace: "web", name: account, subresource: "token")
                }
                #expect(error?.code == code)
                #expect(error?.message == message)
            }
        }
    }

    @Test func `outsiders find the keys`() async throws {
        try await withCluster { cluster in
            func get(_ path: String) throws -> JSONValue {
                let request = NonResourceRequest(
                    method: "GET", path: path, context: RequestContext(user: .anonymous, verb: "get", path: path))
                return try JSONValue(parsing: #require(try cluster.core.nonResource(request)).body)
            }
            let document: JSONValue = try get("/.well-known/openid-configuration")
            #expect(document["issuer"]?.string == Self.issuer)
            #expect(document["jwks_uri"]?.string == Self.issuer + "/openid/v1/jwks")
            let keys: JSONValue = try get("/openid/v1/jwks")
            #expect(keys["keys"]?[0]?["kid"]?.string == cluster.key.verifyingKey.id)
            #expect(keys["keys"]?[0]?["d"] == nil)
        }
    }
}
