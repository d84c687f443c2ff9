package import APIMachinery

/// Serves a subresource that is no plain view of its object: binding, eviction, token, …
///
/// The request has been authenticated and authorized. What streams (log, exec, attach, port-forward, proxy) is a
/// `ConnectHandler` in `APIServerHTTP`.
package protocol SubresourceHandler: Sendable {
    /// Such as `pods` and `eviction`, in the core group.
    var resource: GroupVersionResource { get }
    var subresource: String { get }
    /// The answer's body: `.object` for an object that was written, `.json` for anything else.
    func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse
}

/// One call of a subresource.
package struct SubresourceCall: Sendable {
    package var context: RequestContext
    package var request: APIRequest
    /// The parent resource.
    package var info: ResourceInfo
    package var server: APIServerCore

    package init(context: RequestContext, request: APIRequest, info: ResourceInfo, server: APIServerCore) {
        self.context = context
        self.request = request
        self.info = info
        self.server = server
    }
}
