/// Why keys or certificates could not be made, read, or trusted. The message says which file, and what to do.
package struct PKIError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// A file could not be read or written.
        case file
        /// Bytes are not what they should be.
        case malformed
        /// Key and certificate, or certificate and CA, do not belong together.
        case mismatch
        case expired
        /// A signing request is refused.
        case refused
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
