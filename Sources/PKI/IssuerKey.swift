import Crypto
import CryptoExtras
import Foundation

/// A public key of somebody else's tokens, as a JSON Web Key has it (RFC 7517, RFC 7518).
package struct IssuerKey: Sendable {
    private enum Material: Sendable {
        case p256(P256.Signing.PublicKey)
        case rsa(_RSA.Signing.PublicKey)
    }

    /// Empty: the key says none.
    package let id: String
    private let material: Material

    /// `kty` EC, curve P-256: the coordinates in base64url.
    package init?(id: String, x: String, y: String) {
        guard let x = Base64.decodeURL(Array(x.utf8)), let y = Base64.decodeURL(Array(y.utf8)), x.count == 32,
            y.count == 32, let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
        else { return nil }
        self.id = id
        material = .p256(key)
    }

    /// `kty` RSA: modulus and exponent in base64url.
    package init?(id: String, modulus: String, exponent: String) {
        guard let n = Base64.decodeURL(Array(modulus.utf8)), let e = Base64.decodeURL(Array(exponent.utf8)),
            let key = try? _RSA.Signing.PublicKey(n: n, e: e), key.keySizeInBits >= 2048
        else { return nil }
        self.id = id
        material = .rsa(key)
    }

    var algorithm: String {
        switch material {
        case .p256: "ES256"
        case .rsa: "RS256"
        }
    }

    func isValid(_ signature: [UInt8], for signed: ArraySlice<UInt8>) -> Bool {
        switch material {
        case .p256(let key):
            guard signature.count == 64,
                let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(parsed, for: signed)
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: signed),
                padding: .insecurePKCS1v1_5)
        }
    }
}

/// Checks signatures of an issuer's tokens: ES256 and RS256, as far as they are wanted.
package struct IssuerTokenVerifier: Sendable {
    package static let knownAlgorithms: Set<String> = ["ES256", "RS256"]

    private let keys: [IssuerKey]
    private let algorithms: Set<String>

    package init(_ keys: [IssuerKey], algorithms: Set<String>) {
        self.keys = keys
        self.algorithms = algorithms
    }

    /// The payload of a token that one of the keys signed. A key is only used with its own algorithm.
    package func verify(_ token: String) throws(JWTError) -> [UInt8] {
        let bytes: [UInt8] = Array(token.utf8)
        guard bytes.count <= JWTVerifier.limit else { throw .tooLarge }
        let parts: [ArraySlice<UInt8>] = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3, let headerBytes = Base64.decodeURL(parts[0]),
            let payload = Base64.decodeURL(parts[1]), let signature = Base64.decodeURL(parts[2]),
            let header = JWTHeader(headerBytes)
        else { throw .malformed }
        guard let algorithm = header.algorithm, algorithms.contains(algorithm), !header.isCritical else {
            throw .unsupportedAlgorithm
        }
        let candidates: [IssuerKey] = keys.filter { key in
            key.algorithm == algorithm && (header.keyID == nil || key.id.isEmpty || key.id == header.keyID)
        }
        guard !candidates.isEmpty else { throw .unknownKey }
        let signed: ArraySlice<UInt8> = bytes[..<parts[1].endIndex]
        guard candidates.contains(where: { $0.isValid(signature, for: signed) }) else { throw .badSignature }
        return payload
    }
}
