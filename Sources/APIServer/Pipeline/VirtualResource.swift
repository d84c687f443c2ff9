package import APIMachinery
import Codec

/// A resource that is answered, not stored: token reviews, access reviews, bindings, component statuses.
///
/// The request has been authenticated and authorized; the verb is one of `info.verbs`.
package protocol VirtualResource: Sendable {
    var info: ResourceInfo { get }
    func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse
}

extension SubresourceCall {
    /// The body as an object of this kind; the same rules as for stored objects.
    package func decodeBody<Object: APIObject>(_ type: Object.Type) throws(StatusError) -> (Object, warnings: [String])
    {
        let options: WriteOptions = try WriteOptions(query: request.query, for: .create)
        let decoded: BodyDecoder.Decoded<Object> = try BodyDecoder.decode(
            type, as: Object.gvk, body: request.body, contentType: request.contentType,
            validation: options.fieldValidation)
        return (decoded.object, decoded.warnings)
    }

    /// What the write verbs of the parent need.
    package func writeCall() throws(StatusError) -> WriteCall {
        WriteCall(
            context: context, services: server.services, options: try WriteOptions(query: request.query, for: .update),
            body: request.body, contentType: request.contentType)
    }

    /// Upstream's answer where there is nothing to show.
    package func success(code: Int = 201) -> APIResponse {
        let status = Status.with {
            $0.status = "Success"; $0.code = code
        }
        return APIResponse(code: code, body: .json(status.jsonBytes))
    }
}
