/// What several authorizers allow together.
package struct UnionRuleResolver: RuleResolver {
    private let members: [any RuleResolver]

    package init(_ members: [any RuleResolver]) {
        self.members = members
    }

    package func rules(for user: UserInfo, namespace: String) -> ResolvedRules {
        var all = ResolvedRules()
        for member in members {
            let found: ResolvedRules = member.rules(for: user, namespace: namespace)
            all.rules += found.rules
            all.errors += found.errors
            all.isIncomplete = all.isIncomplete || found.isIncomplete
        }
        return all
    }
}
