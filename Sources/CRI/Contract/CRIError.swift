/// What a container runtime refused, or why it could not be asked. The codes are gRPC's, since that is what
/// runtimes answer with and what callers decide by.
package struct CRIError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Int, Sendable, CaseIterable {
        /// The task was cancelled. The runtime may or may not have done what was asked.
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        /// The call's time was over. The runtime may still be at it.
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case internalError = 13
        /// The runtime is not there: its socket does not answer, or the connection broke.
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16

        /// As Go's gRPC writes it, which is what users know from events.
        package var name: String {
            switch self {
            case .cancelled: "Canceled"
            case .unknown: "Unknown"
            case .invalidArgument: "InvalidArgument"
            case .deadlineExceeded: "DeadlineExceeded"
            case .notFound: "NotFound"
            case .alreadyExists: "AlreadyExists"
            case .permissionDenied: "PermissionDenied"
            case .resourceExhausted: "ResourceExhausted"
            case .failedPrecondition: "FailedPrecondition"
            case .aborted: "Aborted"
            case .outOfRange: "OutOfRange"
            case .unimplemented: "Unimplemented"
            case .internalError: "Internal"
            case .unavailable: "Unavailable"
            case .dataLoss: "DataLoss"
            case .unauthenticated: "Unauthenticated"
            }
        }
    }

    package var code: Code
    /// The runtime's own words.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "rpc error: code = \(code.name) desc = \(message)" }
}
