import Synchronization

/// What a TLS server shows and whom it trusts. All PEM.
package struct TLSIdentity: Sendable, Equatable {
    /// The certificate, and intermediates after it.
    package var certificateChain: [UInt8]
    package var privateKey: [UInt8]
    /// The CAs of client certificates; empty: clients are not asked for one.
    package var clientAuthorities: [UInt8]

    package init(certificateChain: [UInt8], privateKey: [UInt8], clientAuthorities: [UInt8] = []) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorities = clientAuthorities
    }
}

/// Where a server gets its identity, asked for each new connection.
package protocol TLSIdentitySource: Sendable {
    /// The identity now, with a number that changes whenever the identity does (contexts are cached by it).
    func current() -> (identity: TLSIdentity, generation: UInt64)
}

/// A source that is set by hand.
package final class TLSIdentityBox: TLSIdentitySource {
    private let state: Mutex<(identity: TLSIdentity, generation: UInt64)>

    package init(_ identity: TLSIdentity) {
        state = Mutex((identity, 0))
    }

    package func current() -> (identity: TLSIdentity, generation: UInt64) {
        state.withLock { $0 }
    }

    /// New connections use `identity`; open ones keep what they have.
    package func replace(with identity: TLSIdentity) {
        state.withLock {
            $0.identity = identity
            $0.generation &+= 1
        }
    }
}
