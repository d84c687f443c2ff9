import APICore
import APIMachinery
import APIPolicy
import APIServer
import Codec
import Foundation
import Store

/// A kind as small as it can be.
struct PlainKind<Object: APIObject>: ResourceStrategy {
    let info: ResourceInfo
    var grace: Int = 0

    func gracefulDeletion(_ object: Object, options: DeletionRequest) -> GracefulDeletion {
        let seconds: Int = options.gracePeriodSeconds ?? grace
        return seconds == 0 ? .immediate : .graceful(seconds: seconds)
    }
}

let podResource = GroupVersionResource(group: "", version: "v1", resource: "pods")
let quotaResource = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
let budgetResource = GroupVersionResource(group: "policy", version: "v1", resource: "poddisruptionbudgets")
let namespaceResource = GroupVersionResource(group: "", version: "v1", resource: "namespaces")

struct AdmissionServer: Sendable {
    let core: APIServerCore
    let client: InProcessTransport

    func create<Object: APIObject>(_ gvr: GroupVersionResource, _ object: Object, dryRun: Bool = false)
        async throws(StatusError)
    {
        _ = try await client.perform(
            APIRequest(
                .create, gvr, namespace: object.metadata.namespace, query: dryRun ? [("dryRun", "All")] : [],
                body: object.jsonBytes))
    }

    func get<Object: APIObject>(_ type: Object.Type, _ gvr: GroupVersionResource, _ name: String)
        async throws -> Object
    {
        let response = try await client.perform(
            APIRequest(.get, gvr, namespace: Object.self == Namespace.self ? "" : "default", name: name))
        guard case .object(let snapshot) = response.body else { throw StatusError.internalError("no object") }
        return try snapshot.decode(type)
    }

    func delete(_ gvr: GroupVersionResource, _ name: String, namespace: String = "default") async throws(StatusError) {
        _ = try await client.perform(APIRequest(.delete, gvr, namespace: namespace, name: name))
    }

    func evict(_ pod: String, _ fill: (inout Eviction) -> Void = { _ in }) async throws(StatusError) -> APIResponse {
        var eviction = Eviction.with { $0.metadata.name = pod }
        fill(&eviction)
        return try await client.perform(
            APIRequest(
                .create, podResource, namespace: "default", name: pod, subresource: "eviction",
                body: eviction.jsonBytes))
    }
}

/// The kinds that these tests are about, without rules of their own.
private func plainKinds(_ link: ServerLink) -> [any ResourceStrategy] {
    let eviction = ResourceInfo.Subresource("eviction", gvk: Eviction.gvk, verbs: ["create"])
    return [
        PlainKind<Pod>(
            info: ResourceInfo(Pod.gvk, resource: "pods", namespaced: true, subresources: [eviction]), grace: 30),
        PlainKind<Namespace>(info: Resources.namespaces),
        PlainKind<ServiceAccount>(
            info: ResourceInfo(ServiceAccount.gvk, resource: "serviceaccounts", namespaced: true)),
        PlainKind<ConfigMap>(info: Resources.configMaps),
        PlainKind<ResourceQuota>(
            info: ResourceInfo(ResourceQuota.gvk, resource: "resourcequotas", namespaced: true)),
        PlainKind<PodDisruptionBudget>(
            info: ResourceInfo(PodDisruptionBudget.gvk, resource: "poddisruptionbudgets", namespaced: true)),
    ]
}

/// The kinds as they are served.
func builtinKinds(_ link: ServerLink) -> [any ResourceStrategy] {
    KindRegistrations.all(services: ClusterServiceAllocator(link: link))
}

/// Runs a server with upstream's admission on a store of its own.
func withServer<T: Sendable>(
    kinds: (ServerLink) -> [any ResourceStrategy] = plainKinds, _ body: @Sendable (AdmissionServer) async throws -> T
) async throws -> T {
    let directory: String = "/tmp/swiftlet-admission-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: directory))
    let link = ServerLink()
    let registry = ResourceRegistry(kinds(link))
    var parts = APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer())
    parts.admission = AdmissionPlugins.standard(link: link)
    parts.subresources = [EvictionHandler()]
    let core = APIServerCore(parts)
    link.connect(core)
    try await core.start()
    let server = AdmissionServer(
        core: core,
        client: InProcessTransport(core: core, user: UserInfo(name: "tester", groups: ["system:masters"])))
    let result: Result<T, any Error> = await withTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        let result: Result<T, any Error>
        do {
            try await prepare(server)
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        group.cancelAll()
        return result
    }
    await store.close()
    return try result.get()
}

/// The default namespace and its account.
private func prepare(_ server: AdmissionServer) async throws {
    try await server.create(namespaceResource, Namespace.with { $0.metadata.name = "default" })
    let accounts = GroupVersionResource(group: "", version: "v1", resource: "serviceaccounts")
    let account = ServiceAccount.with {
        $0.metadata.name = "default"
        $0.metadata.namespace = "default"
    }
    try await server.create(accounts, account)
}
