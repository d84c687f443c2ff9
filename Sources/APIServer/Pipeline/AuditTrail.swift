import Synchronization

/// What is noted about one request on its way, for the audit log. Only there when somebody keeps one.
package final class AuditTrail: Sendable {
    /// A plugin may say a lot about one object, not about everything.
    private static let mostAnnotations: Int = 64

    private let state = Mutex<[String: String]>([:])

    package init() {}

    /// The first value of a key stays, as upstream has it.
    package func annotate(_ key: String, _ value: String) {
        state.withLock { annotations in
            guard annotations[key] == nil, annotations.count < Self.mostAnnotations else { return }
            annotations[key] = value
        }
    }

    package var annotations: [String: String] { state.withLock { $0 } }
}
