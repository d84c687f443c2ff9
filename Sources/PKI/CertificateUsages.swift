import SwiftASN1
import X509

/// What a certificate may be used for, by the names that certificate signing requests have for it.
package struct CertificateUsages: Sendable {
    /// nil: the certificate does not say.
    let key: KeyUsage?
    let extended: [ExtendedKeyUsage.Usage]

    /// - Throws: for names that are none.
    package init(_ names: some Sequence<String>) throws(PKIError) {
        var key = KeyUsage()
        var isLimited: Bool = false
        var extended: [ExtendedKeyUsage.Usage] = []
        for name in names.sorted() {
            if let bit = Self.keyUsages[name] {
                key[keyPath: bit] = true
                isLimited = true
            } else if let usage = Self.extendedUsages[name] {
                if !extended.contains(usage) { extended.append(usage) }
            } else {
                throw PKIError(.refused, "unrecognized usage values: \"\(name)\"")
            }
        }
        self.key = isLimited ? key : nil
        self.extended = extended
    }

    /// What our own certificates say.
    init(_ usages: Set<PeerIdentity.Usage>) {
        key = KeyUsage(digitalSignature: true)
        extended =
            (usages.contains(.serverAuth) ? [.serverAuth] : []) + (usages.contains(.clientAuth) ? [.clientAuth] : [])
    }

    private static var keyUsages: [String: WritableKeyPath<KeyUsage, Bool>] {
        [
            "signing": \.digitalSignature, "digital signature": \.digitalSignature,
            "content commitment": \.nonRepudiation, "key encipherment": \.keyEncipherment,
            "key agreement": \.keyAgreement, "data encipherment": \.dataEncipherment, "cert sign": \.keyCertSign,
            "crl sign": \.cRLSign, "encipher only": \.encipherOnly, "decipher only": \.decipherOnly,
        ]
    }

    private static var extendedUsages: [String: ExtendedKeyUsage.Usage] {
        [
            "any": .any, "server auth": .serverAuth, "client auth": .clientAuth, "code signing": .codeSigning,
            "email protection": .emailProtection, "s/mime": .emailProtection,
            "ipsec end system": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 5]),
            "ipsec tunnel": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 6]),
            "ipsec user": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 7]), "timestamping": .timeStamping,
            "ocsp signing": .ocspSigning, "microsoft sgc": .init(oid: [1, 3, 6, 1, 4, 1, 311, 10, 3, 3]),
            "netscape sgc": .init(oid: [2, 16, 840, 1, 113_730, 4, 1]),
        ]
    }
}
