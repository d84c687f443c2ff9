/// The frames of SPDY/3.1 that streaming connections of Kubernetes use. Flow control and settings are not among them:
/// upstream's library neither sends nor honours them.
package enum SPDYFrame: Sendable, Equatable {
    case synStream(id: UInt32, fields: [SPDYField], isLast: Bool)
    case synReply(id: UInt32, fields: [SPDYField], isLast: Bool)
    case data(id: UInt32, [UInt8], isLast: Bool)
    case reset(id: UInt32, status: UInt32)
    case ping(id: UInt32)
    case goAway
    /// Something that may be passed over: settings, window updates, headers of later draft versions.
    case other(type: UInt16)
}

/// A name and its value; names are in lower case on the wire.
package struct SPDYField: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

package enum SPDYError: Error, Sendable, Equatable {
    case violation(String)
}
