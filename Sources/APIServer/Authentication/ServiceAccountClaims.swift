import APIMachinery
import Codec

/// What a service account's token says. Times are seconds since 1970.
package struct ServiceAccountClaims: Sendable, Equatable {
    package struct Reference: Sendable, Equatable {
        package var name: String
        package var uid: String

        package init(name: String, uid: String) {
            self.name = name
            self.uid = uid
        }
    }

    package var issuer: String = ""
    package var subject: String = ""
    package var audiences: [String] = []
    package var expires: Int64 = 0
    package var issuedAt: Int64 = 0
    package var notBefore: Int64 = 0
    /// `jti`, a random uuid.
    package var id: String = ""
    package var namespace: String = ""
    package var serviceAccount = Reference(name: "", uid: "")
    package var pod: Reference?
    package var secret: Reference?
    /// The bound node, or the one of the bound pod.
    package var node: Reference?
    /// After this the holder should long have a newer one; set where the life was extended.
    package var warnAfter: Int64?

    package init() {}

    // MARK: - Writing

    package func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.key("aud")
        writer.beginArray()
        for audience in audiences {
            writer.element()
            writer.string(audience)
        }
        writer.endArray()
        Self.write("exp", Int(expires), &writer)
        Self.write("iat", Int(issuedAt), &writer)
        Self.write("iss", issuer, &writer)
        Self.write("jti", id, &writer)
        writer.key("kubernetes.io")
        writer.beginObject()
        Self.write("namespace", namespace, &writer)
        Self.write("node", node, &writer)
        Self.write("pod", pod, &writer)
        Self.write("secret", secret, &writer)
        Self.write("serviceaccount", serviceAccount, &writer)
        if let warnAfter { Self.write("warnafter", Int(warnAfter), &writer) }
        writer.endObject()
        Self.write("nbf", Int(notBefore), &writer)
        Self.write("sub", subject, &writer)
        writer.endObject()
        return writer.finish()
    }

    private static func write(_ key: StaticString, _ value: Int, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.int(value)
    }

    private static func write(_ key: StaticString, _ value: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.string(value)
    }

    private static func write(_ key: StaticString, _ value: Reference?, _ writer: inout JSONWriter) {
        guard let value else { return }
        writer.key(key)
        writer.beginObject()
        write("name", value.name, &writer)
        if !value.uid.isEmpty { write("uid", value.uid, &writer) }
        writer.endObject()
    }

    // MARK: - Reading

    /// Nil if the payload is no JSON, or lacks what each of our tokens has.
    package init?(_ payload: [UInt8]) {
        guard let value = try? JSONValue(parsing: payload), let issuer = value["iss"]?.string,
            let expires = Self.time(value["exp"]), let kubernetes = value["kubernetes.io"],
            let namespace = kubernetes["namespace"]?.string,
            let account = Self.reference(kubernetes["serviceaccount"])
        else { return nil }
        self.issuer = issuer
        self.expires = expires
        self.namespace = namespace
        serviceAccount = account
        subject = value["sub"]?.string ?? ""
        audiences = value["aud"]?.array?.compactMap { $0.string } ?? value["aud"]?.string.map { [$0] } ?? []
        issuedAt = Self.time(value["iat"]) ?? 0
        notBefore = Self.time(value["nbf"]) ?? 0
        id = value["jti"]?.string ?? ""
        pod = Self.reference(kubernetes["pod"])
        secret = Self.reference(kubernetes["secret"])
        node = Self.reference(kubernetes["node"])
        warnAfter = Self.time(kubernetes["warnafter"])
    }

    private static func time(_ value: JSONValue?) -> Int64? {
        switch value {
        case .int(let seconds): seconds
        case .double(let seconds) where abs(seconds) < 1e15: Int64(seconds)
        default: nil
        }
    }

    private static func reference(_ value: JSONValue?) -> Reference? {
        guard let value, value.object != nil else { return nil }
        return Reference(name: value["name"]?.string ?? "", uid: value["uid"]?.string ?? "")
    }

    /// The issuer that a token claims, before anything is checked; nil if it is no token of this kind.
    package static func claimedIssuer(of token: String) -> String? {
        let parts: [Substring] = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = base64URL(parts[1]) else { return nil }
        return (try? JSONValue(parsing: payload))?["iss"]?.string
    }

    /// RFC 4648 section 5, without padding; nil for other characters.
    private static func base64URL(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 3 / 4)
        var bits: UInt32 = 0
        var count: Int = 0
        for byte in text.utf8 {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
