import APIAuthentication
import APICore
package import APIMachinery
import Codec

/// `serviceaccounts/token`: issues a token to whoever may ask for one.
package struct TokenRequestHandler: SubresourceHandler {
    package struct Configuration: Sendable {
        package var issuer: String = ServiceAccountAuthenticator.defaultIssuer
        /// Of the API server; what a request without audiences gets.
        package var audiences: [String] = [ServiceAccountAuthenticator.defaultIssuer]
        /// Longer wishes are cut, with a warning; nil for no limit.
        package var maxExpirationSeconds: Int?
        /// Whether what a kubelet projects into pods lives for a year, so that clients that never read it again go on.
        package var extendsExpiration: Bool = true

        package init() {}
    }

    private static let defaultExpirationSeconds: Int = 3600
    private static let minExpirationSeconds: Int = 600
    private static let maxExpirationSeconds: Int = 1 << 32
    /// An hour and seven seconds: how upstream marks the tokens whose life it extends.
    private static let extensibleSeconds: Int = 3607
    private static let extendedSeconds: Int = 365 * 24 * 3600

    private static let accounts = GroupVersionResource(group: "", version: "v1", resource: "serviceaccounts")

    private let configuration: Configuration
    private let signer: any TokenSigner

    package init(_ configuration: Configuration = Configuration(), signer: any TokenSigner) {
        self.configuration = configuration
        self.signer = signer
    }

    package var resource: GroupVersionResource { Self.accounts }
    package var subresource: String { "token" }

    /// What a token is bound to.
    private struct Binding {
        var pod: ServiceAccountClaims.Reference?
        var secret: ServiceAccountClaims.Reference?
        var node: ServiceAccountClaims.Reference?
        var uid: String = ""
    }

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        guard call.request.verb == .create else {
            throw .methodNotSupported(call.info.gvr, call.request.verb.rawValue)
        }
        let services: ServerServices = call.server.services
        var (request, warnings): (TokenRequest, [String]) = try call.decodeBody(TokenRequest.self)
        let options: WriteOptions = try WriteOptions(query: call.request.query, for: .create)
        let name: String = call.request.name
        let namespace: String = call.request.namespace
        try Self.checkNames(&request, namespace: namespace, name: name)
        try await services.waitUntilFresh()
        guard let account = services.caches.get(ServiceAccount.self, namespace: namespace, name: name) else {
            throw .notFound(Self.accounts, name)
        }
        if request.spec.audiences.isEmpty { request.spec.audiences = configuration.audiences }
        request.spec.expirationSeconds = request.spec.expirationSeconds ?? Self.defaultExpirationSeconds
        try await Self.admit(&request, call, services)
        try Self.validate(request)
        let binding: Binding = try Self.binding(request, account: name, namespace: namespace, services.caches)
        let wanted: Int = request.spec.expirationSeconds ?? Self.defaultExpirationSeconds
        if let limit = configuration.maxExpirationSeconds, wanted > limit {
            warnings.append("requested expiration of \(wanted) seconds shortened to \(limit) seconds")
            request.spec.expirationSeconds = limit
        }
        let now: Time = services.environment.clock.now
        let claims: ServiceAccountClaims = claims(request, account, binding, now: now, services.environment)
        if !options.isDryRun { request.status.token = try sign(claims) }
        request.status.expirationTimestamp = now.adding(
            seconds: request.spec.expirationSeconds ?? Self.defaultExpirationSeconds)
        return APIResponse(code: 201, body: .json(request.jsonBytes), warnings: warnings)
    }

    private static func checkNames(_ request: inout TokenRequest, namespace: String, name: String)
        throws(StatusError)
    {
        let path = FieldPath("metadata")
        if !request.metadata.name.isEmpty, request.metadata.name != name {
            throw .invalid(
                TokenRequest.gvk, name,
                [
                    .invalid(
                        path.child("name"), request.metadata.name, "must match the service account name if specified")
                ])
        }
        guard request.metadata.namespace.isEmpty || request.metadata.namespace == namespace else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        request.metadata.name = name
        request.metadata.namespace = namespace
    }

    private static func admit(_ request: inout TokenRequest, _ call: SubresourceCall, _ services: ServerServices)
        async throws(StatusError)
    {
        let attributes = AdmissionAttributes(
            .create, context: call.context, info: call.info, namespace: call.request.namespace,
            name: call.request.name, object: request, caches: services.caches)
        try await services.admit(attributes)
        if let changed = attributes.object(as: TokenRequest.self) { request = changed }
        try await services.validate(attributes)
    }

    private static func validate(_ request: TokenRequest) throws(StatusError) {
        var errors = FieldErrors()
        let path: FieldPath = FieldPath("spec").child("expirationSeconds")
        let seconds: Int = request.spec.expirationSeconds ?? defaultExpirationSeconds
        if seconds < minExpirationSeconds {
            errors.append(.invalid(path, seconds, "may not specify a duration less than 10 minutes"))
        }
        if seconds > maxExpirationSeconds {
            errors.append(.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
        }
        guard errors.isEmpty else { throw .invalid(TokenRequest.gvk, "", errors) }
    }

    // MARK: - Bound objects

    private static func core(_ resource: String) -> GroupVersionResource {
        GroupVersionResource(group: "", version: "v1", resource: resource)
    }

    private static func binding(
        _ request: TokenRequest, account: String, namespace: String, _ caches: any CacheReader
    ) throws(StatusError) -> Binding {
        guard let reference = request.spec.boundObjectRef else { return Binding() }
        var binding = Binding()
        let name: String = reference.name
        let parts: [Substring] = reference.apiVersion.split(separator: "/", maxSplits: 1)
        let group: String = parts.count == 2 ? String(parts[0]) : ""
        switch group.isEmpty ? reference.kind : "" {
        case "Pod":
            guard let pod = caches.get(Pod.self, namespace: namespace, name: name) else {
                throw .notFound(core("pods"), name)
            }
            guard pod.spec.serviceAccountName == account else {
                throw .badRequest(
                    "cannot bind token for serviceaccount \(GoText.quoted(account)) to pod running with different "
                        + "serviceaccount name.")
            }
            binding.uid = pod.metadata.uid
            binding.pod = ServiceAccountClaims.Reference(name: name, uid: binding.uid)
            if !pod.spec.nodeName.isEmpty {
                let node: Node? = caches.get(Node.self, namespace: "", name: pod.spec.nodeName)
                binding.node = ServiceAccountClaims.Reference(
                    name: pod.spec.nodeName, uid: node?.metadata.uid ?? "")
            }
        case "Node":
            guard let node = caches.get(Node.self, namespace: "", name: name) else {
                throw .notFound(core("nodes"), name)
            }
            binding.uid = node.metadata.uid
            binding.node = ServiceAccountClaims.Reference(name: name, uid: binding.uid)
        case "Secret":
            guard let secret = caches.get(Secret.self, namespace: namespace, name: name) else {
                throw .notFound(core("secrets"), name)
            }
            binding.uid = secret.metadata.uid
            binding.secret = ServiceAccountClaims.Reference(name: name, uid: binding.uid)
        default:
            let version: Substring = parts.last ?? ""
            throw .badRequest(
                "cannot bind token to object of type \(group)/\(version), Kind=\(reference.kind)")
        }
        if !reference.uid.isEmpty, reference.uid != binding.uid {
            throw .conflict(
                GroupVersionResource(group: group, version: "", resource: reference.kind), name,
                "the UID in the bound object reference (\(reference.uid)) does not match the UID in record. The object "
                    + "might have been deleted and then recreated")
        }
        return binding
    }

    // MARK: - The token

    private func claims(
        _ request: TokenRequest, _ account: ServiceAccount, _ binding: Binding, now: Time,
        _ environment: ServerEnvironment
    ) -> ServiceAccountClaims {
        var claims = ServiceAccountClaims()
        let seconds: Int = request.spec.expirationSeconds ?? Self.defaultExpirationSeconds
        var life: Int = seconds
        let isForUs: Bool = request.spec.audiences.allSatisfy { configuration.audiences.contains($0) }
        if configuration.extendsExpiration, binding.pod != nil, seconds == Self.extensibleSeconds, isForUs {
            life = Self.extendedSeconds
            claims.warnAfter = now.seconds + Int64(seconds)
        }
        claims.issuer = configuration.issuer
        claims.subject = ServiceAccountName(account.metadata.namespace, account.metadata.name).userName
        claims.audiences = request.spec.audiences
        claims.issuedAt = now.seconds
        claims.notBefore = now.seconds
        claims.expires = now.seconds + Int64(life)
        claims.id = environment.uuid()
        claims.namespace = account.metadata.namespace
        claims.serviceAccount = ServiceAccountClaims.Reference(
            name: account.metadata.name, uid: account.metadata.uid)
        claims.pod = binding.pod
        claims.secret = binding.secret
        claims.node = binding.node
        return claims
    }

    private func sign(_ claims: ServiceAccountClaims) throws(StatusError) -> String {
        do throws(TokenSignerError) {
            return try signer.sign(claims.encoded())
        } catch {
            throw .internalError("failed to generate token: \(error.message)")
        }
    }
}
