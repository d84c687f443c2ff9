import APICore
import APIMachinery
import APIServer
import Codec
import Synchronization
import Testing

/// Caches that hold what a test puts there.
final class FakeCaches: CacheReader {
    private let objects: Mutex<[any APIObject]>

    init(_ objects: [any APIObject] = []) {
        self.objects = Mutex(objects)
    }

    func add(_ object: any APIObject) { objects.withLock { $0.append(object) } }

    func get<Object: APIObject>(_ type: Object.Type, namespace: String, name: String) -> Object? {
        list(type, namespace: namespace).first { $0.metadata.name == name }
    }

    func list<Object: APIObject>(_ type: Object.Type, namespace: String) -> [Object] {
        let all: [Object] = objects.withLock { $0 }.compactMap { $0 as? Object }
        return all.filter { namespace.isEmpty || $0.metadata.namespace == namespace }
    }

    func changeNumber<Object: APIObject>(_ type: Object.Type) -> Int64 { Int64(objects.withLock { $0.count }) }
    func snapshot(_ resource: GroupVersionResource, namespace: String, name: String) -> Snapshot? { nil }
}

enum Resources {
    static let pods = ResourceInfo(Pod.gvk, resource: "pods", namespaced: true)
    static let namespaces = ResourceInfo(Namespace.gvk, resource: "namespaces", namespaced: false)
    static let nodes = ResourceInfo(Node.gvk, resource: "nodes", namespaced: false)
    static let claims = ResourceInfo(PersistentVolumeClaim.gvk, resource: "persistentvolumeclaims", namespaced: true)
    static let volumes = ResourceInfo(PersistentVolume.gvk, resource: "persistentvolumes", namespaced: false)
    static let services = ResourceInfo(Service.gvk, resource: "services", namespaced: true)
    static let configMaps = ResourceInfo(ConfigMap.gvk, resource: "configmaps", namespaced: true)
}

func context(subresource: String = "", dryRun: Bool = false, now: Time = Time(seconds: 1_700_000_000))
    -> RequestContext
{
    RequestContext(
        user: UserInfo(name: "tester"), subresource: subresource, dryRun: dryRun, receivedAt: MicroTime(now))
}

/// Asks a plugin about a write; the object as it leaves it.
func admit<Object: APIObject>(
    _ plugin: any AdmissionPlugin, _ object: Object, old: Object? = nil, info: ResourceInfo,
    caches: FakeCaches = FakeCaches(), subresource: String = ""
) async throws(StatusError) -> Object {
    let attributes = AdmissionAttributes(
        old == nil ? .create : .update, context: context(subresource: subresource), info: info,
        namespace: object.metadata.namespace, name: object.metadata.name, object: object, oldObject: old,
        caches: caches)
    guard plugin.handles(attributes) else { return object }
    try await plugin.admit(attributes)
    try await plugin.validate(attributes)
    return attributes.object(as: Object.self) ?? object
}

/// The message of the error that a call must end with; nil if it succeeds.
func refusal(_ body: () async throws(StatusError) -> Void) async -> StatusError? {
    do throws(StatusError) {
        try await body()
        return nil
    } catch {
        return error
    }
}

func makePod(_ name: String = "p", namespace: String = "default", _ fill: (inout Pod) -> Void = { _ in }) -> Pod {
    Pod.with { pod in
        pod.metadata.name = name
        pod.metadata.namespace = namespace
        pod.spec.containers = [Container.with { $0.name = "main" }]
        fill(&pod)
    }
}

func quantities(_ amounts: [String: String]) -> StringMap<Quantity> {
    var map: StringMap<Quantity> = [:]
    for (name, text) in amounts { map[name] = (try? Quantity(text)) ?? Quantity(-1) }
    return map
}
