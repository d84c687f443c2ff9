package import APIServer
package import PKI

/// Signs service account tokens with a key of the cluster.
package struct ClusterTokenSigner: TokenSigner {
    private let signer: JWTSigner

    package init(_ key: SigningKey) {
        signer = JWTSigner(key)
    }

    package func sign(_ payload: [UInt8]) throws(TokenSignerError) -> String {
        do throws(PKIError) {
            return try signer.sign(payload: payload)
        } catch {
            throw TokenSignerError("\(error)")
        }
    }
}

/// Believes tokens that any of the keys signed: the current one, and earlier ones until their tokens have run out.
package struct ClusterTokenVerifier: TokenVerifier {
    private let verifier: JWTVerifier

    package init(_ keys: [VerifyingKey]) {
        verifier = JWTVerifier(keys)
    }

    package func verify(_ token: String) -> TokenVerification {
        do throws(JWTError) {
            return .payload(try verifier.verify(token))
        } catch {
            return .refused(Self.text(error))
        }
    }

    package func keySet() -> [UInt8] { verifier.jwks() }

    private static func text(_ error: JWTError) -> String {
        switch error {
        case .tooLarge: "the token is too large"
        case .malformed: "the token is malformed"
        case .unsupportedAlgorithm: "the token's algorithm is not supported"
        case .unknownKey: "the token was signed with an unknown key"
        case .badSignature: "the token's signature is wrong"
        }
    }
}

extension APIServer.PeerIdentity {
    /// The identity in a client certificate that TLS has verified; nil if it names nobody.
    package init?(certificateDER: [UInt8]) {
        guard let peer = try? PKI.PeerIdentity(certificateDER: certificateDER), !peer.commonName.isEmpty else {
            return nil
        }
        self.init(commonName: peer.commonName, organizations: peer.organizations)
    }
}
