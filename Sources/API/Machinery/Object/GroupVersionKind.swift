/// What an object is: `apps/v1`, `Deployment`.
package struct GroupVersionKind: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Empty for the core group.
    package var group: String
    package var version: String
    package var kind: String

    package init(group: String, version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }

    package init(apiVersion: String, kind: String) {
        let (group, version): (String, String) = Self.parse(apiVersion)
        self.init(group: group, version: version, kind: kind)
    }

    /// `v1` or `apps/v1`, as in an object's `apiVersion`.
    package var apiVersion: String { group.isEmpty ? version : group + "/" + version }

    /// As upstream prints it in messages: `apps/v1, Kind=Deployment`.
    package var description: String { group + "/" + version + ", Kind=" + kind }

    package static func < (one: GroupVersionKind, other: GroupVersionKind) -> Bool {
        (one.group, one.version, one.kind) < (other.group, other.version, other.kind)
    }

    /// Group and version of an `apiVersion`; everything up to the last slash is the group.
    package static func parse(_ apiVersion: String) -> (group: String, version: String) {
        guard let slash = apiVersion.lastIndex(of: "/") else { return ("", apiVersion) }
        return (String(apiVersion[..<slash]), String(apiVersion[apiVersion.index(after: slash)...]))
    }
}

/// Where objects are found: `apps/v1`, `deployments`.
package struct GroupVersionResource: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Empty for the core group.
    package var group: String
    package var version: String
    /// The plural name in lower case.
    package var resource: String

    package init(group: String, version: String, resource: String) {
        self.group = group
        self.version = version
        self.resource = resource
    }

    /// `v1` or `apps/v1`.
    package var apiVersion: String { group.isEmpty ? version : group + "/" + version }

    /// `pods`, or `deployments.apps`: how upstream names it in messages.
    package var groupResource: String { group.isEmpty ? resource : resource + "." + group }

    /// `/api/v1` or `/apis/apps/v1`.
    package var pathPrefix: String { group.isEmpty ? "/api/" + version : "/apis/" + group + "/" + version }

    /// As upstream prints it: `apps/v1, Resource=deployments`.
    package var description: String { group + "/" + version + ", Resource=" + resource }

    package static func < (one: GroupVersionResource, other: GroupVersionResource) -> Bool {
        (one.group, one.version, one.resource) < (other.group, other.version, other.resource)
    }
}
