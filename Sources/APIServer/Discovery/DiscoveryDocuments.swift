import APIMachinery
import Codec

/// What the server serves, in the forms of discovery. Made once.
package final class DiscoveryDocuments: Sendable {
    /// Upstream's order of groups; groups that it does not know come last, by name.
    private static let order: [String] = [
        "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
        "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
        "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
        "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
    ]

    package struct Group: Sendable {
        package var name: String
        /// The preferred one first.
        package var versions: [Version]
    }

    package struct Version: Sendable {
        package var name: String
        /// By name.
        package var resources: [ResourceInfo]
    }

    package let groups: [Group]

    package init(_ infos: [ResourceInfo]) {
        var groups: [Group] = []
        for info in infos {
            let group: Int
            if let index = groups.firstIndex(where: { $0.name == info.gvr.group }) {
                group = index
            } else {
                group = groups.count
                groups.append(Group(name: info.gvr.group, versions: []))
            }
            if let version = groups[group].versions.firstIndex(where: { $0.name == info.gvr.version }) {
                groups[group].versions[version].resources.append(info)
            } else {
                groups[group].versions.append(Version(name: info.gvr.version, resources: [info]))
            }
        }
        for group in groups.indices {
            groups[group].versions.sort { Self.precedes($0.name, $1.name) }
            for version in groups[group].versions.indices {
                groups[group].versions[version].resources.sort { $0.gvr.resource < $1.gvr.resource }
            }
        }
        groups.sort { (Self.rank($0.name), $0.name) < (Self.rank($1.name), $1.name) }
        self.groups = groups
    }

    private static func rank(_ group: String) -> Int {
        order.firstIndex(of: group) ?? order.count
    }

    /// Stable before beta before alpha, the higher number first: `v2`, `v1`, `v1beta1`.
    private static func precedes(_ one: String, _ other: String) -> Bool {
        let (left, right): ((Int, Int, Int), (Int, Int, Int)) = (weight(one), weight(other))
        return left != right ? left > right : one < other
    }

    private static func weight(_ version: String) -> (Int, Int, Int) {
        guard version.hasPrefix("v") else { return (0, 0, 0) }
        let rest: Substring = version.dropFirst()
        let major: Substring = rest.prefix { $0.isNumber }
        let stage: Substring = rest.dropFirst(major.count)
        let level: Int = stage.isEmpty ? 3 : stage.hasPrefix("beta") ? 2 : stage.hasPrefix("alpha") ? 1 : 0
        let minor: Substring = stage.drop { !$0.isNumber }
        return (level, Int(major) ?? 0, Int(minor) ?? 0)
    }

    // MARK: - Legacy forms

    /// `/api`
    package func coreVersions(serverAddress: String) -> [UInt8] {
        APIVersions.with { versions in
            versions.versions = groups.first { $0.name.isEmpty }?.versions.map { $0.name } ?? []
            versions.serverAddressByClientCIDRs = [
                ServerAddressByClientCIDR.with { address in
                    address.clientCIDR = "0.0.0.0/0"
                    address.serverAddress = serverAddress
                }
            ]
        }.jsonBytes
    }

    /// `/apis`
    package func groupList() -> [UInt8] {
        APIGroupList.with { list in
            list.groups = groups.filter { !$0.name.isEmpty }.map { Self.group($0) }
        }.jsonBytes
    }

    /// `/apis/{group}`
    package func group(_ name: String) -> [UInt8]? {
        guard !name.isEmpty, let group = groups.first(where: { $0.name == name }) else { return nil }
        return Self.group(group).jsonBytes
    }

    private static func group(_ group: Group) -> APIGroup {
        let versions: [GroupVersionForDiscovery] = group.versions.map { version in
            GroupVersionForDiscovery.with { item in
                item.groupVersion = "\(group.name)/\(version.name)"
                item.version = version.name
            }
        }
        return APIGroup.with { item in
            item.name = group.name
            item.versions = versions
            if let first = versions.first { item.preferredVersion = first }
        }
    }

    /// `/api/v1`, `/apis/{group}/{version}`
    package func resourceList(group: String, version: String) -> [UInt8]? {
        guard let found = groups.first(where: { $0.name == group })?.versions.first(where: { $0.name == version })
        else { return nil }
        return APIResourceList.with { list in
            list.groupVersion = group.isEmpty ? version : "\(group)/\(version)"
            for info in found.resources {
                list.resources.append(Self.resource(info))
                for subresource in info.subresources {
                    list.resources.append(Self.resource(info, subresource))
                }
            }
        }.jsonBytes
    }

    private static func resource(_ info: ResourceInfo) -> APIResource {
        APIResource.with { resource in
            resource.name = info.gvr.resource
            resource.singularName = info.singular
            resource.namespaced = info.namespaced
            resource.kind = info.gvk.kind
            resource.verbs = info.verbs.map { $0.rawValue }
            resource.shortNames = info.shortNames
            resource.categories = info.categories
        }
    }

    private static func resource(_ info: ResourceInfo, _ subresource: ResourceInfo.Subresource) -> APIResource {
        APIResource.with { resource in
            resource.name = "\(info.gvr.resource)/\(subresource.name)"
            resource.namespaced = info.namespaced
            resource.kind = subresource.gvk.kind
            if subresource.gvk.group != info.gvk.group || subresource.gvk.version != info.gvk.version {
                resource.group = subresource.gvk.group
                resource.version = subresource.gvk.version
            }
            resource.verbs = subresource.verbs
        }
    }
}
