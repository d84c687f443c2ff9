import Glibc

/// A system call that failed: what was tried, on what, and why.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was tried, as a verb: "open", "unmount".
    package var operation: String
    /// The file, process or interface it was tried on.
    package var subject: String
    package var errorNumber: Int32

    package init(_ operation: String, _ subject: String, _ errorNumber: Int32) {
        self.operation = operation
        self.subject = subject
        self.errorNumber = errorNumber
    }

    package var reason: String { String(cString: strerror(errorNumber)) }
    package var description: String { "failed to \(operation) \(subject): \(reason)" }
}
