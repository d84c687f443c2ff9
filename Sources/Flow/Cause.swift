/// What made a component act. A step has a bounded set of these; together they form the graph that starts at
/// a user's request.
package enum Cause: Sendable, Hashable {
    /// A request of a client, by the id that the API server gave it.
    case request(id: String)
    /// A change of an object, seen through a watch.
    case revision(Int64)
    /// A timer that the component had set, with its purpose (`resync`, `back-off`, `progress deadline`).
    case timer(String)
    /// A probe of a container.
    case probe(String)
    /// A process that ended.
    case exit(container: String)

    /// At most this many causes are kept for one step; a work queue that merged more keeps the newest.
    package static let limit: Int = 8
}

/// The causes that the current task acts for.
///
/// A reconcile sets them around its work; requests made inside carry them without being told.
package enum Causes {
    @TaskLocal package static var current: [Cause] = []
}
