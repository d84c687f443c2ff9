import API
import APIMachinery

/// What is left in a namespace that is being emptied, and how its conditions say so.
struct NamespaceContent {
    var remaining: [(resource: GroupVersionResource, count: Int)] = []
    /// How many objects each finalizer holds.
    var finalizers: [String: Int] = [:]
    var errors: [String] = []
    /// How long what remains is expected to take.
    var seconds: Int = 0

    var isEmpty: Bool { remaining.isEmpty }

    /// All five conditions, those of others left as they are. A condition that says the same keeps its time.
    func conditions(replacing old: [NamespaceCondition], now: Time) -> [NamespaceCondition] {
        var conditions: [NamespaceCondition] = old
        for condition in [discovery, parsing, deletion, content, holders] {
            let new: NamespaceCondition = condition
            guard let index = conditions.firstIndex(where: { $0.type == new.type }) else {
                conditions.append(at(now, new))
                continue
            }
            let known: NamespaceCondition = conditions[index]
            guard known.status != new.status || known.reason != new.reason || known.message != new.message else {
                continue
            }
            conditions[index] = known.status == new.status ? at(known.lastTransitionTime ?? now, new) : at(now, new)
        }
        return conditions
    }

    /// The list of resources is built in, so these two never fail.
    private var discovery: NamespaceCondition {
        make("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered")
    }

    private var parsing: NamespaceCondition {
        make(
            "NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions",
            "All legacy kube types successfully parsed")
    }

    private var deletion: NamespaceCondition {
        let type: String = "NamespaceDeletionContentFailure"
        guard !errors.isEmpty else {
            return make(
                type, "ContentDeleted", "All content successfully deleted, may be waiting on finalization")
        }
        let list: String = errors.sorted().joined(separator: ", ")
        return make(
            type, "ContentDeletionFailed", "Failed to delete all resource types, \(errors.count) remaining: \(list)",
            failed: true)
    }

    private var content: NamespaceCondition {
        let type: String = "NamespaceContentRemaining"
        guard !remaining.isEmpty else { return make(type, "ContentRemoved", "All content successfully removed") }
        let list: String = remaining.map {
            "\($0.resource.resource).\($0.resource.group) has \($0.count) resource instances"
        }
        .sorted().joined(separator: ", ")
        return make(type, "SomeResourcesRemain", "Some resources are remaining: \(list)", failed: true)
    }

    private var holders: NamespaceCondition {
        let type: String = "NamespaceFinalizersRemaining"
        guard !finalizers.isEmpty else {
            return make(type, "ContentHasNoFinalizers", "All content-preserving finalizers finished")
        }
        let list: String = finalizers.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value) resource instances" }
            .joined(separator: ", ")
        return make(
            type, "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: \(list)",
            failed: true)
    }

    private func make(_ type: String, _ reason: String, _ message: String, failed: Bool = false) -> NamespaceCondition {
        NamespaceCondition.with {
            $0.type = type
            $0.status = failed ? "True" : "False"
            $0.reason = reason
            $0.message = message
        }
    }

    private func at(_ time: Time, _ condition: NamespaceCondition) -> NamespaceCondition {
        var condition: NamespaceCondition = condition
        condition.lastTransitionTime = time
        return condition
    }
}
