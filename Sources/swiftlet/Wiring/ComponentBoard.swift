import APIServer
import Synchronization

/// Which components of this process are running, for `componentstatuses`.
final class ComponentBoard: Sendable {
    private let names: [String]
    private let running = Mutex<Set<String>>([])

    init(_ names: [String]) {
        self.names = names
    }

    /// Runs a component; it is well until `body` returns.
    func run(_ name: String, _ body: () async -> Void) async {
        running.withLock { _ = $0.insert(name) }
        await body()
        running.withLock { _ = $0.remove(name) }
    }

    var components: [ComponentStatusResource.Component] {
        names.map { name in
            ComponentStatusResource.Component(name) {
                self.running.withLock { $0.contains(name) } ? nil : "\(name) is not running in this process"
            }
        }
    }
}
