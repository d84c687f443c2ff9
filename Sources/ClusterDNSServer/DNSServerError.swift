import Glibc

/// What a socket could not do, and why.
package struct DNSServerError: Error, Equatable, CustomStringConvertible {
    package var operation: String
    package var number: Int32

    package init(_ operation: String, _ number: Int32) {
        self.operation = operation
        self.number = number
    }

    package var description: String { "failed to \(operation): \(String(cString: strerror(number)))" }
}

/// Closes its descriptor when nobody has it any more.
final class OwnedDescriptor {
    let raw: Int32

    /// - Parameter raw: what a call of `CDNSSockets` returned: a descriptor, or a negated errno.
    init(_ raw: Int32, _ operation: @autoclosure () -> String) throws(DNSServerError) {
        guard raw >= 0 else { throw DNSServerError(operation(), -raw) }
        self.raw = raw
    }

    deinit { close(raw) }
}
