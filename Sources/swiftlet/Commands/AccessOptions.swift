import APIServer
import ArgumentParser
import PKI

/// Who may do what, and what is kept about it; upstream's names.
struct AccessOptions: ParsableArguments {
    @Option(
        name: .customLong("encryption-provider-config"),
        help: ArgumentHelp(
            """
            A file that says which resources are encrypted in the store, and with which keys: kind \
            EncryptionConfiguration of apiserver.config.k8s.io/v1, with the providers aesgcm, aescbc and identity. \
            The first key writes, all keys read.
            """, valueName: "file"))
    var encryptionConfig: String?

    @Option(
        name: .customLong("audit-policy-file"),
        help: ArgumentHelp(
            """
            A file that says what is kept about which requests: kind Policy of audit.k8s.io/v1. Without it there is no \
            audit log.
            """, valueName: "file"))
    var auditPolicy: String?

    @Option(
        name: .customLong("audit-log-path"),
        help: ArgumentHelp(
            "The file of the audit log, one JSON event per line; - is standard output.", valueName: "file"))
    var auditLog: String = "-"

    @Option(
        name: .customLong("audit-log-maxsize"),
        help: ArgumentHelp(
            "Megabytes of the audit log after which a new file is begun; 0: 100.", valueName: "megabytes"))
    var auditMaxSize: Int = 0

    @Option(
        name: .customLong("audit-log-maxbackup"),
        help: ArgumentHelp("How many old files of the audit log are kept; 0: all.", valueName: "files"))
    var auditMaxBackups: Int = 0

    @Option(
        name: .customLong("audit-log-maxage"),
        help: ArgumentHelp("How long old files of the audit log are kept; 0: for ever.", valueName: "days"))
    var auditMaxAge: Int = 0

    @Option(
        name: .customLong("anonymous-auth"),
        help: ArgumentHelp(
            "Whether requests without credentials are those of system:anonymous, or are refused.",
            valueName: "true|false"))
    var anonymousAuth: Bool = true

    @Flag(
        name: .customLong("enable-bootstrap-token-auth"),
        help: "Take the tokens in secrets of type bootstrap.kubernetes.io/token in kube-system.")
    var bootstrapTokens = false

    @Option(
        name: .customLong("token-auth-file"),
        help: ArgumentHelp("A file of tokens, each a line: token,user,uid,\"group1,group2\".", valueName: "file"))
    var tokenFile: String?

    @Option(
        name: .customLong("oidc-issuer-url"),
        help: ArgumentHelp("The https address of an OpenID Connect issuer whose ID tokens are taken.", valueName: "url")
    )
    var oidcIssuer: String?

    @Option(
        name: .customLong("oidc-client-id"),
        help: ArgumentHelp("The audience that those tokens must be for.", valueName: "id"))
    var oidcClient: String?

    @Option(
        name: .customLong("oidc-username-claim"),
        help: ArgumentHelp("The claim that is the user's name.", valueName: "claim"))
    var oidcUsernameClaim: String = "sub"

    @Option(
        name: .customLong("oidc-username-prefix"),
        help: ArgumentHelp(
            "What is put before user names; - is nothing. Without it: the issuer and #, but for the claim email.",
            valueName: "prefix"))
    var oidcUsernamePrefix: String?

    @Option(
        name: .customLong("oidc-groups-claim"),
        help: ArgumentHelp("The claim that names the user's groups; without it there are none.", valueName: "claim"))
    var oidcGroupsClaim: String = ""

    @Option(
        name: .customLong("oidc-groups-prefix"), help: ArgumentHelp("What is put before groups.", valueName: "prefix"))
    var oidcGroupsPrefix: String = ""

    @Option(
        name: .customLong("oidc-required-claim"),
        help: ArgumentHelp(
            "A claim that must be there with this value; may be given several times.", valueName: "key=value"))
    var oidcRequiredClaims: [String] = []

    @Option(
        name: .customLong("oidc-signing-algs"),
        help: ArgumentHelp("Algorithms that signatures may have: RS256, ES256.", valueName: "names"))
    var oidcAlgorithms: String = "RS256"

    @Option(
        name: .customLong("oidc-ca-file"),
        help: ArgumentHelp("The authorities of the issuer's server, PEM; without it the machine's.", valueName: "file"))
    var oidcAuthorities: String?

    private func openID() throws -> OpenIDConfiguration? {
        guard oidcIssuer != nil || oidcClient != nil else { return nil }
        guard let issuer = oidcIssuer, let client = oidcClient, !client.isEmpty else {
            throw ValidationError("--oidc-issuer-url and --oidc-client-id must be given together")
        }
        guard issuer.hasPrefix("https://") else { throw ValidationError("--oidc-issuer-url must begin with https://") }
        let algorithms: [String] = oidcAlgorithms.split(separator: ",").map { String($0) }
        for name in algorithms where !IssuerTokenVerifier.knownAlgorithms.contains(name) {
            throw ValidationError("--oidc-signing-algs: \(name) is not supported; RS256 and ES256 are")
        }
        var claims = OIDCAuthenticator.Configuration(issuer: issuer, clientID: client)
        claims.usernameClaim = oidcUsernameClaim
        claims.usernamePrefix = oidcUsernamePrefix
        claims.groupsClaim = oidcGroupsClaim
        claims.groupsPrefix = oidcGroupsPrefix
        for pair in oidcRequiredClaims {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw ValidationError("--oidc-required-claim wants key=value, not \(pair)")
            }
            claims.requiredClaims[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        return OpenIDConfiguration(claims: claims, algorithms: Set(algorithms), authorities: oidcAuthorities)
    }

    mutating func validate() throws {
        _ = try openID()
        for (name, value) in [("maxsize", auditMaxSize), ("maxbackup", auditMaxBackups), ("maxage", auditMaxAge)] {
            guard value >= 0 else { throw ValidationError("--audit-log-\(name) must not be below 0") }
        }
    }

    var configuration: AccessConfiguration {
        AccessConfiguration(
            encryptionConfig: encryptionConfig, auditPolicy: auditPolicy,
            auditLog: AuditLogConfiguration(
                path: auditLog, maxSize: auditMaxSize, maxBackups: auditMaxBackups, maxAge: auditMaxAge),
            allowsAnonymous: anonymousAuth, takesBootstrapTokens: bootstrapTokens, tokenFile: tokenFile,
            openID: try? openID())
    }
}
