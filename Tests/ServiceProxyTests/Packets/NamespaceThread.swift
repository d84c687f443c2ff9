import Glibc
import Synchronization

/// Runs a body on a thread of its own inside a network namespace, and waits for it.
enum NamespaceThread {
    private final class Work: Sendable {
        let namespace: String
        let body: @Sendable () -> Void

        init(_ namespace: String, _ body: @escaping @Sendable () -> Void) {
            self.namespace = namespace
            self.body = body
        }

        func run() {
            let descriptor: Int32 = open("/run/netns/" + namespace, O_RDONLY | O_CLOEXEC)
            precondition(descriptor >= 0, "namespace \(namespace) must exist")
            // Not in Swift's view of the C library.
            typealias Enter = @convention(c) (Int32, Int32) -> Int32
            let symbol = dlsym(nil, "setns")
            let enter: Enter = unsafeBitCast(symbol, to: Enter.self)
            let result: Int32 = enter(descriptor, 0x4000_0000)
            precondition(result == 0, "entering a namespace needs root")
            close(descriptor)
            body()
        }
    }

    static func start(in namespace: String, _ body: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Work(namespace, body)).toOpaque()
        let result: Int32 = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, argument)
        precondition(result == 0, "the kernel refused a thread")
        return thread
    }

    static func run(in namespace: String, _ body: @escaping @Sendable () -> Void) {
        pthread_join(start(in: namespace, body), nil)
    }

    private final class Box<Value: Sendable>: Sendable {
        private let state: Mutex<Value?> = Mutex(nil)
        func set(_ value: Value) { state.withLock { $0 = value } }
        var value: Value? { state.withLock { $0 } }
    }

    static func value<Value: Sendable>(in namespace: String, _ body: @escaping @Sendable () -> Value) -> Value {
        let box = Box<Value>()
        run(in: namespace) { box.set(body()) }
        guard let value = box.value else { preconditionFailure("the thread has ended") }
        return value
    }
}
