import APICore
import APIMachinery
import APIServer
import APIServerEncryption
import APIServerTokens
import Codec
import Foundation
import PKI
import Store
import Testing

private typealias Provider = EncryptionConfiguration.Provider

private func key(_ name: String, _ byte: UInt8, count: Int = 32) -> EncryptionConfiguration.Key {
    let secret: String = Base64.encode([UInt8](repeating: byte, count: count))
    let yaml: String = configuration("aesgcm: {keys: [{name: \(name), secret: \"\(secret)\"}]}")
    guard let parsed = try? EncryptionConfiguration(yaml: Array(yaml.utf8)),
        case .aesgcm(let keys) = parsed.rules.first?.providers.first, let key = keys.first
    else { preconditionFailure("the test's own configuration") }
    return key
}

private func configuration(_ provider: String, resources: String = "secrets") -> String {
    """
    apiVersion: apiserver.config.k8s.io/v1
    kind: EncryptionConfiguration
    resources:
    - resources: ["\(resources)"]
      providers:
      - \(provider)
    """
}

private let path: [UInt8] = Array("/registry/secrets/default/s".utf8)
private let plain: [UInt8] = Array("what nobody may read".utf8)

@Suite struct ProviderChainTests {
    @Test func `each cipher reads what it wrote, under upstream's prefix`() throws {
        for (provider, prefix, overhead) in [
            (Provider.aesgcm([key("one", 1)]), "k8s:enc:aesgcm:v1:one:", 28),
            (Provider.aescbc([key("one", 1)]), "k8s:enc:aescbc:v1:one:", 28),
            (Provider.identity, "", 0),
        ] {
            let chain = ProviderChain([provider])
            let stored: [UInt8] = try chain.seal(plain, key: path)
            #expect(stored.starts(with: Array(prefix.utf8)))
            #expect(stored.count == prefix.utf8.count + plain.count + overhead)
            #expect(try chain.open(stored, key: path) == OpenedValue(plain, isStale: false))
        }
    }

    @Test func `two values are never sealed alike`() throws {
        let chain = ProviderChain([.aesgcm([key("one", 1)])])
        let first: [UInt8] = try chain.seal(plain, key: path)
        let second: [UInt8] = try chain.seal(plain, key: path)
        #expect(first != second)
    }

    @Test func `the first key writes, all of them read, and what others wrote is stale`() throws {
        let old = ProviderChain([.aesgcm([key("old", 1)]), .identity])
        let new = ProviderChain([.aesgcm([key("new", 2), key("old", 1)]), .aescbc([key("old", 3)]), .identity])
        let aged: [UInt8] = try old.seal(plain, key: path)
        #expect(try new.open(aged, key: path) == OpenedValue(plain, isStale: true))
        #expect(try new.open(plain, key: path) == OpenedValue(plain, isStale: true))
        let fresh: [UInt8] = try new.seal(plain, key: path)
        #expect(try new.open(fresh, key: path) == OpenedValue(plain, isStale: false))
        let cbc: [UInt8] = try ProviderChain([.aescbc([key("old", 3)])]).seal(plain, key: path)
        #expect(try new.open(cbc, key: path) == OpenedValue(plain, isStale: true))
        #expect(try ProviderChain([.identity]).open(plain, key: path) == OpenedValue(plain, isStale: false))
    }

    @Test func `what was changed, moved, or is of another key is not read`() throws {
        let chain = ProviderChain([.aesgcm([key("one", 1)])])
        let stored: [UInt8] = try chain.seal(plain, key: path)
        var changed: [UInt8] = stored
        changed[changed.count - 1] ^= 1
        #expect(throws: ValueProtectionError("it cannot be decrypted with the key that it names")) {
            try chain.open(changed, key: path)
        }
        #expect(throws: ValueProtectionError.self) {
            try chain.open(stored, key: Array("/registry/secrets/default/other".utf8))
        }
        #expect(throws: ValueProtectionError.self) { try chain.open(Array(stored.prefix(30)), key: path) }
        #expect(throws: ValueProtectionError("it is encrypted with a key that is not configured")) {
            try ProviderChain([.aesgcm([key("two", 1)])]).open(stored, key: path)
        }
        #expect(throws: ValueProtectionError("it is encrypted with a key that is not configured")) {
            try ProviderChain([.identity]).open(stored, key: path)
        }
        #expect(throws: ValueProtectionError("it is not encrypted, and no identity provider is configured")) {
            try chain.open(plain, key: path)
        }
        #expect(throws: ValueProtectionError.self) {
            try ProviderChain([.aescbc([key("one", 1)])]).open(Array("k8s:enc:aescbc:v1:one:short".utf8), key: path)
        }
    }
}

@Suite struct EncryptionConfigurationTests {
    @Test func `the first rule that names a resource counts`() throws {
        let yaml: String = """
            apiVersion: apiserver.config.k8s.io/v1
            kind: EncryptionConfiguration
            resources:
            - {resources: [secrets, deployments.apps], providers: [{identity: {}}]}
            - {resources: ["*."], providers: [{aescbc: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}}]}
            - {resources: ["*.apps"], providers: [{aesgcm: {keys: [{name: b, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}}]}
            """
        let parsed = try EncryptionConfiguration(yaml: Array(yaml.utf8))
        func rule(_ group: String, _ resource: String) -> Int? {
            let gvr = GroupVersionResource(group: group, version: "v1", resource: resource)
            return parsed.rule(for: gvr).flatMap { parsed.rules.firstIndex(of: $0) }
        }
        #expect(rule("", "secrets") == 0)
        #expect(rule("apps", "deployments") == 0)
        #expect(rule("", "configmaps") == 1)
        #expect(rule("apps", "daemonsets") == 2)
        #expect(rule("batch", "jobs") == nil)
    }

    @Test(arguments: [
        ("secretbox: {keys: []}", "not supported here"), ("kms: {}", "not supported here"),
        ("other: {}", "unknown provider \"other\""), ("aesgcm: {keys: []}", "at least one key is wanted"),
        ("aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}", "got 5, expected one of [16 24 32]"),
        ("aesgcm: {keys: [{name: a, secret: \"%%\"}]}", "must be base64"),
        ("aesgcm: {keys: [{name: \"a:b\", secret: AAAAAAAAAAAAAAAAAAAAAA==}]}", "without colons"),
        ("{identity: {}, aescbc: {keys: []}}", "exactly one provider"),
    ])
    func `what is wrong with it is named`(_ provider: String, _ text: String) {
        let yaml: String = configuration(provider)
        do throws(EncryptionConfigurationError) {
            _ = try EncryptionConfiguration(yaml: Array(yaml.utf8))
            Issue.record("accepted: \(provider)")
        } catch {
            #expect(error.description.contains(text), "\(error)")
            #expect(error.description.hasPrefix("resources[0].providers[0]"))
        }
    }

    @Test func `other files are refused`() {
        for text in ["", "{", "apiVersion: v1\nkind: Secret", configuration("identity: {}", resources: "*")] {
            #expect(throws: EncryptionConfigurationError.self) { try EncryptionConfiguration(yaml: Array(text.utf8)) }
        }
    }
}

// MARK: - On a server

private let secrets = GroupVersionResource(group: "", version: "v1", resource: "secrets")

/// A server on a store that outlives it.
@discardableResult
private func withServer<T: Sendable>(
    on store: EmbeddedStore, _ providers: [Provider], _ body: @Sendable (InProcessTransport) async throws -> T
) async throws -> T {
    let chain = ProviderChain(providers)
    let registry: ResourceRegistry = testRegistry { $0.resource == "secrets" ? chain : nil }
    let core = APIServerCore(
        APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer()))
    try await core.start()
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        defer { group.cancelAll() }
        return try await body(InProcessTransport(core: core, user: UserInfo(name: "admin")))
    }
}

private func withStore(_ body: (EmbeddedStore) async throws -> Void) async throws {
    let directory: String = "/tmp/swiftlet-encryption-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: directory))
    do {
        try await body(store)
    } catch {
        await store.close()
        throw error
    }
    await store.close()
}

private func secret(_ response: APIResponse) throws -> Secret {
    guard case .object(let snapshot) = response.body else { throw StatusError.internalError("no object") }
    return try snapshot.decode(Secret.self)
}

@Suite struct EncryptionServerTests {
    private let made = Secret.with {
        $0.metadata.name = "s"
        $0.metadata.namespace = "default"
        $0.data = ["password": Array("hunter2hunter2".utf8)]
    }

    private func create(_ server: InProcessTransport) async throws -> Secret {
        try secret(try await server.perform(APIRequest(.create, secrets, namespace: "default", body: made.jsonBytes)))
    }

    private func stored(_ store: EmbeddedStore) async throws -> [UInt8] {
        try #require(try await store.get(path, at: nil)).value
    }

    @Test func `the store has ciphertext, clients have the secret`() async throws {
        try await withStore { store in
            try await withServer(on: store, [.aesgcm([key("one", 1)]), .identity]) { server in
                let created: Secret = try await create(server)
                let value: [UInt8] = try await stored(store)
                #expect(value.starts(with: Array("k8s:enc:aesgcm:v1:one:".utf8)))
                #expect(!String(decoding: value, as: UTF8.self).contains("password"))
                let read = try await server.perform(APIRequest(.get, secrets, namespace: "default", name: "s"))
                #expect(try secret(read) == created)
                let listed = try await server.perform(
                    APIRequest(
                        .list, secrets, namespace: "default",
                        query: [
                            ("resourceVersion", created.metadata.resourceVersion), ("resourceVersionMatch", "Exact"),
                        ]))
                guard case .list(let items, _, _, _) = listed.body else { throw StatusError.internalError("no list") }
                let shown: [Secret] = try items.map { try $0.decode(Secret.self) }
                #expect(shown == [created])
                let watch = try await server.watch(APIRequest(.watch, secrets, namespace: "default"))
                let events: [WatchEvent] = try await watch.next() ?? []
                let seen: Secret? = try events.first?.object.decode(Secret.self)
                #expect(seen == created)
                watch.cancel()
            }
        }
    }

    @Test func `a replace that changes nothing rewrites with the new key, once`() async throws {
        try await withStore { store in
            let first: Secret = try await withServer(on: store, [.identity]) { server in try await create(server) }
            let before: [UInt8] = try await stored(store)
            #expect(!before.starts(with: Array("k8s:".utf8)))
            try await withServer(on: store, [.aesgcm([key("new", 2)]), .identity]) { server in
                let request = APIRequest(
                    .update, secrets, namespace: "default", name: "s", body: first.jsonBytes)
                let rewritten: Secret = try secret(try await server.perform(request))
                #expect(rewritten.data == first.data)
                #expect(rewritten.metadata.resourceVersion != first.metadata.resourceVersion)
                let after: [UInt8] = try await stored(store)
                #expect(after.starts(with: Array("k8s:enc:aesgcm:v1:new:".utf8)))
                let again: Secret = try secret(
                    try await server.perform(
                        APIRequest(.update, secrets, namespace: "default", name: "s", body: rewritten.jsonBytes)))
                #expect(again.metadata.resourceVersion == rewritten.metadata.resourceVersion)
            }
            // The old way of writing is not needed any more.
            try await withServer(on: store, [.aesgcm([key("new", 2)])]) { server in
                let read = try await server.perform(APIRequest(.get, secrets, namespace: "default", name: "s"))
                #expect(try secret(read).data == first.data)
            }
        }
    }

    @Test func `a server without the key does not start, and says why`() async throws {
        try await withStore { store in
            try await withServer(on: store, [.aesgcm([key("one", 1)])]) { server in _ = try await create(server) }
            do {
                try await withServer(on: store, [.aesgcm([key("two", 2)]), .identity]) { _ in
                    Issue.record("it started")
                }
            } catch {
                #expect("\(error)".contains("/registry/secrets/default/s"))
                #expect("\(error)".contains("encrypted with a key that is not configured"))
            }
        }
    }
}
