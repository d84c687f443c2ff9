package import APIMachinery
package import APIServer
package import HTTPServer

/// Serves a subresource that streams or switches protocols: log, exec, attach, port-forward, proxy.
///
/// The request has been authenticated and authorized. The handler owns the answer from here on; it is called on an
/// event loop and must not block.
package protocol ConnectHandler: Sendable {
    /// Such as `pods` and `exec`, in the core group.
    var resource: GroupVersionResource { get }
    var subresource: String { get }
    func connect(_ call: ConnectCall, responder: HTTPResponder)
}

/// One call of a streaming subresource.
package struct ConnectCall: Sendable {
    package var context: RequestContext
    package var request: APIRequest
    /// Behind the subresource, for proxies, still encoded: `/metrics`.
    package var rest: String
    package var http: HTTPRequest
    package var info: ResourceInfo
    package var server: APIServerCore
}
