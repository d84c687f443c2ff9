import APIMachinery
package import APIRBAC

/// The verbs of a rule: upstream's usual ones as bits.
struct VerbSet: Sendable {
    private static let isAll: UInt16 = 1 << 15
    private var bits: UInt16 = 0
    private var others: [String] = []

    init(_ verbs: [String]) {
        for verb in verbs {
            if verb == "*" {
                bits = .max
            } else if let bit = Self.bit(verb) {
                bits |= bit
            } else {
                others.append(verb)
            }
        }
    }

    static func bit(_ verb: String) -> UInt16? {
        switch verb {
        case "get": 1
        case "list": 1 << 1
        case "watch": 1 << 2
        case "create": 1 << 3
        case "update": 1 << 4
        case "patch": 1 << 5
        case "delete": 1 << 6
        case "deletecollection": 1 << 7
        default: nil
        }
    }

    func contains(_ verb: String, bit: UInt16?) -> Bool {
        if bits & (bit ?? Self.isAll) != 0 { return true }
        return bit == nil && others.contains(verb)
    }
}

/// What is asked of a rule, prepared once per request.
struct RuleQuery {
    let verb: String
    let verbBit: UInt16?
    let group: String
    /// With the subresource: `pods/log`.
    let resource: String
    let subresource: String
    let name: String
    let path: String
    let isResource: Bool

    init(_ attributes: AuthorizationAttributes) {
        verb = attributes.verb
        verbBit = VerbSet.bit(attributes.verb)
        group = attributes.group
        resource =
            attributes.subresource.isEmpty
            ? attributes.resource : attributes.resource + "/" + attributes.subresource
        subresource = attributes.subresource
        name = attributes.name
        path = attributes.path
        isResource = attributes.isResourceRequest
    }
}

/// The rules of a role, found by resource: what a role costs does not grow with its length.
package final class CompiledRole: Sendable {
    private struct ResourceRule: Sendable {
        let verbs: VerbSet
        let groups: [String]
        let names: [String]

        func allows(_ query: RuleQuery) -> Bool {
            verbs.contains(query.verb, bit: query.verbBit)
                && groups.contains { $0 == "*" || $0 == query.group }
                && (names.isEmpty || names.contains(query.name))
        }
    }

    private struct PathRule: Sendable {
        let verbs: VerbSet
        let urls: [String]
    }

    package let rules: [PolicyRule]
    /// By `pods`, `pods/log`, `*` and `*/scale`.
    private let resources: [String: [ResourceRule]]
    private let hasSubresourceWildcard: Bool
    private let paths: [PathRule]

    package init(_ rules: [PolicyRule]) {
        self.rules = rules
        var resources: [String: [ResourceRule]] = [:]
        var paths: [PathRule] = []
        for rule in rules {
            let verbs = VerbSet(rule.verbs)
            let compiled = ResourceRule(verbs: verbs, groups: rule.apiGroups, names: rule.resourceNames)
            for resource in Set(rule.resources) { resources[resource, default: []].append(compiled) }
            if !rule.nonResourceURLs.isEmpty { paths.append(PathRule(verbs: verbs, urls: rule.nonResourceURLs)) }
        }
        self.resources = resources
        self.paths = paths
        hasSubresourceWildcard = resources.keys.contains { $0.hasPrefix("*/") }
    }

    package func allows(_ attributes: AuthorizationAttributes) -> Bool { allows(RuleQuery(attributes)) }

    func allows(_ query: RuleQuery) -> Bool {
        guard query.isResource else {
            return paths.contains { rule in
                rule.verbs.contains(query.verb, bit: query.verbBit)
                    && rule.urls.contains { PolicyRule.url($0, covers: query.path) }
            }
        }
        if let found = resources["*"], found.contains(where: { $0.allows(query) }) { return true }
        if let found = resources[query.resource], found.contains(where: { $0.allows(query) }) { return true }
        guard hasSubresourceWildcard, !query.subresource.isEmpty, let found = resources["*/" + query.subresource]
        else { return false }
        return found.contains { $0.allows(query) }
    }
}

extension PolicyRule {
    /// A star at the end stands for anything; elsewhere it is a star.
    static func url(_ pattern: String, covers path: String) -> Bool {
        if pattern == path || pattern == "*" { return true }
        guard pattern.utf8.last == UInt8(ascii: "*") else { return false }
        var prefix: Substring = pattern[...]
        while prefix.utf8.last == UInt8(ascii: "*") { prefix.removeLast() }
        return path.hasPrefix(prefix)
    }
}
