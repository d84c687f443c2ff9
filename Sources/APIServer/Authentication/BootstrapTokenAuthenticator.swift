package import APICore
package import APIMachinery
import Codec

/// Tokens by which new nodes come in: secrets of the type `bootstrap.kubernetes.io/token` in `kube-system`.
///
/// As upstream, whatever is wrong with one, it is simply not known: who guesses learns nothing.
package struct BootstrapTokenAuthenticator: TokenAuthenticator {
    package static let group: String = "system:bootstrappers"
    package static let secretType: String = "bootstrap.kubernetes.io/token"
    package static let namespace: String = "kube-system"
    private static let userPrefix: String = "system:bootstrap:"
    private static let idLength: Int = 6
    private static let secretLength: Int = 16

    private let caches: any CacheReader
    private let clock: any WallClock

    package init(caches: any CacheReader, clock: any WallClock) {
        self.caches = caches
        self.clock = clock
    }

    package func authenticate(token: String, audiences: [String]) -> TokenResult {
        guard let (id, secret) = Self.parts(token),
            let object = caches.get(Secret.self, namespace: Self.namespace, name: "bootstrap-token-\(id)"),
            object.metadata.deletionTimestamp == nil, object.type == Self.secretType,
            Self.isEqual(object.data["token-secret"] ?? [], Array(secret.utf8)),
            Self.text(object, "token-id") == id, !Self.isExpired(object, at: clock.now),
            Self.text(object, "usage-bootstrap-authentication") == "true",
            let groups = Self.groups(object)
        else { return .unknown }
        return .authenticated(UserInfo(name: Self.userPrefix + id, groups: groups), audiences: audiences)
    }

    /// `abcdef.0123456789abcdef`.
    private static func parts(_ token: String) -> (id: String, secret: String)? {
        let parts: [Substring] = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == idLength, parts[1].utf8.count == secretLength else { return nil }
        for byte in Array(parts[0].utf8) + Array(parts[1].utf8) {
            guard (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) else { return nil }
        }
        return (String(parts[0]), String(parts[1]))
    }

    /// In a time that does not tell how much is right.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    private static func text(_ secret: Secret, _ key: String) -> String {
        String(decoding: secret.data[key] ?? [], as: UTF8.self)
    }

    /// What cannot be read as a time has run out.
    package static func isExpired(_ secret: Secret, at now: Time) -> Bool {
        let text: String = text(secret, "expiration")
        if text.isEmpty { return false }
        guard let end = Time(text) else { return true }
        return end.seconds <= now.seconds
    }

    /// Nil: the secret asks for a group that is not for bootstrapping.
    private static func groups(_ secret: Secret) -> [String]? {
        var groups: Set<String> = [group]
        for part in text(secret, "auth-extra-groups").split(separator: ",") {
            guard isBootstrapGroup(part) else { return nil }
            groups.insert(String(part))
        }
        return groups.sorted()
    }

    /// `system:bootstrappers:` and up to 256 letters, digits, colons and hyphens, the last one no colon or hyphen.
    private static func isBootstrapGroup(_ name: Substring) -> Bool {
        guard name.hasPrefix(group + ":") else { return false }
        let rest: Substring.UTF8View = name.utf8.dropFirst(group.utf8.count + 1)
        guard !rest.isEmpty, rest.count <= 256, let last = rest.last, last != 0x3A, last != 0x2D else { return false }
        return rest.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x3A || $0 == 0x2D
        }
    }
}
