/// Where a component's messages go. Injected; the default says nothing.
///
/// A message is a constant, in lower case, without full stop; what varies is metadata.
package struct Log: Sendable {
    package enum Level: String, Sendable, CaseIterable {
        case debug, info, warning, error
    }

    package typealias Metadata = [(name: String, value: String)]

    private let emit: @Sendable (Level, StaticString, Metadata) -> Void

    package init(_ emit: @escaping @Sendable (Level, StaticString, Metadata) -> Void) {
        self.emit = emit
    }

    package static let silent = Log { _, _, _ in }

    package func debug(_ message: StaticString, _ metadata: Metadata = []) { emit(.debug, message, metadata) }
    package func info(_ message: StaticString, _ metadata: Metadata = []) { emit(.info, message, metadata) }
    package func warning(_ message: StaticString, _ metadata: Metadata = []) { emit(.warning, message, metadata) }
    package func error(_ message: StaticString, _ metadata: Metadata = []) { emit(.error, message, metadata) }

    /// The same log with metadata that every message carries first.
    package func with(_ more: Metadata) -> Log {
        let emit = self.emit
        return Log { level, message, metadata in emit(level, message, more + metadata) }
    }
}
