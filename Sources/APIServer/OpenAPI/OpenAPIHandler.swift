package import APIMachinery
import Codec
import Synchronization

/// Answers `/openapi/v2` and `/openapi/v3`.
///
/// Documents are made when they are first asked for. Of each the hash stays, which is its name in caches; of the
/// bytes only what was asked for last, up to `keptBytesLimit`: clients keep documents themselves, by hash.
package final class OpenAPIHandler: NonResourceHandler {
    /// How many bytes of documents are kept in all.
    private static let keptBytesLimit: Int = 1 << 20
    private static let protobuf: String = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    /// How clients write it, though `@` has no place in a media type.
    private static let protobufAsked: String = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    /// Upstream compresses these documents however small they are; below this it does not pay.
    private static let compressAbove: Int = 4 << 10
    private static let json: String = "application/json"

    private enum Document: Hashable {
        case index, version2, version2Protobuf
        case version3(String)
    }

    private struct State {
        var hashes: [Document: String] = [:]
        /// The one that was used last comes last.
        var kept: [(document: Document, bytes: [UInt8])] = []
    }

    private let documents: OpenAPIDocuments
    /// Held for look-ups only: documents are made outside, at worst once by each thread of the pool.
    private let state = Mutex(State())

    package init(_ resources: [OpenAPIResource]) {
        documents = OpenAPIDocuments(resources, version: VersionHandler.gitVersion)
    }

    package convenience init(registry: ResourceRegistry, virtualResources: [any VirtualResource]) {
        self.init(Self.resources(registry, virtualResources))
    }

    /// What a server of these serves, as it is described to clients.
    package static func resources(_ registry: ResourceRegistry, _ virtualResources: [any VirtualResource])
        -> [OpenAPIResource]
    {
        let stored: [OpenAPIResource] = registry.resources.map {
            OpenAPIResource($0.info, returnsDeletedObject: $0.returnsDeletedObject)
        }
        return stored + virtualResources.map { OpenAPIResource($0.info) }
    }

    package var paths: [String] { ["/openapi/v2", "/openapi/v3", "/openapi/v3/*"] }

    /// Whether the answer is at hand; else documents have to be made, which takes milliseconds.
    package func isQuick(_ request: NonResourceRequest) -> Bool {
        guard let (document, _) = Self.document(request) else { return true }
        return state.withLock { state in
            guard let hash = state.hashes[document] else { return false }
            return Self.matches(request.etag, hash) || state.kept.contains { $0.document == document }
        }
    }

    package func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        guard let (document, contentType) = Self.document(request) else {
            return NonResourceResponse(code: 406, contentType: "text/plain; charset=utf-8", body: [])
        }
        if case .version3(let name) = document, !documents.names.contains(name) {
            return .text("404 page not found\n", code: 404)
        }
        let hash: String = hash(document)
        var fields: [(name: String, value: String)] = [("etag", "\"\(hash)\""), ("vary", "Accept")]
        if case .version3(let name) = document, let asked = request.queryValue("hash"), !asked.isEmpty {
            guard asked == hash else {
                let location: String = Self.location(name, hash)
                return NonResourceResponse(
                    code: 301, contentType: "text/plain; charset=utf-8", fields: [("location", location)], body: [])
            }
            // What has its hash in its address never changes.
            fields.append(("cache-control", "public, immutable, max-age=31536000"))
        }
        if Self.matches(request.etag, hash) {
            return NonResourceResponse(code: 304, contentType: contentType, fields: fields, body: [])
        }
        var response = NonResourceResponse(contentType: contentType, fields: fields, body: bytes(document))
        response.compressAbove = Self.compressAbove
        return response
    }

    // MARK: - What is asked for

    /// Nil if nothing that there is will do.
    private static func document(_ request: NonResourceRequest) -> (Document, contentType: String)? {
        let ranges: [MediaType] = MediaType.ranges(request.accept.isEmpty ? "*/*" : request.accept)
        let isVersion2: Bool = request.path == "/openapi/v2"
        for range in ranges {
            switch range.essence {
            case json, "application/*", "*/*":
                if isVersion2 { return (.version2, json) }
                let name: Substring = request.path.dropFirst("/openapi/v3/".count)
                return (name.isEmpty ? .index : .version3(String(name)), json)
            case protobuf, protobufAsked:
                if isVersion2 { return (.version2Protobuf, protobuf) }
            default: continue
            }
        }
        return nil
    }

    private static func matches(_ field: String, _ hash: String) -> Bool {
        ContentHash.matches(field, "\"\(hash)\"")
    }

    private static func location(_ name: String, _ hash: String) -> String { "/openapi/v3/\(name)?hash=\(hash)" }

    // MARK: - Documents

    private func hash(_ document: Document) -> String {
        if let hash = state.withLock({ $0.hashes[document] }) { return hash }
        _ = bytes(document)
        return state.withLock { $0.hashes[document] } ?? ""
    }

    private func bytes(_ document: Document) -> [UInt8] {
        let kept: [UInt8]? = state.withLock { state in
            guard let index = state.kept.firstIndex(where: { $0.document == document }) else { return nil }
            let entry: (Document, bytes: [UInt8]) = state.kept.remove(at: index)
            state.kept.append(entry)
            return entry.bytes
        }
        if let kept { return kept }
        let made: [UInt8] = make(document)
        let hash: String = ContentHash.of(made)
        state.withLock { state in
            state.hashes[document] = hash
            state.kept.removeAll { $0.document == document }
            guard made.count <= Self.keptBytesLimit else { return }
            state.kept.append((document, made))
            var size: Int = state.kept.reduce(0) { $0 + $1.bytes.count }
            while size > Self.keptBytesLimit {
                size -= state.kept.removeFirst().bytes.count
            }
        }
        return made
    }

    private func make(_ document: Document) -> [UInt8] {
        switch document {
        case .index: index()
        case .version2: documents.version2()
        case .version2Protobuf: documents.version2Protobuf()
        case .version3(let name): documents.version3(name) ?? []
        }
    }

    private func index() -> [UInt8] {
        var writer = JSONWriter(capacity: 4 << 10)
        writer.beginObject()
        writer.key("paths")
        writer.beginObject()
        for name in documents.names {
            writer.key(name)
            writer.beginObject()
            writer.key("serverRelativeURL")
            writer.string(Self.location(name, hash(.version3(name))))
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        return writer.finish()
    }
}
