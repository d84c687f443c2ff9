import APICore
import APIMachinery
import Codec

/// What one object uses up of a quota, and which names of a quota are about its kind.
protocol QuotaUsage: Sendable {
    /// Whether a quota's name is about objects of this kind.
    func isAbout(_ name: String) -> Bool
    /// By the names that a quota gives them.
    func usage(of object: any APIObject) -> StringMap<Quantity>
    /// Whether the object lies in a quota's scope.
    func matches(_ scope: ScopedResourceSelectorRequirement, _ object: any APIObject) -> Bool
    /// What the object must say but does not, if a quota restricts these names; nil if nothing is missing.
    func omission(in object: any APIObject, restricting names: [String]) -> String?
    /// Whether an update may use up more.
    var countsUpdates: Bool { get }
}

extension QuotaUsage {
    func matches(_ scope: ScopedResourceSelectorRequirement, _ object: any APIObject) -> Bool { false }
    func omission(in object: any APIObject, restricting names: [String]) -> String? { nil }
    var countsUpdates: Bool { false }
}

/// The kinds that quotas know.
enum QuotaUsages {
    /// Counted under their own names as well as under `count/…`.
    private static let plainNames: Set<String> = [
        "configmaps", "secrets", "replicationcontrollers", "resourcequotas",
    ]

    static func of(_ resource: GroupVersionResource) -> any QuotaUsage {
        let count: String = resource.group.isEmpty ? resource.resource : "\(resource.resource).\(resource.group)"
        guard resource.group.isEmpty else { return ObjectCountUsage(names: ["count/\(count)"]) }
        switch resource.resource {
        case "pods": return PodUsage()
        case "services": return ServiceUsage()
        case "persistentvolumeclaims": return ClaimUsage()
        case let name where plainNames.contains(name): return ObjectCountUsage(names: ["count/\(count)", name])
        default: return ObjectCountUsage(names: ["count/\(count)"])
        }
    }
}

/// Objects that only count as such.
struct ObjectCountUsage: QuotaUsage {
    let names: [String]

    func isAbout(_ name: String) -> Bool { names.contains(name) }

    func usage(of object: any APIObject) -> StringMap<Quantity> {
        var usage: StringMap<Quantity> = [:]
        for name in names { usage[name] = Quantity(1) }
        return usage
    }
}
