package import Flow

/// What a client asks of an API server, independent of how it gets there.
///
/// The HTTP form is `/api/v1/namespaces/{namespace}/{resource}/{name}/{subresource}?{query}` (or `/apis/{group}/{version}/…`).
package struct APIRequest: Sendable {
    /// The verbs of upstream's authorization attributes, for resource requests.
    package enum Verb: String, Sendable, CaseIterable {
        case get, list, watch, create, update, patch, delete, deletecollection
    }

    package var verb: Verb
    package var resource: GroupVersionResource
    /// Empty for cluster-scoped resources, and for lists and watches over all namespaces.
    package var namespace: String
    /// Empty for lists, watches, creates and collection deletes.
    package var name: String
    /// `status`, `scale`, `binding`, …; empty for the object itself.
    package var subresource: String
    /// Decoded query parameters in the order given, such as `("labelSelector", "app=web")`.
    package var query: [(name: String, value: String)]
    /// The object, patch or delete options; empty for reads.
    package var body: [UInt8]
    /// The media type of `body`; a patch's type is told by it.
    package var contentType: String
    /// What made the caller ask, for the flow recorder.
    package var causes: [Cause]

    package init(
        _ verb: Verb,
        _ resource: GroupVersionResource,
        namespace: String = "",
        name: String = "",
        subresource: String = "",
        query: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        contentType: String = "application/json",
        causes: [Cause] = Causes.current
    ) {
        self.verb = verb
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
        self.query = query
        self.body = body
        self.contentType = contentType
        self.causes = causes
    }
}

/// What came back for one request other than a watch.
package struct APIResponse: Sendable {
    package enum Body: Sendable {
        /// One object of the kind that was asked for.
        case object(Snapshot)
        /// A list: its items, the revision it shows, and how to go on.
        case list(items: [Snapshot], revision: Int64, continueToken: String, remaining: Int?)
        /// Anything else, as JSON: a `Status`, a `Scale`, a `TokenRequest`, a review.
        case json([UInt8])
    }

    /// 200, 201 or 202; everything else is thrown as a `StatusError`.
    package var code: Int
    package var body: Body
    /// The texts of the `Warning` headers.
    package var warnings: [String]

    package init(code: Int, body: Body, warnings: [String] = []) {
        self.code = code
        self.body = body
        self.warnings = warnings
    }
}
