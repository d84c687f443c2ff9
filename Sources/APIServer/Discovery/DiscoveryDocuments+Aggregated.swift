import APIMachinery
import Codec

/// Discovery in one document: `apidiscovery.k8s.io/v2 APIGroupDiscoveryList`.
extension DiscoveryDocuments {
    /// `/api` (the core group) or `/apis` (all others).
    package func aggregated(core: Bool, version: String) -> [UInt8] {
        var writer = JSONWriter(capacity: 16 << 10)
        writer.beginObject()
        writer.key("kind")
        writer.string("APIGroupDiscoveryList")
        writer.key("apiVersion")
        writer.string("apidiscovery.k8s.io/\(version)")
        writer.key("metadata")
        writer.beginObject()
        writer.endObject()
        writer.key("items")
        writer.beginArray()
        for group in groups where group.name.isEmpty == core {
            writer.element()
            Self.write(group, &writer)
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }

    private static func write(_ group: Group, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("metadata")
        writer.beginObject()
        if !group.name.isEmpty {
            writer.key("name")
            writer.string(group.name)
        }
        writer.key("creationTimestamp")
        writer.null()
        writer.endObject()
        writer.key("versions")
        writer.beginArray()
        for version in group.versions {
            writer.element()
            writer.beginObject()
            writer.key("version")
            writer.string(version.name)
            writer.key("resources")
            writer.beginArray()
            for info in version.resources {
                writer.element()
                write(info, &writer)
            }
            writer.endArray()
            writer.key("freshness")
            writer.string("Current")
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private static func write(_ info: ResourceInfo, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("resource")
        writer.string(info.gvr.resource)
        writer.key("responseKind")
        write(info.gvk, of: info, &writer)
        writer.key("scope")
        writer.string(info.namespaced ? "Namespaced" : "Cluster")
        writer.key("singularResource")
        writer.string(info.singular)
        writer.key("verbs")
        info.verbs.map { $0.rawValue }.write(json: &writer)
        if !info.shortNames.isEmpty {
            writer.key("shortNames")
            info.shortNames.write(json: &writer)
        }
        if !info.categories.isEmpty {
            writer.key("categories")
            info.categories.write(json: &writer)
        }
        if !info.subresources.isEmpty {
            writer.key("subresources")
            writer.beginArray()
            for subresource in info.subresources {
                writer.element()
                writer.beginObject()
                writer.key("subresource")
                writer.string(subresource.name)
                writer.key("responseKind")
                write(subresource.gvk, of: info, &writer)
                writer.key("verbs")
                subresource.verbs.write(json: &writer)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    /// Group and version are left empty where they are the resource's own.
    private static func write(_ gvk: GroupVersionKind, of info: ResourceInfo, _ writer: inout JSONWriter) {
        let isOwn: Bool = gvk.group == info.gvk.group && gvk.version == info.gvk.version
        writer.beginObject()
        writer.key("group")
        writer.string(isOwn ? "" : gvk.group)
        writer.key("version")
        writer.string(isOwn ? "" : gvk.version)
        writer.key("kind")
        writer.string(gvk.kind)
        writer.endObject()
    }
}
