import Crypto
import X509

/// A private ECDSA P-256 key.
package struct SigningKey: Sendable {
    let key: P256.Signing.PrivateKey

    init(_ key: P256.Signing.PrivateKey) {
        self.key = key
    }

    /// A new key.
    package static func generate() -> SigningKey {
        SigningKey(P256.Signing.PrivateKey())
    }

    /// PEM, PKCS#8 or SEC 1.
    package init(pem: [UInt8]) throws(PKIError) {
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: String(decoding: pem, as: UTF8.self))
        } catch {
            throw PKIError(.malformed, "not an ECDSA P-256 private key in PEM: \(error)")
        }
    }

    /// PKCS#8.
    package var pem: [UInt8] { Array((key.pemRepresentation + "\n").utf8) }
    package var verifyingKey: VerifyingKey { VerifyingKey(key.publicKey) }
}

/// A public ECDSA P-256 key.
package struct VerifyingKey: Sendable {
    let key: P256.Signing.PublicKey
    /// URL-safe base64 of the SHA-256 of the key's DER (SubjectPublicKeyInfo): upstream's way to name keys.
    package let id: String

    init(_ key: P256.Signing.PublicKey) {
        self.key = key
        self.id = Base64.encodeURL(Array(SHA256.hash(data: key.derRepresentation)))
    }

    /// PEM, SubjectPublicKeyInfo.
    package init(pem: [UInt8]) throws(PKIError) {
        do {
            self.init(try P256.Signing.PublicKey(pemRepresentation: String(decoding: pem, as: UTF8.self)))
        } catch {
            throw PKIError(.malformed, "not an ECDSA P-256 public key in PEM: \(error)")
        }
    }

    package var pem: [UInt8] { Array((key.pemRepresentation + "\n").utf8) }
}
