/// Who a verified client certificate says that it is.
package struct PeerIdentity: Sendable, Equatable {
    package var commonName: String
    package var organizations: [String]

    package init(commonName: String, organizations: [String]) {
        self.commonName = commonName
        self.organizations = organizations
    }
}

/// What a request shows of its sender.
package struct Credentials: Sendable {
    /// Nil without a client certificate.
    package var peer: PeerIdentity?
    /// Of `Authorization: Bearer …`; nil without one.
    package var bearerToken: String?
    package var sourceIP: String

    package init(peer: PeerIdentity? = nil, bearerToken: String? = nil, sourceIP: String = "") {
        self.peer = peer
        self.bearerToken = bearerToken
        self.sourceIP = sourceIP
    }
}

package enum AuthenticationResult: Sendable, Equatable {
    case authenticated(UserInfo)
    /// Shows nothing that this authenticator knows of; the next one is asked, at last it is anonymous or refused.
    case unknown
    /// Shows something that is wrong: 401. The text is for the log only.
    case failure(String)
}

/// Tells who sent a request. Called on event loops: it must not block, and may cache.
package protocol Authenticator: Sendable {
    func authenticate(_ credentials: Credentials) -> AuthenticationResult
}

/// Asks several in turn; the first one that knows the credentials decides. A failure counts only if nobody knows them.
package struct UnionAuthenticator: Authenticator {
    private let members: [any Authenticator]

    package init(_ members: [any Authenticator]) {
        self.members = members
    }

    package func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        var failure: AuthenticationResult?
        for member in members {
            switch member.authenticate(credentials) {
            case .authenticated(let user): return .authenticated(user)
            case .unknown: continue
            case .failure(let text): failure = .failure(text)
            }
        }
        return failure ?? .unknown
    }
}

/// Client certificates: the common name is the user, the organizations are the groups.
package struct CertificateAuthenticator: Authenticator {
    package init() {}

    package func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        guard let peer = credentials.peer, !peer.commonName.isEmpty else { return .unknown }
        return .authenticated(UserInfo(name: peer.commonName, groups: peer.organizations).authenticated())
    }
}
