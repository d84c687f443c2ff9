/// The one place where streaming leaves the event loop for a task of its own.
///
/// A task belongs to one client's connection, and ends with it: the server bounds their number by its connections.
package enum StreamTasks {
    package static func start(_ body: @escaping @Sendable () async -> Void) {
        Task { await body() }  // tidy:allow Task: the bridge from event loops, see above
    }
}
