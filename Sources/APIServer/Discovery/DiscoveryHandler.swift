import APIMachinery
import Codec

/// Answers `/api`, `/apis` and what lies below, as far as it is discovery.
struct DiscoveryHandler: NonResourceHandler {
    private let documents: DiscoveryDocuments

    init(_ documents: DiscoveryDocuments) {
        self.documents = documents
    }

    var paths: [String] { ["/", "/api", "/api/*", "/apis", "/apis/*"] }

    func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        let parts: [String] = request.path.split(separator: "/").map { String($0) }
        if parts.isEmpty { return try json(root(), request) }
        let isCore: Bool = parts[0] == "api"
        if parts.count == 1 {
            if let version = Self.aggregatedVersion(request.accept) {
                let type: String =
                    "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
                let body: [UInt8] = documents.aggregated(core: isCore, version: version) + [0x0A]
                let tag: String = ContentHash.tag(body)
                let fields: [(name: String, value: String)] = [("etag", tag), ("vary", "Accept")]
                if ContentHash.matches(request.etag, tag) {
                    return NonResourceResponse(code: 304, contentType: type, fields: fields, body: [])
                }
                return NonResourceResponse(contentType: type, fields: fields, body: body)
            }
            return try json(isCore ? documents.coreVersions(serverAddress: "") : documents.groupList(), request)
        }
        let document: [UInt8]?
        if isCore {
            document = parts.count == 2 ? documents.resourceList(group: "", version: parts[1]) : nil
        } else if parts.count == 2 {
            document = documents.group(parts[1])
        } else {
            document = parts.count == 3 ? documents.resourceList(group: parts[1], version: parts[2]) : nil
        }
        guard let document else { return .text("404 page not found\n", code: 404) }
        return try json(document, request)
    }

    private func json(_ document: [UInt8], _ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        let negotiation: Negotiation = try Negotiation(
            accept: request.accept, query: request.query, userAgent: request.context.userAgent)
        let encoded = try ResponseEncoder(negotiation, now: request.context.now).encode(json: document)
        guard case .whole(let body) = encoded.body else { return .text("", code: 500) }
        return NonResourceResponse(contentType: encoded.contentType, body: body)
    }

    /// `v2` or `v2beta1`, if the client takes aggregated discovery before anything else that it names.
    static func aggregatedVersion(_ accept: String) -> String? {
        guard accept.contains("APIGroupDiscoveryList") else { return nil }
        for range in MediaType.ranges(accept) {
            guard range.parameter("as") == "APIGroupDiscoveryList" else { return nil }
            guard range.essence == "application/json", range.parameter("g") == "apidiscovery.k8s.io" else { continue }
            if let version = range.parameter("v"), version == "v2" || version == "v2beta1" { return version }
        }
        return nil
    }

    /// The paths that there are, for people who look around.
    private func root() -> [UInt8] {
        var paths: [String] = [
            "/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version",
        ]
        for group in documents.groups {
            if !group.name.isEmpty { paths.append("/apis/\(group.name)") }
            for version in group.versions {
                paths.append(group.name.isEmpty ? "/api/\(version.name)" : "/apis/\(group.name)/\(version.name)")
            }
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("paths")
        paths.sorted().write(json: &writer)
        writer.endObject()
        return writer.finish()
    }
}

/// `/version`: which Kubernetes this is.
struct VersionHandler: NonResourceHandler {
    static let minor: String = "34"
    static let gitVersion: String = "v1.34.0+swiftlet.0.1.0"

    var paths: [String] { ["/version", "/version/"] }

    func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        let info = VersionInfo.with { info in
            info.major = "1"
            info.minor = Self.minor
            info.gitVersion = Self.gitVersion
            info.gitCommit = ""
            info.gitTreeState = "clean"
            info.buildDate = "1970-01-01T00:00:00Z"
            info.goVersion = "none"
            info.compiler = "swift"
            #if arch(arm64)
                info.platform = "linux/arm64"
            #else
                info.platform = "linux/amd64"
            #endif
        }
        // Always indented, as upstream does.
        return NonResourceResponse(body: JSONText.indented(info.jsonBytes))
    }
}
