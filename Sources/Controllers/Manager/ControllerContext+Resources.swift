import APIMachinery
import Client

extension ControllerContext {
    /// Resources that are answered but not kept.
    private static let virtual: Set<String> = [
        "bindings", "componentstatuses", "localsubjectaccessreviews", "selfsubjectaccessreviews",
        "selfsubjectrulesreviews", "selfsubjectreviews", "subjectaccessreviews", "tokenreviews",
    ]

    /// The resources that this cluster serves and keeps; of several versions of one, the first.
    var persistent: [ResourceTable.Entry] {
        var seen: Set<String> = []
        return ResourceTable.all.filter { entry in
            !Self.virtual.contains(entry.resource.resource) && serves(entry.resource)
                && seen.insert(entry.resource.groupResource).inserted
        }
    }

    func serves(_ resource: GroupVersionResource) -> Bool { served?.contains(resource) ?? true }
}
