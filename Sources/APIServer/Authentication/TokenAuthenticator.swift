/// What a token says about its bearer.
package enum TokenResult: Sendable, Equatable {
    /// With those of the wanted audiences that the token is for; empty if it does not say.
    case authenticated(UserInfo, audiences: [String])
    /// Somebody else's token.
    case unknown
    /// One of ours that is not to be believed. The text is for logs and token reviews; it never has the token in it.
    case refused(String)
}

/// Tells who bears a token. Called on event loops: it must not block.
package protocol TokenAuthenticator: Sendable {
    /// - Parameter audiences: the token must be for one of these; empty for the API server's own.
    func authenticate(token: String, audiences: [String]) -> TokenResult
}

/// Asks several in turn, as upstream's union does: a refusal counts only if nobody knows the token.
package struct UnionTokenAuthenticator: TokenAuthenticator {
    private let members: [any TokenAuthenticator]

    package init(_ members: [any TokenAuthenticator]) {
        self.members = members
    }

    package func authenticate(token: String, audiences: [String]) -> TokenResult {
        var refusals: [String] = []
        for member in members {
            switch member.authenticate(token: token, audiences: audiences) {
            case .authenticated(let user, let matched): return .authenticated(user, audiences: matched)
            case .unknown: continue
            case .refused(let text): refusals.append(text)
            }
        }
        return refusals.isEmpty ? .unknown : .refused(RBACIndex.aggregate(refusals))
    }
}

/// Tokens that know nothing of audiences: they are for the API server, and for nobody else.
package struct OwnAudienceAuthenticator: TokenAuthenticator {
    private let inner: any TokenAuthenticator
    private let audiences: [String]

    /// - Parameter audiences: of the API server.
    package init(_ inner: any TokenAuthenticator, audiences: [String]) {
        self.inner = inner
        self.audiences = audiences
    }

    package func authenticate(token: String, audiences wanted: [String]) -> TokenResult {
        let matched: [String] = wanted.isEmpty ? audiences : audiences.filter { wanted.contains($0) }
        // Asked about somebody else's tokens.
        if matched.isEmpty { return .unknown }
        switch inner.authenticate(token: token, audiences: wanted) {
        case .authenticated(let user, _): return .authenticated(user, audiences: matched)
        case .unknown: return .unknown
        case .refused(let text): return .refused(text)
        }
    }
}

/// Bearer tokens of requests.
package struct BearerTokenAuthenticator: Authenticator {
    private let tokens: any TokenAuthenticator

    package init(_ tokens: any TokenAuthenticator) {
        self.tokens = tokens
    }

    package func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        guard let token = credentials.bearerToken, !token.isEmpty else { return .unknown }
        switch tokens.authenticate(token: token, audiences: []) {
        case .authenticated(let user, _): return .authenticated(user.authenticated())
        case .unknown: return .failure("invalid bearer token")
        case .refused(let text): return .failure("[invalid bearer token, \(text)]")
        }
    }
}

/// Makes and checks signatures of tokens; the keys are behind it.
package protocol TokenSigner: Sendable {
    /// The signed token of a payload.
    func sign(_ payload: [UInt8]) throws(TokenSignerError) -> String
}

package struct TokenSignerError: Error, Equatable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

package protocol TokenVerifier: Sendable {
    /// The payload of a token that one of the keys signed; else why it is not believed.
    func verify(_ token: String) -> TokenVerification
    /// The public keys as a JSON Web Key Set (RFC 7517).
    func keySet() -> [UInt8]
}

package enum TokenVerification: Sendable {
    case payload([UInt8])
    case refused(String)
}
