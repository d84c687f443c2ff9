package import APIMachinery
import Codec

/// The public keys of an OpenID Connect issuer, wherever they come from. Asked on event loops: it must not block.
package protocol IssuerKeys: Sendable {
    /// The payload of a token that one of the keys signed.
    func verify(_ token: String) -> TokenVerification
}

/// ID tokens of an OpenID Connect issuer; upstream's `--oidc-…` options.
package struct OIDCAuthenticator: TokenAuthenticator {
    package struct Configuration: Sendable, Equatable {
        /// As in the tokens' `iss`.
        package var issuer: String
        /// One of the tokens' `aud`.
        package var clientID: String
        package var usernameClaim: String = "sub"
        /// Nil: the issuer and `#`, but for the claim `email`. `-`: none.
        package var usernamePrefix: String?
        /// Empty: tokens give no groups.
        package var groupsClaim: String = ""
        package var groupsPrefix: String = ""
        /// Claims that must be there, with these values.
        package var requiredClaims: [String: String] = [:]

        package init(issuer: String, clientID: String) {
            self.issuer = issuer
            self.clientID = clientID
        }

        /// What comes before each name.
        var effectivePrefix: String {
            switch usernamePrefix {
            case nil: usernameClaim == "email" ? "" : issuer + "#"
            case "-": ""
            case let prefix?: prefix
            }
        }
    }

    /// For `nbf`, seconds; upstream's. `exp` is exact.
    private static let leeway: Int64 = 300

    private let configuration: Configuration
    private let keys: any IssuerKeys
    private let clock: any WallClock

    package init(_ configuration: Configuration, keys: any IssuerKeys, clock: any WallClock) {
        self.configuration = configuration
        self.keys = keys
        self.clock = clock
    }

    package func authenticate(token: String, audiences: [String]) -> TokenResult {
        guard ServiceAccountClaims.claimedIssuer(of: token) == configuration.issuer else { return .unknown }
        switch keys.verify(token) {
        case .refused(let text): return .refused("oidc: \(text)")
        case .payload(let payload):
            guard let claims = try? JSONValue(parsing: payload), claims.object != nil else {
                return .refused("oidc: malformed claims")
            }
            if let problem = problem(claims) { return .refused("oidc: \(problem)") }
            return user(claims, audiences)
        }
    }

    /// Why the token is of no use here; nil if it is.
    private func problem(_ claims: JSONValue) -> String? {
        let audiences: [String] =
            claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.array?.compactMap { $0.string } ?? []
        guard audiences.contains(configuration.clientID) else {
            return "expected audience \(GoText.quoted(configuration.clientID)), got \(RuleCover.list(audiences))"
        }
        let now: Int64 = clock.now.seconds
        guard let expires = Self.time(claims["exp"]) else { return "token has no expiry" }
        guard now < expires else { return "token is expired" }
        if let start = Self.time(claims["nbf"]), now + Self.leeway < start { return "token is not valid yet" }
        for (name, value) in configuration.requiredClaims.sorted(by: { $0.key < $1.key }) {
            guard let found = claims[name] else { return "required claim \(name) not present in ID token" }
            guard found.string == value else {
                return "required claim \(name) value does not match"
            }
        }
        return nil
    }

    private func user(_ claims: JSONValue, _ audiences: [String]) -> TokenResult {
        let claim: String = configuration.usernameClaim
        guard let name = claims[claim]?.string, !name.isEmpty else {
            return .refused("oidc: parse username claims \(GoText.quoted(claim)): claim not present")
        }
        // A name that anybody can claim to have is nobody's.
        if claim == "email", let verified = claims["email_verified"], verified.bool != true {
            return .refused("oidc: email not verified")
        }
        var user = UserInfo(name: configuration.effectivePrefix + name)
        if !configuration.groupsClaim.isEmpty, let found = claims[configuration.groupsClaim], !found.isNull {
            let groups: [String]
            if let one = found.string {
                groups = [one]
            } else if let many = found.array, many.allSatisfy({ $0.string != nil }) {
                groups = many.compactMap { $0.string }
            } else {
                return .refused(
                    "oidc: parse groups claim \(GoText.quoted(configuration.groupsClaim)): strings are wanted")
            }
            user.groups = groups.map { configuration.groupsPrefix + $0 }
        }
        if let id = claims["jti"]?.string, !id.isEmpty {
            user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id]
        }
        return .authenticated(user, audiences: audiences)
    }

    private static func time(_ value: JSONValue?) -> Int64? {
        switch value {
        case .int(let seconds): seconds
        case .double(let seconds) where abs(seconds) < 1e15: Int64(seconds)
        default: nil
        }
    }
}
