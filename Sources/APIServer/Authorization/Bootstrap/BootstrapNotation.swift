import APIMachinery
import APIRBAC
import Codec

/// Reads the compact notation of the bootstrap policy.
///
///     role edit +admin                                a cluster role that is part of the aggregate `admin`
///       aggregate edit                                its rules are gathered from the parts of `edit`
///       read | core | pods services                   verbs | groups | resources
///       get update | core | configmaps | cluster-info … and only these names
///       get | /healthz /livez                         verbs | paths
///       events                                        may write events
///     controller x                                    the role `system:controller:x`, bound to `kube-system/x`
///     role kube-system/token-cleaner                  a role in a namespace
///     bind a = role-b : group:system:masters          a binding of a (cluster) role, of its own name if `=` is absent
///     bind kube-system/a : user:x serviceaccount:kube-system/y
///
/// `core` is the empty group; `read` is get, list and watch; `write` is create, delete, deletecollection, patch, update.
struct BootstrapNotation {
    private(set) var clusterRoles: [ClusterRole] = []
    private(set) var roles: [Role] = []
    private(set) var clusterRoleBindings: [ClusterRoleBinding] = []
    private(set) var roleBindings: [RoleBinding] = []

    static let group: String = "rbac.authorization.k8s.io"
    private static let aggregation: String = "rbac.authorization.k8s.io/aggregate-to-"
    private static let verbs: [Substring: [String]] = [
        "read": ["get", "list", "watch"],
        "write": ["create", "delete", "deletecollection", "patch", "update"],
    ]

    private struct Open {
        var namespace: String
        var metadata: ObjectMeta
        var rules: [PolicyRule] = []
        var aggregation: AggregationRule?
    }

    private var open: Open?

    init(_ texts: [String]) {
        for text in texts {
            for line in text.split(separator: "\n") { read(line) }
            close()
        }
    }

    private mutating func read(_ line: Substring) {
        let words: [Substring] = line.split(separator: " ")
        switch words.first {
        case nil: return
        case "role":
            close()
            let (namespace, name): (String, String) = Self.name(words[1])
            var metadata: ObjectMeta = Self.metadata(namespace, name)
            for label in words.dropFirst(2) { metadata.labels[Self.aggregation + label.dropFirst()] = "true" }
            open = Open(namespace: namespace, metadata: metadata)
        case "controller":
            close()
            let name: String = "system:controller:" + words[1]
            readBinding(["bind", name[...], ":", "serviceaccount:kube-system/" + words[1]])
            open = Open(namespace: "", metadata: Self.metadata("", name))
        case "bind":
            close()
            readBinding(words)
        case "aggregate":
            let selector = LabelSelector.with { $0.matchLabels = [Self.aggregation + words[1]: "true"] }
            open?.aggregation = AggregationRule.with { $0.clusterRoleSelectors = [selector] }
        case "events":
            open?.rules.append(Self.rule([["create", "patch", "update"], ["core", "events.k8s.io"], ["events"]]))
        default:
            open?.rules.append(Self.rule(line.split(separator: "|").map { $0.split(separator: " ") }))
        }
    }

    private mutating func close() {
        guard let done = open.take() else { return }
        if done.namespace.isEmpty {
            clusterRoles.append(
                ClusterRole.with {
                    $0.metadata = done.metadata
                    $0.rules = done.rules
                    $0.aggregationRule = done.aggregation
                })
        } else {
            roles.append(
                Role.with {
                    $0.metadata = done.metadata
                    $0.rules = done.rules
                })
        }
    }

    private mutating func readBinding(_ words: [Substring]) {
        let (namespace, name): (String, String) = Self.name(words[1])
        let colon: Int = words.firstIndex(of: ":") ?? words.count
        let reference = RoleRef.with {
            $0.apiGroup = Self.group
            $0.kind = namespace.isEmpty ? "ClusterRole" : "Role"
            $0.name = words.count > 3 && words[2] == "=" ? String(words[3]) : name
        }
        let subjects: [Subject] = words.dropFirst(colon + 1).map { Self.subject($0) }
        if namespace.isEmpty {
            clusterRoleBindings.append(
                ClusterRoleBinding.with {
                    $0.metadata = Self.metadata(namespace, name)
                    $0.roleRef = reference
                    $0.subjects = subjects
                })
        } else {
            roleBindings.append(
                RoleBinding.with {
                    $0.metadata = Self.metadata(namespace, name)
                    $0.roleRef = reference
                    $0.subjects = subjects
                })
        }
    }

    private static func name(_ word: Substring) -> (namespace: String, name: String) {
        guard let slash = word.firstIndex(of: "/") else { return ("", String(word)) }
        return (String(word[..<slash]), String(word[word.index(after: slash)...]))
    }

    private static func metadata(_ namespace: String, _ name: String) -> ObjectMeta {
        ObjectMeta.with {
            $0.name = name
            $0.namespace = namespace
            $0.labels = ["kubernetes.io/bootstrapping": "rbac-defaults"]
            $0.annotations = [BootstrapPolicy.autoUpdate: "true"]
        }
    }

    private static func subject(_ word: Substring) -> Subject {
        let colon: Substring.Index = word.firstIndex(of: ":") ?? word.startIndex
        let rest: Substring = word[word.index(after: colon)...]
        return Subject.with { subject in
            switch word[..<colon] {
            case "user": subject.kind = "User"
            case "group": subject.kind = "Group"
            default:
                let (namespace, name): (String, String) = Self.name(rest)
                subject.kind = "ServiceAccount"
                subject.namespace = namespace
                subject.name = name
                return
            }
            subject.apiGroup = group
            subject.name = String(rest)
        }
    }

    private static func rule(_ columns: [[Substring]]) -> PolicyRule {
        PolicyRule.with { rule in
            precondition(columns.count >= 2 && columns.count <= 4, "a bootstrap rule has two to four columns")
            rule.verbs = columns[0].flatMap { verbs[$0] ?? [String($0)] }.sorted()
            guard columns.count > 2 else {
                rule.nonResourceURLs = columns[1].map { String($0) }.sorted()
                return
            }
            rule.apiGroups = columns[1].map { $0 == "core" ? "" : String($0) }.sorted()
            rule.resources = columns[2].map { String($0) }.sorted()
            if columns.count > 3 { rule.resourceNames = columns[3].map { String($0) }.sorted() }
        }
    }
}
