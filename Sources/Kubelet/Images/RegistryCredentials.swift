package import API
import Codec

/// Logins for registries, from a pod's pull secrets.
package struct RegistryCredentials: Sendable, Equatable {
    package struct Login: Sendable, Equatable {
        /// As the secret names it: `https://index.docker.io/v1/`, `registry.example.com:5000/team`, `*.example.com`.
        package var place: String
        package var user: String
        package var password: String
    }

    package var logins: [Login] = []

    package init() {}

    /// Takes what `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg` secrets hold; others are ignored, as
    /// are entries that cannot be read.
    package mutating func add(_ secret: Secret) {
        if let bytes = secret.data[".dockerconfigjson"], case .object(let file)? = Self.parse(bytes),
            case .object(let entries)? = file["auths"]
        {
            add(entries)
        } else if let bytes = secret.data[".dockercfg"], case .object(let entries)? = Self.parse(bytes) {
            add(entries)
        }
    }

    private static func parse(_ bytes: [UInt8]) -> JSONValue? { try? JSONReader.decode(JSONValue.self, from: bytes) }

    private mutating func add(_ entries: JSONObject) {
        for (place, value) in entries {
            guard case .object(let entry) = value else { continue }
            func text(_ key: String) -> String {
                if case .string(let text)? = entry[key] { return text }
                return ""
            }
            var login = Login(place: place, user: text("username"), password: text("password"))
            if login.user.isEmpty, let bytes = Base64.decode(text("auth")),
                let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
            {
                login.user = String(decoding: bytes[..<colon], as: UTF8.self)
                login.password = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
            }
            if !login.user.isEmpty { logins.append(login) }
        }
    }

    /// The logins that fit an image, the most specific first.
    package func matching(_ image: ImageName) -> [Login] {
        logins.map { ($0, Self.place($0.place)) }
            .filter { Self.matches($0.1, image) }
            .sorted { $0.1.path.count > $1.1.path.count }
            .map(\.0)
    }

    /// Host and path without scheme and without Docker's API version.
    private static func place(_ text: String) -> (host: String, path: String) {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let parts: [Substring] = rest.split(separator: "/", maxSplits: 1)
        var path: Substring = parts.count == 2 ? parts[1] : ""
        while path.hasSuffix("/") { path = path.dropLast() }
        if path == "v1" || path == "v2" { path = "" }
        return (String(parts.first ?? ""), String(path))
    }

    private static func matches(_ place: (host: String, path: String), _ image: ImageName) -> Bool {
        var host: String = place.host
        if host == "index.docker.io" || host == "registry-1.docker.io" { host = "docker.io" }
        guard place.path.isEmpty || image.path == place.path || image.path.hasPrefix(place.path + "/") else {
            return false
        }
        // A star stands for one label, or a part of one.
        let wanted: [Substring] = host.split(separator: ".")
        let actual: [Substring] = image.registry.split(separator: ".")
        return wanted.count == actual.count && zip(wanted, actual).allSatisfy(Self.isGlob)
    }

    private static func isGlob(_ pattern: Substring, _ text: Substring) -> Bool {
        let parts: [Substring] = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return pattern == text }
        return text.count >= first.count + last.count && text.hasPrefix(first) && text.hasSuffix(last)
    }
}
