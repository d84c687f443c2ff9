import APIMachinery
package import APIRBAC

/// Whether rules allow all that other rules allow: upstream's test against escalation, and of its bootstrap policy.
package enum RuleCover {
    /// The parts of `wanted`, broken down to one verb, group, resource and name each, that `held` does not allow.
    package static func missing(from held: [PolicyRule], wanted: [PolicyRule]) -> [PolicyRule] {
        wanted.flatMap { brokenDown($0) }.filter { part in !held.contains { covers($0, part) } }
    }

    private static func brokenDown(_ rule: PolicyRule) -> [PolicyRule] {
        var parts: [PolicyRule] = []
        for group in rule.apiGroups {
            for resource in rule.resources {
                for verb in rule.verbs {
                    var part = PolicyRule()
                    part.apiGroups = [group]
                    part.resources = [resource]
                    part.verbs = [verb]
                    guard !rule.resourceNames.isEmpty else {
                        parts.append(part)
                        continue
                    }
                    for name in rule.resourceNames {
                        part.resourceNames = [name]
                        parts.append(part)
                    }
                }
            }
        }
        for url in rule.nonResourceURLs {
            for verb in rule.verbs {
                parts.append(
                    PolicyRule.with {
                        $0.nonResourceURLs = [url]
                        $0.verbs = [verb]
                    })
            }
        }
        return parts
    }

    private static func covers(_ held: PolicyRule, _ part: PolicyRule) -> Bool {
        guard part.verbs.allSatisfy({ has(held.verbs, $0) }), part.apiGroups.allSatisfy({ has(held.apiGroups, $0) })
        else { return false }
        guard part.resources.allSatisfy({ coversResource(held.resources, $0) }) else { return false }
        guard
            part.nonResourceURLs.allSatisfy({ url in held.nonResourceURLs.contains { PolicyRule.url($0, covers: url) } }
            )
        else { return false }
        if held.resourceNames.isEmpty { return true }
        return !part.resourceNames.isEmpty && part.resourceNames.allSatisfy { held.resourceNames.contains($0) }
    }

    private static func has(_ list: [String], _ wanted: String) -> Bool {
        list.contains { $0 == "*" || $0 == wanted }
    }

    private static func coversResource(_ held: [String], _ wanted: String) -> Bool {
        if has(held, wanted) { return true }
        guard let slash = wanted.firstIndex(of: "/") else { return false }
        return held.contains("*" + wanted[slash...])
    }

    /// Rules for the same single resource put together, for people to read.
    package static func compacted(_ rules: [PolicyRule]) -> [PolicyRule] {
        var result: [PolicyRule] = []
        var simple: [String: Int] = [:]
        for rule in rules {
            guard rule.apiGroups.count == 1, rule.resources.count == 1, rule.resourceNames.count <= 1,
                rule.nonResourceURLs.isEmpty
            else {
                result.append(rule)
                continue
            }
            let key: String = ([rule.apiGroups[0], rule.resources[0]] + rule.resourceNames).joined(separator: "|")
            guard let index = simple[key] else {
                simple[key] = result.count
                result.append(rule)
                continue
            }
            for verb in rule.verbs where !result[index].verbs.contains(verb) { result[index].verbs.append(verb) }
        }
        return result
    }

    /// `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`, as upstream shows a rule.
    package static func text(_ rule: PolicyRule) -> String {
        let parts: [(String, [String])] = [
            ("APIGroups", rule.apiGroups), ("Resources", rule.resources), ("NonResourceURLs", rule.nonResourceURLs),
            ("ResourceNames", rule.resourceNames), ("Verbs", rule.verbs),
        ]
        let shown: [String] = parts.filter { !$0.1.isEmpty }.map { "\($0.0):\(list($0.1))" }
        return "{" + shown.joined(separator: ", ") + "}"
    }

    /// Go's `%q` of a list.
    package static func list(_ values: [String]) -> String {
        "[" + values.map { GoText.quoted($0) }.joined(separator: " ") + "]"
    }
}
