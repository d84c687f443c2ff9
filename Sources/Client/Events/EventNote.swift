package import APICore

/// Something worth telling people about an object, before it becomes an API `Event`.
package struct EventNote: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case normal = "Normal"
        case warning = "Warning"
    }

    package var regarding: ObjectReference
    package var kind: Kind
    /// CamelCase, for machines, at most 128 bytes: `SuccessfulCreate`.
    package var reason: String
    /// For people, at most 1024 bytes; cut by the recorder.
    package var message: String

    package init(_ regarding: ObjectReference, _ kind: Kind = .normal, reason: String, _ message: String) {
        self.regarding = regarding
        self.kind = kind
        self.reason = reason
        self.message = message
    }
}
