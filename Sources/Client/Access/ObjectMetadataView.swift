package import APIMachinery
package import Codec

/// Any object, of which only the metadata is looked at: what garbage collection and namespace deletion need of
/// every resource. Upstream's `PartialObjectMetadata`.
///
/// Decodes from the JSON of any kind; fits `Informer<ObjectMetadataView>(resource: …)`.
package struct ObjectMetadataView: APIObject {
    package static let gvk = GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: "PartialObjectMetadata")

    /// Of the object itself; empty in the items of a list that leaves them out.
    package var apiVersion: String = ""
    package var kind: String = ""
    package var metadata = ObjectMeta()

    package init() {}

    package var groupVersionKind: GroupVersionKind { GroupVersionKind(apiVersion: apiVersion, kind: kind) }

    private static let keys = JSONKeyTable(["kind", "apiVersion", "metadata"])

    package init(json reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(Self.keys) {
            case 0: kind = try reader.string()
            case 1: apiVersion = try reader.string()
            case 2: metadata = try reader.value()
            default: return
            }
        }
    }

    package func write(json writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("kind")
        writer.string(kind)
        writer.key("apiVersion")
        writer.string(apiVersion)
        writer.key("metadata")
        metadata.write(json: &writer)
        writer.endObject()
    }

    package func write(bareJSON writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("metadata")
        metadata.write(json: &writer)
        writer.endObject()
    }

    package init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        while true {
            switch try reader.nextField() {
            case 0: return
            case 1: metadata = try reader.message()
            default: try reader.skip()
            }
        }
    }

    package func write(protobuf writer: inout ProtobufWriter) {
        writer.message(metadata, field: 1)
    }

    package static let schema = Schema(
        "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata", gvk: gvk,
        description: "Any object, reduced to its metadata.",
        types: [{ ObjectMeta.schema }],
        "metadata|#0|n=1||The object's metadata.")
}
