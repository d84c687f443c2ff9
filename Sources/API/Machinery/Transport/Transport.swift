/// The way from a client to an API server.
///
/// Both implementations (in process, HTTPS) give the same answers; one suite checks both. The identity that
/// acts belongs to the transport: a component holds a transport that was made for it.
package protocol Transport: Sendable {
    /// Sends one request and waits for its answer. Not for watches.
    ///
    /// A failure to reach the server is a `StatusError` too, with code 503 and reason `ServiceUnavailable`
    /// (`StatusError.isConnectionFailure` tells it apart).
    func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse

    /// Opens a watch. `request.verb` is `.watch`; `resourceVersion`, selectors and `allowWatchBookmarks` are in its query.
    func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream
}

/// What happened to one object, in the order of revisions.
package struct WatchEvent: Sendable {
    package enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        /// Carries nothing but the revision up to which everything has been delivered.
        case bookmark = "BOOKMARK"
    }

    package var kind: Kind
    /// For `deleted`, the last state with the revision of the deletion.
    package var object: Snapshot

    package init(_ kind: Kind, _ object: Snapshot) {
        self.kind = kind
        self.object = object
    }
}

/// An open watch. Dropping the last reference ends it.
package protocol WatchStream: AnyObject, Sendable {
    /// The next events in order, at least one; nil when the server ended the watch in the normal way (time-out).
    ///
    /// Throws `StatusError` with code 410 when the history is gone. Returns early with `CancellationError`
    /// semantics: a cancelled caller gets nil.
    func next() async throws(StatusError) -> [WatchEvent]?

    /// Ends the watch; a waiting `next` returns nil.
    func cancel()
}
