import APIMachinery
import Codec

/// How webhooks are called: the same rules for admission and for conversion.
enum WebhookRules {
    /// What a service reference says, of whichever group it is.
    struct Service {
        var namespace: String
        var name: String
        var path: String?
        var port: Int?
    }

    /// Exactly one of the two, and that one good.
    ///
    /// - Parameter names: what the fields are called below `path`.
    static func client(url: String?, service: Service?, _ path: FieldPath) -> FieldErrors {
        if (url == nil) == (service == nil) {
            return [.required(path, "exactly one of url or service is required")]
        }
        if let url { return self.url(url, path.child("url")) }
        return service.map { self.service($0, path.child("service")) } ?? []
    }

    static func url(_ url: String, _ path: FieldPath) -> FieldErrors {
        let form: String = "; desired format: https://host[/path]"
        var errors = FieldErrors()
        var rest: Substring = url[...]
        var fragment: Substring = ""
        var query: Substring = ""
        if let mark = rest.firstIndex(of: "#") {
            fragment = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        var scheme: Substring = ""
        if let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") {
            scheme = rest[..<colon]
            rest = rest[rest.index(after: colon)...]
        }
        var authority: Substring = ""
        if rest.hasPrefix("//") { authority = rest.dropFirst(2).prefix { $0 != "/" } }
        var user: Substring?
        if let mark = authority.lastIndex(of: "@") {
            user = authority[..<mark]
            authority = authority[authority.index(after: mark)...]
        }
        if scheme.lowercased() != "https" {
            errors.append(.invalid(path, String(scheme), "'https' is the only allowed URL scheme" + form))
        }
        if authority.isEmpty { errors.append(.invalid(path, String(authority), "host must be specified" + form)) }
        if let user {
            errors.append(.invalid(path, String(user), "user information is not permitted in the URL"))
        }
        if !fragment.isEmpty {
            errors.append(.invalid(path, String(fragment), "fragments are not permitted in the URL"))
        }
        if !query.isEmpty {
            errors.append(.invalid(path, String(query), "query parameters are not permitted in the URL"))
        }
        return errors
    }

    static func service(_ service: Service, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(service.name, path.child("name"), "service name is required")
        errors += Rule.required(service.namespace, path.child("namespace"), "service namespace is required")
        let port: Int = service.port ?? 443
        let messages: [String] = NameRules.portNumber(port)
        if !messages.isEmpty {
            errors.append(
                .invalid(path.child("port"), port, "port is not valid: " + messages.joined(separator: ", ")))
        }
        if let text = service.path { errors += urlPath(text, path.child("path")) }
        return errors
    }

    private static func urlPath(_ text: String, _ path: FieldPath) -> FieldErrors {
        if text.isEmpty || text == "/" { return [] }
        if text == "//" { return [.invalid(path, text, "segment[0] may not be empty")] }
        var errors = FieldErrors()
        if !text.hasPrefix("/") { errors.append(.invalid(path, text, "must start with a '/'")) }
        var rest: Substring = text.dropFirst()
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        for (index, segment) in rest.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            if segment.isEmpty {
                errors.append(.invalid(path, text, "segment[\(index)] may not be empty"))
                continue
            }
            for message in NameRules.dns1123Subdomain(String(segment)) {
                errors.append(.invalid(path, text, "segment[\(index)]: \(message)"))
            }
        }
        return errors
    }

    /// Versions of review objects that a webhook understands, at least one of which we must know.
    ///
    /// - Parameter missing: what is said where there are none.
    static func reviewVersions(_ versions: [String], missing: String, _ path: FieldPath) -> FieldErrors {
        if versions.isEmpty { return [.required(path, missing)] }
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, version) in versions.enumerated() {
            guard seen.insert(version).inserted else {
                errors.append(.invalid(path.index(index), version, "duplicate version"))
                continue
            }
            errors += Rule.messages(NameRules.dns1035Label(version), version, path.index(index))
        }
        if seen.isDisjoint(with: knownReviews) {
            let text: String = "must include at least one of \(knownReviews.joined(separator: ", "))"
            errors.append(.invalid(path, versions, text))
        }
        return errors
    }

    static let knownReviews: [String] = ["v1", "v1beta1"]
}
