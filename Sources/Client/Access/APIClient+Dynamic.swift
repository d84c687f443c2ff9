package import APIMachinery
package import Codec

/// Objects of resources that are known only at run time.
extension APIClient {
    /// The object as a tree, with its resourceVersion.
    package func value(_ target: ObjectTarget) async throws(StatusError) -> JSONValue {
        let bytes: [UInt8] = try await get(target).stamped()
        do throws(JSONError) {
            return try JSONReader.decode(JSONValue.self, from: bytes)
        } catch {
            throw .undecodable(target.resource.groupResource, error)
        }
    }

    /// The object's metadata.
    package func metadata(_ target: ObjectTarget) async throws(StatusError) -> ObjectMetadataView {
        try await get(target).metadataView()
    }

    /// The metadata of all objects of a selection.
    package func metadata(
        _ resource: GroupVersionResource, _ selection: Selection = Selection()
    ) async throws(StatusError) -> [ObjectMetadataView] {
        let page: ObjectPage = try await listAll(resource, selection)
        var views: [ObjectMetadataView] = []
        views.reserveCapacity(page.snapshots.count)
        for snapshot in page.snapshots { views.append(try snapshot.metadataView()) }
        return views
    }
}

extension Snapshot {
    /// The metadata, decoded by itself: unlike `decode`, this leaves alone what the snapshot keeps for others.
    package func metadataView() throws(StatusError) -> ObjectMetadataView {
        do throws(JSONError) {
            // Bytes shared with the store begin with a header.
            let json: [UInt8] = start == 0 ? bytes : Array(bytes[start...])
            var view: ObjectMetadataView = try JSONReader.decode(ObjectMetadataView.self, from: json)
            if revision > 0 { view.metadata.resourceVersion = String(revision) }
            return view
        } catch {
            throw .undecodable("an object's metadata", error)
        }
    }
}
