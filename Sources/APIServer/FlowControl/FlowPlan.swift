import APIMachinery

/// Which requests belong together, and how much of the server they may have: upstream's API priority and fairness, as
/// plain values.
package struct FlowPlan: Sendable, Equatable {
    /// A class of requests that share seats.
    package struct Level: Sendable, Equatable {
        package var name: String
        package var uid: String = ""
        /// Served at once, whatever else goes on.
        package var isExempt: Bool = false
        /// The level's part of the server is its shares of all shares.
        package var shares: Int = 0
        /// How much of its own part others may use while it does not.
        package var lendablePercent: Int = 0
        /// How much more than its own part it may use, of that part; nil: no limit.
        package var borrowingPercent: Int?
        /// Nil: what does not fit is refused at once.
        package var queuing: Queuing?

        package init(_ name: String) {
            self.name = name
        }
    }

    package struct Queuing: Sendable, Equatable {
        package var queues: Int
        /// How many queues a flow may be put into; the shortest is taken, so that a few heavy flows cannot fill all
        /// the queues of a light one.
        package var handSize: Int
        package var lengthLimit: Int

        package init(queues: Int, handSize: Int, lengthLimit: Int) {
            self.queues = queues
            self.handSize = handSize
            self.lengthLimit = lengthLimit
        }
    }

    package enum Distinguisher: Sendable, Equatable {
        case none, user, namespace
    }

    /// Says which requests are of which level, and which of them are one flow.
    package struct Schema: Sendable, Equatable {
        package var name: String
        package var uid: String = ""
        package var level: String
        /// The lowest that fits counts.
        package var precedence: Int
        package var distinguisher: Distinguisher = .none
        package var rules: [Rule] = []

        package init(_ name: String, level: String, precedence: Int) {
            self.name = name
            self.level = level
            self.precedence = precedence
        }
    }

    /// Some subjects with some requests. `*` is all, everywhere.
    package struct Rule: Sendable, Equatable {
        package var users: Set<String> = []
        package var groups: Set<String> = []
        package var accounts: [ServiceAccountName] = []
        package var resources: [ResourceRule] = []
        package var nonResources: [NonResourceRule] = []

        package init() {}
    }

    package struct ResourceRule: Sendable, Equatable {
        package var verbs: Set<String>
        package var groups: Set<String>
        package var resources: Set<String>
        /// Empty: only what is in no namespace.
        package var namespaces: Set<String>
        package var clusterScope: Bool

        package init(
            verbs: Set<String> = ["*"], groups: Set<String> = ["*"], resources: Set<String> = ["*"],
            namespaces: Set<String> = ["*"], clusterScope: Bool = false
        ) {
            self.verbs = verbs
            self.groups = groups
            self.resources = resources
            self.namespaces = namespaces
            self.clusterScope = clusterScope
        }
    }

    package struct NonResourceRule: Sendable, Equatable {
        package var verbs: Set<String>
        /// `/healthz`, `/apis/*`, `*`.
        package var paths: [String]

        package init(verbs: Set<String> = ["*"], paths: [String] = ["*"]) {
            self.verbs = verbs
            self.paths = paths
        }
    }

    /// By precedence, then name.
    package private(set) var schemas: [Schema]
    package private(set) var levels: [String: Level]

    /// Schemas of levels that are not there do not count. What nobody else takes is the catch-all's.
    package init(schemas: [Schema], levels: [Level]) {
        var byName: [String: Level] = [:]
        for level in levels { byName[level.name] = level }
        for level in Self.mandatoryLevels where byName[level.name] == nil { byName[level.name] = level }
        var all: [Schema] = schemas.filter { byName[$0.level] != nil }
        for schema in Self.mandatorySchemas where !all.contains(where: { $0.name == schema.name }) {
            all.append(schema)
        }
        self.levels = byName
        self.schemas = all.sorted { left, right in
            left.precedence == right.precedence ? left.name < right.name : left.precedence < right.precedence
        }
    }

    /// Seats of a level, of so many in all; none where it has no shares, which holds up all of its requests.
    package func seats(of level: Level, total: Int) -> Int {
        let sum: Int = levels.values.reduce(0) { $0 + $1.shares }
        guard sum > 0, level.shares > 0 else { return 0 }
        return (total * level.shares + sum - 1) / sum
    }
}

/// Where a request belongs.
package struct FlowMatch: Sendable, Equatable {
    package var schema: String
    package var schemaUID: String
    package var level: String
    package var levelUID: String
    package var isExempt: Bool
    /// Requests of one flow have the same.
    package var flow: String
}

extension FlowPlan {
    package func match(_ context: RequestContext) -> FlowMatch {
        for schema in schemas where schema.rules.contains(where: { $0.matches(context) }) {
            guard let level = levels[schema.level] else { continue }
            let flow: String
            switch schema.distinguisher {
            case .none: flow = ""
            case .user: flow = context.user.name
            case .namespace: flow = context.namespace
            }
            return FlowMatch(
                schema: schema.name, schemaUID: schema.uid, level: level.name, levelUID: level.uid,
                isExempt: level.isExempt, flow: flow)
        }
        // Only for somebody in neither of the groups that everybody is in.
        return FlowMatch(
            schema: "catch-all", schemaUID: "", level: "catch-all", levelUID: "", isExempt: false,
            flow: context.user.name)
    }
}

extension FlowPlan.Rule {
    fileprivate func matches(_ context: RequestContext) -> Bool {
        guard isSubject(context.user) else { return false }
        if context.isResourceRequest { return resources.contains { $0.matches(context) } }
        return nonResources.contains { $0.matches(context) }
    }

    private func isSubject(_ user: UserInfo) -> Bool {
        if users.contains(user.name) || users.contains("*") { return true }
        if !groups.isEmpty, groups.contains("*") || user.groups.contains(where: { groups.contains($0) }) { return true }
        guard !accounts.isEmpty, let account = ServiceAccountName(userName: user.name) else { return false }
        return accounts.contains { $0.namespace == account.namespace && ($0.name == "*" || $0.name == account.name) }
    }
}

extension Set<String> {
    fileprivate func allows(_ value: String) -> Bool { contains(value) || contains("*") }
}

extension FlowPlan.ResourceRule {
    fileprivate func matches(_ context: RequestContext) -> Bool {
        guard verbs.allows(context.verb), groups.allows(context.resource.group) else { return false }
        let resource: String =
            context.subresource.isEmpty
            ? context.resource.resource : "\(context.resource.resource)/\(context.subresource)"
        guard resources.allows(resource) else { return false }
        return context.namespace.isEmpty ? clusterScope : namespaces.allows(context.namespace)
    }
}

extension FlowPlan.NonResourceRule {
    fileprivate func matches(_ context: RequestContext) -> Bool {
        guard verbs.allows(context.verb) else { return false }
        return paths.contains { path in
            if path == "*" || path == context.path { return true }
            return path.hasSuffix("/*") && context.path.hasPrefix(path.dropLast())
        }
    }
}
