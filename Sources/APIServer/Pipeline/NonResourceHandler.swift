package import APIMachinery

/// A request for something that is no resource: `/healthz`, `/metrics`, `/openapi/v3`, …
package struct NonResourceRequest: Sendable {
    /// `GET`, `HEAD`, …
    package var method: String
    /// Decoded, without query: `/openapi/v3/apis/apps/v1`.
    package var path: String
    package var query: [(name: String, value: String)]
    /// Of `Accept`; empty without one.
    package var accept: String
    /// Of `If-None-Match`; empty without one.
    package var etag: String
    package var context: RequestContext

    package init(
        method: String, path: String, query: [(name: String, value: String)] = [], accept: String = "",
        etag: String = "", context: RequestContext
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.accept = accept
        self.etag = etag
        self.context = context
    }

    package func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

package struct NonResourceResponse: Sendable {
    package var code: Int
    package var contentType: String
    /// Besides content type and length; names in lower case.
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]
    /// Bodies of more bytes than this are compressed for clients that take gzip; upstream's limit.
    package var compressAbove: Int = 128 << 10

    package init(
        code: Int = 200, contentType: String = "application/json", fields: [(name: String, value: String)] = [],
        body: [UInt8]
    ) {
        self.code = code
        self.contentType = contentType
        self.fields = fields
        self.body = body
    }

    package static func text(_ text: String, code: Int = 200) -> NonResourceResponse {
        NonResourceResponse(code: code, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}

/// Answers non-resource requests; called after authorization, on an event loop unless it says otherwise: it must
/// not block.
package protocol NonResourceHandler: Sendable {
    /// Paths that it answers: exact ones (`/version`), and with a star at the end everything below (`/openapi/v3*`).
    /// The longest match wins.
    var paths: [String] { get }
    func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse
    /// Whether `handle` takes less than some milliseconds. What is not quick is called off the event loop.
    func isQuick(_ request: NonResourceRequest) -> Bool
}

extension NonResourceHandler {
    package func isQuick(_ request: NonResourceRequest) -> Bool { true }
}
