import APIMachinery

/// The name of who signs: `example.com/my-signer`.
enum SignerName {
    private static let longestDomain = 253
    private static let longestPath = 253 + 63 + 1

    static func validate(_ name: String, _ path: FieldPath) -> FieldErrors {
        if name.isEmpty { return [.required(path)] }
        var errors = FieldErrors()
        let segments: [String] = name.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard segments.count == 2 else {
            let text: String = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
            return [.invalid(path, name, text)]
        }
        if segments[0].utf8.count > longestDomain { errors.append(.tooLong(path, limit: longestDomain)) }
        let domain: [String] = labels(segments[0])
        errors += firstBad(domain, in: segments[0], path) { NameRules.dns1123Label($0) }
        if domain.count < 2 {
            let text: String = "should be a domain with at least two segments separated by dots"
            errors.append(.invalid(path, segments[0], text))
        }
        errors += firstBad(labels(segments[1]), in: segments[1], path) { NameRules.dns1123Subdomain($0) }
        let longest: Int = longestDomain + longestPath + 1
        if name.utf8.count > longest { errors.append(.tooLong(path, limit: longest)) }
        return errors
    }

    private static func labels(_ text: String) -> [String] {
        text.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    }

    private static func firstBad(
        _ labels: [String], in segment: String, _ path: FieldPath, _ rule: (String) -> [String]
    ) -> FieldErrors {
        for label in labels {
            let messages: [String] = rule(label)
            if messages.isEmpty { continue }
            return Rule.messages(messages.map { "validating label \"\(label)\": \($0)" }, segment, path)
        }
        return []
    }
}
