import Crypto

/// Signs tokens with ES256 (RFC 7515 compact form, RFC 7518 section 3.4). Claims are the caller's, as JSON.
package struct JWTSigner: Sendable {
    private let key: SigningKey
    private let header: String
    package let keyID: String

    package init(_ key: SigningKey) {
        self.key = key
        keyID = key.verifyingKey.id
        header = Base64.encodeURL(Array("{\"alg\":\"ES256\",\"kid\":\"\(keyID)\"}".utf8))
    }

    package func sign(payload: [UInt8]) throws(PKIError) -> String {
        let signed: String = "\(header).\(Base64.encodeURL(payload))"
        do {
            let signature: P256.Signing.ECDSASignature = try key.key.signature(for: Array(signed.utf8))
            return "\(signed).\(Base64.encodeURL(Array(signature.rawRepresentation)))"
        } catch {
            throw PKIError(.refused, "failed to sign a token: \(error)")
        }
    }
}

/// Why a token is not believed. Told to logs, not to clients.
package enum JWTError: Error, Equatable {
    case tooLarge
    /// Not three parts of strict base64url with a JSON header of strings.
    case malformed
    /// Another `alg` than ES256, or an extension that must be understood (`crit`).
    case unsupportedAlgorithm
    case unknownKey
    case badSignature
}

/// Checks signatures of tokens, and gives their payload. The claims in it are not looked at.
package struct JWTVerifier: Sendable {
    /// Bytes of a whole token.
    package static let limit: Int = 16 * 1024

    private let keys: [VerifyingKey]

    package init(_ keys: [VerifyingKey]) {
        self.keys = keys
    }

    /// The payload of a token that one of the keys signed. The algorithm is never chosen by the token.
    package func verify(_ token: String) throws(JWTError) -> [UInt8] {
        let bytes: [UInt8] = Array(token.utf8)
        guard bytes.count <= Self.limit else { throw .tooLarge }
        let parts: [ArraySlice<UInt8>] = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3, let headerBytes = Base64.decodeURL(parts[0]),
            let payload = Base64.decodeURL(parts[1]), let signatureBytes = Base64.decodeURL(parts[2]),
            let header = JWTHeader(headerBytes)
        else { throw .malformed }
        guard header.algorithm == "ES256", !header.isCritical else { throw .unsupportedAlgorithm }
        guard signatureBytes.count == 64,
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signatureBytes)
        else { throw .badSignature }
        let signed: ArraySlice<UInt8> = bytes[..<(parts[1].endIndex)]
        var candidates: [VerifyingKey] = keys
        if let id = header.keyID {
            candidates = keys.filter { $0.id == id }
            if candidates.isEmpty { throw .unknownKey }
        }
        for candidate in candidates where candidate.key.isValidSignature(signature, for: signed) {
            return payload
        }
        throw .badSignature
    }

    /// The keys as a JSON Web Key Set (RFC 7517), for `/openid/v1/jwks`.
    package func jwks() -> [UInt8] {
        let entries: [String] = keys.map { key in
            let point: [UInt8] = Array(key.key.rawRepresentation)
            let x: String = Base64.encodeURL(point[..<32])
            let y: String = Base64.encodeURL(point[32...])
            return """
                {"use":"sig","kty":"EC","kid":"\(key.id)","crv":"P-256","alg":"ES256","x":"\(x)","y":"\(y)"}
                """
        }
        return Array("{\"keys\":[\(entries.joined(separator: ","))]}".utf8)
    }
}

/// The header of a token: a flat JSON object. Strings are read, without escapes; nothing else is allowed but `crit`,
/// whose presence is noted.
struct JWTHeader {
    var algorithm: String?
    var keyID: String?
    var isCritical: Bool = false

    /// nil: malformed, or a member twice.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= 1024 else { return nil }
        var reader: Reader = Reader(bytes: bytes)
        guard reader.take(0x7B) else { return nil }
        var seen: Set<String> = []
        if reader.take(0x7D) { return nil }
        repeat {
            guard let name = reader.string(), seen.insert(name).inserted, reader.take(0x3A) else { return nil }
            if name == "crit" {
                isCritical = true
                return
            }
            guard let value = reader.string() else { return nil }
            if name == "alg" { algorithm = value }
            if name == "kid" { keyID = value }
        } while reader.take(0x2C)
        guard reader.take(0x7D), reader.isAtEnd else { return nil }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index: Int = 0

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return index == bytes.count
            }
        }

        mutating func skipSpace() {
            while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func string() -> String? {
            guard take(0x22) else { return nil }
            let start: Int = index
            while index < bytes.count, bytes[index] != 0x22 {
                guard bytes[index] >= 0x20, bytes[index] != 0x5C else { return nil }
                index += 1
            }
            guard index < bytes.count else { return nil }
            index += 1
            return String(validating: bytes[start..<(index - 1)], as: UTF8.self)
        }
    }
}
