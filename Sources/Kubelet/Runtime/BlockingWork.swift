import Glibc

/// Files and directories block: such work gets a thread of its own, never one of the cooperative pool's.
package enum BlockingWork {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs a function that blocks for a bounded time, and waits for it without blocking. It cannot be cancelled.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: body()) }
        }
    }

    private static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let argument: UnsafeMutableRawPointer = Unmanaged.passRetained(Body(body)).toOpaque()
        let result: Int32 = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, argument)
        precondition(result == 0, "the kernel refused a thread")
        pthread_detach(thread)
    }
}
