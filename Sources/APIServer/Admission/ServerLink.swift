package import APIMachinery
import Synchronization

/// The server that plugins and allocators belong to; they are made before it, and connected to it afterwards.
///
/// Until then nothing can be waited for or written, and nothing needs to be: no request has been answered.
package final class ServerLink: Sendable {
    private struct Held {
        /// The server holds its plugins, not the other way round.
        weak var core: APIServerCore?
    }

    private let held: Mutex<Held>

    package init() {
        held = Mutex(Held(core: nil))
    }

    package func connect(_ core: APIServerCore) {
        held.withLock { $0.core = core }
    }

    package var core: APIServerCore? { held.withLock { $0.core } }

    /// Waits until the watch caches show all that is committed by now.
    package func waitUntilFresh() async throws(StatusError) {
        guard let core else { return }
        try await core.services.waitUntilFresh()
    }
}
