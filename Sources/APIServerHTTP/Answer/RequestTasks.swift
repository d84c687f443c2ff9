/// The one place where a request leaves the event loop for a task of its own.
///
/// The tasks are bounded by the limits of requests in flight, and for watches by the connections' streams; each ends
/// with its answer. A write that was begun is not cancelled when its client leaves.
enum RequestTasks {
    static func start(_ body: @escaping @Sendable () async -> Void) {
        Task { await body() }  // tidy:allow Task: the bridge from event loops, see above
    }
}
