package import APIMachinery

/// Who may do what in a cluster, put together as upstream does by default: certificates and tokens; the authorizers
/// `system:masters`, Node and RBAC; the plugins, reviews and subresources that belong to them.
package struct ClusterAccess: Sendable {
    package struct Configuration: Sendable {
        package var issuer: String = ServiceAccountAuthenticator.defaultIssuer
        /// Of the API server.
        package var audiences: [String] = [ServiceAccountAuthenticator.defaultIssuer]
        /// Where the server is reached from outside, for the discovery of the issuer: `https://192.0.2.1:6443`.
        package var address: String = ServiceAccountAuthenticator.defaultIssuer
        /// Of a token file; upstream's `--token-auth-file`.
        package var staticTokens: StaticTokens?
        package var maxTokenSeconds: Int?
        /// Upstream's `--enable-bootstrap-token-auth`.
        package var takesBootstrapTokens: Bool = false
        /// Upstream's `--oidc-issuer-url`, with the keys of that issuer.
        package var openID: OpenIDIssuer?

        package init() {}
    }

    /// Somebody else's tokens.
    package struct OpenIDIssuer: Sendable {
        package var configuration: OIDCAuthenticator.Configuration
        package var keys: any IssuerKeys

        package init(configuration: OIDCAuthenticator.Configuration, keys: any IssuerKeys) {
            self.configuration = configuration
            self.keys = keys
        }
    }

    package let policy: BootstrapPolicy
    package let rbac: RBACAuthorizer
    package let authorizer: any Authorizer
    package let resolver: any RuleResolver
    package let tokens: any TokenAuthenticator
    package let authenticator: any Authenticator
    private let configuration: Configuration
    private let signer: any TokenSigner
    private let verifier: any TokenVerifier

    package init(
        _ configuration: Configuration = Configuration(), registry: ResourceRegistry, signer: any TokenSigner,
        verifier: any TokenVerifier, clock: any WallClock
    ) {
        self.configuration = configuration
        self.signer = signer
        self.verifier = verifier
        policy = BootstrapPolicy()
        rbac = RBACAuthorizer(registry: registry)
        let node = NodeAuthorizer(registry: registry, rules: policy.nodeRules)
        authorizer = UnionAuthorizer([MastersAuthorizer(), node, rbac])
        resolver = UnionRuleResolver([node, rbac])
        var accounts = ServiceAccountAuthenticator.Configuration()
        accounts.issuer = configuration.issuer
        accounts.audiences = configuration.audiences
        var members: [any TokenAuthenticator] = []
        func own(_ tokens: any TokenAuthenticator) -> OwnAudienceAuthenticator {
            OwnAudienceAuthenticator(tokens, audiences: configuration.audiences)
        }
        if let tokens = configuration.staticTokens { members.append(own(tokens)) }
        members.append(
            ServiceAccountAuthenticator(
                accounts, verifier: verifier, caches: RegistryReader(registry), clock: clock))
        if configuration.takesBootstrapTokens {
            members.append(own(BootstrapTokenAuthenticator(caches: RegistryReader(registry), clock: clock)))
        }
        if let issuer = configuration.openID {
            members.append(own(OIDCAuthenticator(issuer.configuration, keys: issuer.keys, clock: clock)))
        }
        tokens = UnionTokenAuthenticator(members)
        authenticator = UnionAuthenticator([CertificateAuthenticator(), BearerTokenAuthenticator(tokens)])
    }

    /// To be run behind all other plugins that change objects, in this order.
    package var admission: [any AdmissionPlugin] {
        [NodeRestriction(), RBACEscalation(rbac: rbac, authorizer: authorizer)]
    }

    package var subresources: [any SubresourceHandler] {
        var configuration = TokenRequestHandler.Configuration()
        configuration.issuer = self.configuration.issuer
        configuration.audiences = self.configuration.audiences
        configuration.maxExpirationSeconds = self.configuration.maxTokenSeconds
        return [TokenRequestHandler(configuration, signer: signer)]
    }

    package var virtualResources: [any VirtualResource] {
        [
            TokenReviewResource(tokens: tokens, audiences: configuration.audiences), SelfSubjectReviewResource(),
            LocalSubjectAccessReviewResource(authorizer: authorizer),
            SelfSubjectAccessReviewResource(authorizer: authorizer),
            SelfSubjectRulesReviewResource(resolver: resolver), SubjectAccessReviewResource(authorizer: authorizer),
        ]
    }

    package var nonResources: [any NonResourceHandler] {
        [IssuerDiscovery(issuer: configuration.issuer, address: configuration.address, verifier: verifier)]
    }

    /// Adds all of it to a server.
    package func install(in parts: inout APIServerCore.Parts) {
        parts.authorizer = authorizer
        parts.admission += admission
        parts.subresources += subresources
        parts.virtualResources += virtualResources
        parts.nonResources += nonResources
    }
}
