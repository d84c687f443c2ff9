import APIMachinery
import Client
import Codec
package import Flow

/// A request as HTTP sees it; for paths that are no resource (`/version`, `/apis`, `/healthz`) and other media types.
package struct RawRequest: Sendable {
    package var method: String
    /// With the query, percent-encoded; without the configuration's prefix.
    package var path: String
    package var body: [UInt8]
    package var contentType: String
    package var accept: String
    package var causes: [Cause]
    var isWatch: Bool
    /// For messages: `get pods web-0`.
    var action: String

    package init(
        _ method: String, _ path: String, body: [UInt8] = [], contentType: String = "application/json",
        accept: String = "application/json", causes: [Cause] = Causes.current
    ) {
        self.method = method
        self.path = path
        self.body = body
        self.contentType = contentType
        self.accept = accept
        self.causes = causes
        isWatch = false
        action = "\(method) \(path)"
    }

    init(_ request: APIRequest) {
        method = request.method
        path = request.pathAndQuery
        body = request.body
        contentType = request.contentType
        accept = "application/json"
        causes = request.causes
        isWatch = request.verb == .watch
        action = [request.verb.rawValue, request.resource.groupResource, request.name]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}

/// An answer as HTTP sees it, with a code below 300.
package struct RawResponse: Sendable {
    package var code: Int
    package var body: [UInt8]
    package var contentType: String
    package var warnings: [String]
}

extension APIRequest {
    /// Subresources that answer with the object itself.
    private static let ownKind: Set<String> = [
        "", "status", "finalize", "approval", "resize", "ephemeralcontainers",
    ]

    /// The answer as in-process callers get it.
    func response(_ raw: RawResponse) throws(StatusError) -> APIResponse {
        let body: APIResponse.Body
        do throws(JSONError) {
            if verb == .list {
                let list: WireList = try JSONReader.decode(WireList.self, from: raw.body)
                body = list.body(of: raw.body)
            } else if Self.ownKind.contains(subresource), verb != .deletecollection {
                let object: WireObject = try JSONReader.decode(WireObject.self, from: raw.body)
                let isObject: Bool = object.kind != "Status" && object.revision > 0
                body = isObject ? .object(object.snapshot(of: raw.body)) : .json(raw.body)
            } else {
                body = .json(raw.body)
            }
        } catch {
            throw .internalError(
                "failed to decode the answer to \(verb.rawValue) \(resource.resource): \(error.message)")
        }
        return APIResponse(code: raw.code, body: body, warnings: raw.warnings)
    }
}
