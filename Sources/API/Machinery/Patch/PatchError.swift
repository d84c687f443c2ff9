/// Why a patch could not be read or applied.
package enum PatchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The patch itself is wrong.
    case badRequest(String)
    /// The patch does not fit the object. Clients are not told why, as in upstream.
    case unprocessable(String)
    /// Beyond a limit.
    case tooLarge(String)
    /// What upstream answers with code 500 and no reason.
    case unclassified(String)

    package var description: String {
        switch self {
        case .badRequest(let text), .unprocessable(let text), .tooLarge(let text), .unclassified(let text):
            return text
        }
    }

    package var statusError: StatusError {
        switch self {
        case .badRequest(let text): return .badRequest(text)
        case .unprocessable: return .unprocessable()
        case .tooLarge(let text): return .requestEntityTooLarge(text)
        case .unclassified(let text):
            return StatusError(
                Status.with { status in
                    status.status = "Failure"
                    status.message = text
                    status.code = 500
                })
        }
    }
}
