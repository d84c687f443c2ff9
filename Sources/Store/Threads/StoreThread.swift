import Glibc

/// A thread outside the cooperative pool, for work that blocks.
package enum StoreThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Runs `body` on a new detached thread. The name shows in `ps -T`; at most 15 bytes of it.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
        let boxed = Body {
            setName(name)
            body()
        }
        let context = Unmanaged.passRetained(boxed).toOpaque()
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context {
                    Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, context)
        precondition(result == 0, "pthread_create failed with \(result)")
        pthread_detach(thread)
    }

    /// Through /proc: Swift does not see the calls for it. A thread without a name is no harm.
    private static func setName(_ name: String) {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = name.withCString { write(descriptor, $0, min(15, strlen($0))) }
    }
}
