import APIMachinery
package import APIServer
import Crypto
import CryptoExtras
import Foundation

/// Ciphers over stored values, in upstream's forms: either server reads what the other one wrote.
///
///     aesgcm    k8s:enc:aesgcm:v1:NAME: nonce (12) ciphertext tag (16), authenticated with the store's key
///     aescbc    k8s:enc:aescbc:v1:NAME: initialization vector (16) ciphertext, padded as PKCS #7
///     identity  the value itself
package struct ProviderChain: ValueProtection {
    private enum Cipher: Sendable {
        case identity
        case aesgcm(SymmetricKey)
        case aescbc(SymmetricKey)
    }

    private struct Member: Sendable {
        var prefix: [UInt8]
        var cipher: Cipher
    }

    private static let marker: [UInt8] = Array("k8s:enc:".utf8)

    private let members: [Member]

    package init(_ providers: [EncryptionConfiguration.Provider]) {
        members = providers.flatMap { provider -> [Member] in
            switch provider {
            case .identity: return [Member(prefix: [], cipher: .identity)]
            case .aesgcm(let keys):
                return keys.map { key in
                    Member(
                        prefix: Array("k8s:enc:aesgcm:v1:\(key.name):".utf8),
                        cipher: .aesgcm(SymmetricKey(data: key.secret)))
                }
            case .aescbc(let keys):
                return keys.map { key in
                    Member(
                        prefix: Array("k8s:enc:aescbc:v1:\(key.name):".utf8),
                        cipher: .aescbc(SymmetricKey(data: key.secret)))
                }
            }
        }
    }

    /// The rules of a whole configuration.
    package static func rules(_ configuration: EncryptionConfiguration) -> ProtectionRules {
        { resource in configuration.rule(for: resource).map { ProviderChain($0.providers) } }
    }

    package func seal(_ value: [UInt8], key: [UInt8]) throws(ValueProtectionError) -> [UInt8] {
        guard let first = members.first else { return value }
        do {
            switch first.cipher {
            case .identity: return value
            case .aesgcm(let secret):
                let box: AES.GCM.SealedBox = try AES.GCM.seal(value, using: secret, authenticating: key)
                return first.prefix + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
            case .aescbc(let secret):
                let vector = AES._CBC.IV()
                return first.prefix + Array(vector) + Array(try AES._CBC.encrypt(value, using: secret, iv: vector))
            }
        } catch {
            throw ValueProtectionError("the value could not be encrypted")
        }
    }

    package func open(_ stored: [UInt8], key: [UInt8]) throws(ValueProtectionError) -> OpenedValue {
        guard stored.starts(with: Self.marker) else {
            guard let index = members.firstIndex(where: { $0.prefix.isEmpty }) else {
                throw ValueProtectionError("it is not encrypted, and no identity provider is configured")
            }
            return OpenedValue(stored, isStale: index != 0)
        }
        for (index, member) in members.enumerated() where !member.prefix.isEmpty && stored.starts(with: member.prefix) {
            let body: ArraySlice<UInt8> = stored[member.prefix.count...]
            guard let value = Self.decrypt(body, member.cipher, key) else {
                throw ValueProtectionError("it cannot be decrypted with the key that it names")
            }
            return OpenedValue(value, isStale: index != 0)
        }
        throw ValueProtectionError("it is encrypted with a key that is not configured")
    }

    private static func decrypt(_ body: ArraySlice<UInt8>, _ cipher: Cipher, _ key: [UInt8]) -> [UInt8]? {
        switch cipher {
        case .identity: return nil
        case .aesgcm(let secret):
            guard let box = try? AES.GCM.SealedBox(combined: Array(body)),
                let plain = try? AES.GCM.open(box, using: secret, authenticating: key)
            else { return nil }
            return Array(plain)
        case .aescbc(let secret):
            guard body.count >= 32, body.count % 16 == 0, let vector = try? AES._CBC.IV(ivBytes: body.prefix(16)),
                let plain = try? AES._CBC.decrypt(Array(body.dropFirst(16)), using: secret, iv: vector)
            else { return nil }
            return Array(plain)
        }
    }
}
