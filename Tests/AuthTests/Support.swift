import APICoordination
import APICore
import APIMachinery
import APIRBAC
import APIServerTokens
import APIStorage
import Codec
import Foundation
import PKI
import Store

@testable import APIServer

// MARK: - A server with access control

/// A kind without rules of its own.
struct PlainKind<Object: APIObject>: ResourceStrategy {
    let info: ResourceInfo
    var nameRule: NameRule = .pathSegment
    var returnsDeletedObject: Bool { true }
    var allowsCreateOnUpdate: Bool { Object.gvk.group == "rbac.authorization.k8s.io" }

    init(_ resource: String, namespaced: Bool = true, subresources: [String] = []) {
        info = ResourceInfo(
            Object.gvk, resource: resource, namespaced: namespaced,
            subresources: subresources.map {
                ResourceInfo.Subresource($0, gvk: Object.gvk, verbs: ["create", "get", "patch", "update"])
            })
    }

    func prepareForUpdate(_ object: inout Object, old: Object, subresource: String, context: RequestContext) {}
}

func testRegistry(protection: ProtectionRules = { _ in nil }) -> ResourceRegistry {
    ResourceRegistry(
        [
            PlainKind<Namespace>("namespaces", namespaced: false), PlainKind<Pod>("pods", subresources: ["status"]),
            PlainKind<Node>("nodes", namespaced: false, subresources: ["status"]), PlainKind<Secret>("secrets"),
            PlainKind<ConfigMap>("configmaps"), PlainKind<ServiceAccount>("serviceaccounts", subresources: ["token"]),
            PlainKind<PersistentVolume>("persistentvolumes", namespaced: false), PlainKind<Lease>("leases"),
            PlainKind<VolumeAttachment>("volumeattachments", namespaced: false), PlainKind<Role>("roles"),
            PlainKind<ClusterRole>("clusterroles", namespaced: false), PlainKind<RoleBinding>("rolebindings"),
            PlainKind<ClusterRoleBinding>("clusterrolebindings", namespaced: false),
        ], protection: protection)
}

struct TestCluster: Sendable {
    let core: APIServerCore
    let access: ClusterAccess
    let clock: ManualWallClock
    let key: SigningKey

    func transport(_ user: UserInfo) -> InProcessTransport { InProcessTransport(core: core, user: user) }
    var admin: InProcessTransport { transport(UserInfo(name: "admin", groups: ["system:masters"])) }

    func create<Object: APIObject>(_ object: Object, _ resource: String, as transport: (any Transport)? = nil)
        async throws -> Object
    {
        let request = APIRequest(
            .create, GroupVersionResource(Object.gvk, resource), namespace: object.metadata.namespace,
            body: object.jsonBytes)
        let response: APIResponse = try await (transport ?? admin).perform(request)
        guard case .object(let snapshot) = response.body else { throw StatusError.internalError("no object") }
        return try snapshot.decode(Object.self)
    }

    func delete(_ type: (some APIObject).Type, _ resource: String, _ namespace: String, _ name: String) async throws {
        _ = try await admin.perform(
            APIRequest(.delete, GroupVersionResource(type.gvk, resource), namespace: namespace, name: name))
    }

    /// Asks something that is answered in JSON.
    func ask<Question: APIObject>(
        _ question: Question, _ resource: String, namespace: String = "", as transport: (any Transport)? = nil
    ) async throws -> Question {
        try await ask(
            question, GroupVersionResource(Question.gvk, resource), namespace: namespace, name: "", subresource: "",
            as: transport)
    }

    func ask<Question: APIObject>(
        _ question: Question, _ gvr: GroupVersionResource, namespace: String, name: String, subresource: String,
        as transport: (any Transport)? = nil
    ) async throws -> Question {
        let response: APIResponse = try await (transport ?? admin).perform(
            APIRequest(
                .create, gvr, namespace: namespace, name: name, subresource: subresource, body: question.jsonBytes))
        guard case .json(let bytes) = response.body else { throw StatusError.internalError("no JSON") }
        return try JSONReader.decode(Question.self, from: bytes)
    }

    /// Waits until the caches show all writes; for what asks the caches without a request.
    func settle() async throws { try await core.services.waitUntilFresh() }
}

extension GroupVersionResource {
    init(_ gvk: GroupVersionKind, _ resource: String) {
        self.init(group: gvk.group, version: gvk.version, resource: resource)
    }
}

func withCluster<T: Sendable>(
    registry: ResourceRegistry = testRegistry(), audit: AuditLog? = nil,
    _ body: @Sendable (TestCluster) async throws -> T
) async throws -> T {
    let path: String = "/tmp/swiftlet-auth-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: path))
    let clock = ManualWallClock()
    let key: SigningKey = .generate()
    let access = ClusterAccess(
        registry: registry, signer: ClusterTokenSigner(key), verifier: ClusterTokenVerifier([key.verifyingKey]),
        clock: clock)
    var parts = APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer())
    parts.environment = ServerEnvironment(clock: clock)
    access.install(in: &parts)
    parts.audit = audit
    let core = APIServerCore(parts)
    try await core.start()
    let result: Result<T, any Error> = await withTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        let result: Result<T, any Error>
        do {
            result = .success(
                try await body(TestCluster(core: core, access: access, clock: clock, key: key)))
        } catch {
            result = .failure(error)
        }
        group.cancelAll()
        return result
    }
    await store.close()
    return try result.get()
}

/// The error that a call must end with.
func failure(_ body: () async throws -> Void) async -> StatusError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? StatusError
    }
}

/// Small and repeatable.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed: UInt64 = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

// MARK: - Short forms

func rule(_ verbs: String, _ groups: String, _ resources: String, names: String = "") -> PolicyRule {
    func list(_ text: String) -> [String] { text.split(separator: " ").map { $0 == "core" ? "" : String($0) } }
    return PolicyRule.with {
        $0.verbs = list(verbs)
        $0.apiGroups = list(groups)
        $0.resources = list(resources)
        $0.resourceNames = list(names)
    }
}

func urlRule(_ verb: String, _ urls: String...) -> PolicyRule {
    PolicyRule.with {
        $0.verbs = [verb]
        $0.nonResourceURLs = urls
    }
}

func reference(_ kind: String, _ name: String) -> RoleRef {
    RoleRef.with {
        $0.apiGroup = "rbac.authorization.k8s.io"
        $0.kind = kind
        $0.name = name
    }
}

func subject(_ kind: String, _ name: String, namespace: String = "") -> Subject {
    Subject.with {
        $0.kind = kind
        $0.apiGroup = kind == "ServiceAccount" ? "" : "rbac.authorization.k8s.io"
        $0.name = name
        $0.namespace = namespace
    }
}

func clusterRole(_ name: String, _ rules: [PolicyRule]) -> ClusterRole {
    ClusterRole.with {
        $0.metadata.name = name
        $0.rules = rules
    }
}

func clusterBinding(_ name: String, _ role: RoleRef, _ subjects: [Subject]) -> ClusterRoleBinding {
    ClusterRoleBinding.with {
        $0.metadata.name = name
        $0.roleRef = role
        $0.subjects = subjects
    }
}

func binding(_ namespace: String, _ name: String, _ role: RoleRef, _ subjects: [Subject]) -> RoleBinding {
    RoleBinding.with {
        $0.metadata.name = name
        $0.metadata.namespace = namespace
        $0.roleRef = role
        $0.subjects = subjects
    }
}

extension AuthorizationDecision {
    var isAllowed: Bool {
        if case .allow = self { return true }
        return false
    }

    var reason: String {
        switch self {
        case .allow(let reason), .deny(let reason), .noOpinion(let reason): reason
        }
    }
}
