package import APIMachinery

/// Turns the store's values of a resource into something that only the server can read, and back.
///
/// Everything above the store, the watch caches too, holds plain values. Called on tasks, not on event loops.
package protocol ValueProtection: Sendable {
    /// The stored form of a value; bound to its key, where the cipher can do that.
    func seal(_ value: [UInt8], key: [UInt8]) throws(ValueProtectionError) -> [UInt8]
    func open(_ stored: [UInt8], key: [UInt8]) throws(ValueProtectionError) -> OpenedValue
}

/// A stored value in plain.
package struct OpenedValue: Sendable, Equatable {
    package var value: [UInt8]
    /// Not in the form in which it would be written now: the next write of the object is done even if it changes
    /// nothing else. So keys are rotated.
    package var isStale: Bool

    package init(_ value: [UInt8], isStale: Bool) {
        self.value = value
        self.isStale = isStale
    }
}

/// Never has a value or a key in its text.
package struct ValueProtectionError: Error, Equatable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// Which resources are protected, and how; nil: their values are stored as they are.
package typealias ProtectionRules = @Sendable (GroupVersionResource) -> (any ValueProtection)?
