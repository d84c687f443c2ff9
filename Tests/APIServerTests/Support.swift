import APIApps
import APICore
import APIMachinery
import APIServer
import Codec
import Flow
import Foundation
import Store
import Synchronization

// MARK: - Kinds, as small as they can be

struct TestConfigMaps: ResourceStrategy {
    let info = ResourceInfo(ConfigMap.gvk, resource: "configmaps", shortNames: ["cm"], namespaced: true)

    func validateUpdate(_ object: ConfigMap, old: ConfigMap, context: RequestContext) -> FieldErrors {
        guard old.immutable == true, object.data != old.data else { return [] }
        return [.forbidden(FieldPath("data"), "field is immutable when `immutable` is set")]
    }

    func warnings(_ object: ConfigMap, old: ConfigMap?, context: RequestContext) -> [String] {
        object.data["warn"].map { ["data.warn: \($0)"] } ?? []
    }
}

struct TestPods: ResourceStrategy {
    let info = ResourceInfo(
        Pod.gvk, resource: "pods", shortNames: ["po"], categories: ["all"], namespaced: true,
        subresources: [
            ResourceInfo.Subresource("binding", gvk: Binding.gvk, verbs: ["create"]), ResourceInfo.status(of: Pod.gvk),
        ])

    var parts: ObjectParts<Pod> { ObjectParts(spec: \.spec, status: \.status) }
    var returnsDeletedObject: Bool { true }
    var selectableFields: [String] { ["spec.nodeName", "status.phase"] }
    func selectableValues(_ object: Pod) -> [String] { [object.spec.nodeName, object.status.phase] }

    func setDefaults(_ object: inout Pod) {
        if object.spec.terminationGracePeriodSeconds == nil { object.spec.terminationGracePeriodSeconds = 30 }
    }

    func validateCreate(_ object: Pod, context: RequestContext) -> FieldErrors {
        object.spec.containers.isEmpty ? [.required(FieldPath("spec").child("containers"))] : []
    }

    func gracefulDeletion(_ object: Pod, options: DeletionRequest) -> GracefulDeletion {
        let seconds: Int = options.gracePeriodSeconds ?? object.spec.terminationGracePeriodSeconds ?? 30
        if seconds == 0 || object.spec.nodeName.isEmpty { return .immediate }
        return .graceful(seconds: seconds)
    }

    var table: TableDefinition<Pod> {
        TableDefinition([.name, TableColumn("Status"), .age]) { pod, now in
            [
                .string(pod.metadata.name), .string(pod.status.phase),
                TableCells.age(pod.metadata.creationTimestamp, now: now),
            ]
        }
    }
}

struct TestDeployments: ResourceStrategy {
    let info = ResourceInfo(
        Deployment.gvk, resource: "deployments", shortNames: ["deploy"], namespaced: true,
        subresources: [ResourceInfo.scale, ResourceInfo.status(of: Deployment.gvk)])

    var parts: ObjectParts<Deployment> { ObjectParts(spec: \.spec, status: \.status) }

    var scale: ScaleMapping<Deployment>? {
        ScaleMapping(
            replicas: { $0.spec.replicas ?? 1 }, setReplicas: { $0.spec.replicas = $1 },
            statusReplicas: { $0.status.replicas }, selector: { $0.spec.selector?.formatted ?? "" })
    }
}

struct TestNamespaces: ResourceStrategy {
    typealias Object = Namespace

    let info = ResourceInfo(Namespace.gvk, resource: "namespaces", shortNames: ["ns"], namespaced: false)
    var nameRule: NameRule { .dns1123Label }
}

// MARK: - A server

let configMaps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
let namespaces = GroupVersionResource(group: "", version: "v1", resource: "namespaces")

/// Time that a test moves by hand.
final class TestTime: Sendable {
    let wall = ManualWallClock()
    private let current = Mutex<Duration>(.zero)

    var monotonic: @Sendable () -> Duration { { self.current.withLock { $0 } } }

    func advance(seconds: Int) {
        wall.advance(seconds: seconds)
        current.withLock { $0 += .seconds(seconds) }
    }
}

struct TestServer: Sendable {
    let core: APIServerCore
    let store: EmbeddedStore
    let time: TestTime
    let flow: FlowRecorder
    let client: InProcessTransport

    func request(
        _ verb: APIRequest.Verb, _ gvr: GroupVersionResource, _ name: String = "", namespace: String = "default",
        subresource: String = "", query: [(name: String, value: String)] = [], body: String = "",
        type: String = "application/json"
    ) async throws(StatusError) -> APIResponse {
        try await client.perform(
            APIRequest(
                verb, gvr, namespace: namespace, name: name, subresource: subresource, query: query,
                body: Array(body.utf8), contentType: type))
    }

    func createConfigMap(
        _ name: String, labels: [String: String] = [:], value: String = "1", namespace: String = "default"
    )
        async throws -> ConfigMap
    {
        let map = ConfigMap.with { map in
            map.metadata.name = name
            map.metadata.labels = StringMap(labels)
            map.data = ["value": value]
        }
        let response: APIResponse = try await client.perform(
            APIRequest(.create, configMaps, namespace: namespace, body: map.jsonBytes))
        return try response.object(ConfigMap.self)
    }

    func update<Object: APIObject>(_ gvr: GroupVersionResource, _ object: Object) async throws(StatusError)
        -> APIResponse
    {
        try await client.perform(
            APIRequest(
                .update, gvr, namespace: object.metadata.namespace, name: object.metadata.name,
                body: object.jsonBytes))
    }

    func watch(
        _ gvr: GroupVersionResource, namespace: String = "default", _ query: [(name: String, value: String)] = []
    ) async throws(StatusError) -> any WatchStream {
        try await client.watch(APIRequest(.watch, gvr, namespace: namespace, query: query))
    }
}

extension APIResponse {
    func object<Object: APIObject>(_ type: Object.Type) throws -> Object {
        guard case .object(let snapshot) = body else { throw StatusError.internalError("no object") }
        return try snapshot.decode(type)
    }

    var status: Status? {
        guard case .json(let json) = body else { return nil }
        return try? JSONReader.decode(Status.self, from: json)
    }

    var names: [String] {
        guard case .list(let items, _, _, _) = body else { return [] }
        return items.map { $0.name }
    }

    var continueToken: String {
        guard case .list(_, _, let token, _) = body else { return "" }
        return token
    }

    var revision: Int64 {
        guard case .list(_, let revision, _, _) = body else { return 0 }
        return revision
    }

    var remaining: Int? {
        guard case .list(_, _, _, let remaining) = body else { return nil }
        return remaining
    }
}

/// A directory that is gone after the test.
func withDirectory<T>(_ body: (String) async throws -> T) async throws -> T {
    let path: String = "/tmp/swiftlet-apiserver-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// Runs a server on a store in `directory`.
func withServer<T: Sendable>(
    in directory: String, admission: [any AdmissionPlugin] = [],
    authorizer: any Authorizer = AlwaysAllowAuthorizer(), _ body: @Sendable (TestServer) async throws -> T
) async throws -> T {
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: directory))
    let time = TestTime()
    let flow = FlowRecorder(capacity: 64)
    let registry = ResourceRegistry([TestConfigMaps(), TestPods(), TestDeployments(), TestNamespaces()])
    var parts = APIServerCore.Parts(store: store, registry: registry, authorizer: authorizer)
    parts.admission = admission
    parts.virtualResources = [BindingResource()]
    parts.environment = ServerEnvironment(clock: time.wall, monotonic: time.monotonic)
    parts.flow = flow
    let core = APIServerCore(parts)
    try await core.start()
    let server = TestServer(
        core: core, store: store, time: time, flow: flow,
        client: InProcessTransport(core: core, user: UserInfo(name: "tester", groups: ["system:masters"])))
    let result: Result<T, any Error> = await withTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        let result: Result<T, any Error>
        do {
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

func withServer<T: Sendable>(
    admission: [any AdmissionPlugin] = [], authorizer: any Authorizer = AlwaysAllowAuthorizer(),
    _ body: @Sendable (TestServer) async throws -> T
) async throws -> T {
    try await withDirectory { directory in
        try await withServer(in: directory, admission: admission, authorizer: authorizer, body)
    }
}

/// The error that a call must end with.
func failure(_ body: () async throws(StatusError) -> Void) async -> StatusError? {
    do throws(StatusError) {
        try await body()
        return nil
    } catch {
        return error
    }
}
