/// The errors of upstream's API, in its words.
extension StatusError {
    /// A failure with a message, without details.
    package init(_ reason: StatusReason, _ message: String) {
        self.init(reason, message, details: nil)
    }

    package init(_ reason: StatusReason, _ message: String, details: StatusDetails?) {
        self.init(
            Status.with { status in
                status.status = "Failure"
                status.message = message
                status.reason = reason.rawValue
                status.code = reason.code
                status.details = details
            })
    }

    private static func details(_ resource: GroupVersionResource, _ name: String = "") -> StatusDetails {
        StatusDetails.with { details in
            details.name = name
            details.group = resource.group
            details.kind = resource.resource
        }
    }

    private static func quoted(_ resource: GroupVersionResource, _ name: String) -> String {
        resource.groupResource + " " + GoText.quoted(name)
    }

    // MARK: The object

    package static func notFound(_ resource: GroupVersionResource, _ name: String) -> StatusError {
        StatusError(.notFound, quoted(resource, name) + " not found", details: details(resource, name))
    }

    package static func alreadyExists(_ resource: GroupVersionResource, _ name: String) -> StatusError {
        StatusError(.alreadyExists, quoted(resource, name) + " already exists", details: details(resource, name))
    }

    /// No free name was found for `generateName`.
    package static func generatedNameExists(_ resource: GroupVersionResource, _ name: String) -> StatusError {
        var details: StatusDetails = details(resource, name)
        details.retryAfterSeconds = 1
        let text: String = " already exists, the server was not able to generate a unique name for the object"
        return StatusError(.alreadyExists, quoted(resource, name) + text, details: details)
    }

    package static let modifiedMessage =
        "the object has been modified; please apply your changes to the latest version and try again"

    package static func conflict(
        _ resource: GroupVersionResource, _ name: String, _ why: String = modifiedMessage
    ) -> StatusError {
        StatusError(
            .conflict, "Operation cannot be fulfilled on \(quoted(resource, name)): \(why)",
            details: details(resource, name))
    }

    /// A server-side apply that would take fields of other managers.
    package static func applyConflict(_ message: String, causes: [StatusCause]) -> StatusError {
        StatusError(.conflict, message, details: StatusDetails.with { $0.causes = causes })
    }

    /// `Pod "x" is invalid: spec.containers: Required value`, one cause per error.
    package static func invalid(_ kind: GroupVersionKind, _ name: String, _ errors: FieldErrors) -> StatusError {
        let qualified: String = kind.group.isEmpty ? kind.kind : kind.kind + "." + kind.group
        var message: String = qualified + " " + GoText.quoted(name) + " is invalid"
        if !errors.isEmpty { message += ": " + errors.description }
        let details = StatusDetails.with { details in
            details.name = name
            details.group = kind.group
            details.kind = kind.kind
            details.causes = errors.map { error in
                StatusCause.with { cause in
                    cause.reason = error.kind.rawValue
                    cause.message = error.body
                    cause.field = error.field
                }
            }
        }
        return StatusError(.invalid, message, details: details)
    }

    /// `pods "x" is forbidden: why`.
    package static func forbidden(
        _ resource: GroupVersionResource, _ name: String, _ why: String
    ) -> StatusError {
        let subject: String = name.isEmpty ? resource.groupResource : quoted(resource, name)
        return StatusError(.forbidden, "\(subject) is forbidden: \(why)", details: details(resource, name))
    }

    /// Something new in a namespace that is going away; see `isNamespaceTerminating`.
    package static func namespaceTerminating(
        _ resource: GroupVersionResource, _ name: String, namespace: String
    ) -> StatusError {
        let why: String = "unable to create new content in namespace \(namespace) because it is being terminated"
        var status: Status = forbidden(resource, name, why).status
        status.details?.causes = [
            StatusCause.with { cause in
                cause.reason = namespaceTerminatingCause
                cause.message = "namespace \(namespace) is being terminated"
                cause.field = "metadata.namespace"
            }
        ]
        return StatusError(status)
    }

    /// A request that is not for a resource.
    package static func forbidden(_ why: String) -> StatusError {
        StatusError(.forbidden, "forbidden: \(why)", details: StatusDetails())
    }

    // MARK: The request

    package static func unauthorized(_ message: String = "Unauthorized") -> StatusError {
        StatusError(.unauthorized, message)
    }

    package static func badRequest(_ message: String) -> StatusError {
        StatusError(.badRequest, message)
    }

    package static func methodNotSupported(_ resource: GroupVersionResource, _ action: String) -> StatusError {
        let text: String = "\(action) is not supported on resources of kind \(GoText.quoted(resource.groupResource))"
        return StatusError(.methodNotAllowed, text, details: details(resource))
    }

    package static func notAcceptable(_ acceptable: [String]) -> StatusError {
        let list: String = acceptable.joined(separator: ", ")
        return StatusError(.notAcceptable, "only the following media types are accepted: \(list)")
    }

    package static func unsupportedMediaType(_ supported: [String]) -> StatusError {
        let text: String = "the body of the request was in an unknown format - accepted media types include: "
        return StatusError(.unsupportedMediaType, text + supported.joined(separator: ", "))
    }

    package static func requestEntityTooLarge(_ message: String) -> StatusError {
        StatusError(.requestEntityTooLarge, "Request entity too large: \(message)")
    }

    /// `message` in full; see `tooManyRequests(retryAfterSeconds:)` for upstream's usual one.
    package static func tooManyRequests(_ message: String, retryAfterSeconds: Int) -> StatusError {
        StatusError(
            .tooManyRequests, message, details: StatusDetails.with { $0.retryAfterSeconds = retryAfterSeconds })
    }

    package static func tooManyRequests(retryAfterSeconds: Int = 1) -> StatusError {
        tooManyRequests("Too many requests, please try again later.", retryAfterSeconds: retryAfterSeconds)
    }

    /// The request was understood, but is impossible for a reason that upstream does not tell: a JSON patch that does
    /// not apply, for one.
    package static func unprocessable() -> StatusError {
        StatusError(
            .invalid, "the server rejected our request due to an error in our request", details: StatusDetails())
    }

    // MARK: Time and history

    /// The server gave up waiting; the work may still be done.
    package static func timeout(_ message: String, retryAfterSeconds: Int = 0) -> StatusError {
        StatusError(
            .timeout, "Timeout: \(message)",
            details: StatusDetails.with { $0.retryAfterSeconds = retryAfterSeconds })
    }

    /// A passing trouble; the client should try again.
    package static func serverTimeout(
        _ resource: GroupVersionResource, _ operation: String, retryAfterSeconds: Int = 1
    ) -> StatusError {
        var details: StatusDetails = details(resource, operation)
        details.retryAfterSeconds = retryAfterSeconds
        let text: String =
            "The \(operation) operation against \(resource.groupResource) could not be completed at this time, "
            + "please try again."
        return StatusError(.serverTimeout, text, details: details)
    }

    /// A resource version that lies ahead of the server's.
    package static func tooLargeResourceVersion(_ wanted: Int64, current: Int64) -> StatusError {
        let details = StatusDetails.with { details in
            details.retryAfterSeconds = 1
            details.causes = [
                StatusCause.with { cause in
                    cause.reason = "ResourceVersionTooLarge"
                    cause.message = "Too large resource version"
                }
            ]
        }
        return StatusError(
            .timeout, "Timeout: Too large resource version: \(wanted), current: \(current)", details: details)
    }

    package static func gone(_ message: String) -> StatusError { StatusError(.gone, message) }

    package static func expired(_ message: String) -> StatusError { StatusError(.expired, message) }

    /// A watch that wants to begin before what is kept.
    package static func tooOldResourceVersion(_ wanted: Int64, oldest: Int64) -> StatusError {
        expired("too old resource version: \(wanted) (\(oldest))")
    }

    /// A list at a revision that has been compacted.
    package static let resourceVersionTooOld = StatusError.expired(
        "The resourceVersion for the provided list is too old.")

    /// A watch from a revision that has been compacted.
    package static let watchResourceVersionTooOld = StatusError.expired(
        "The resourceVersion for the provided watch is too old.")

    /// A page at a revision that has been compacted; the token goes on at the present.
    package static func continueTokenTooOld(next token: String) -> StatusError {
        let text: String =
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
            + "without the continue parameter, or use the continue token in this response to retrieve the remainder "
            + "of the results. Continuing with the provided token results in an inconsistent list - objects that were "
            + "created, modified, or deleted between the time the first chunk was returned and now may show up in "
            + "the list."
        var status: Status = StatusError(.expired, text).status
        status.metadata.continue = token
        return StatusError(status)
    }

    // MARK: The server

    package static func internalError(_ message: String) -> StatusError {
        let details = StatusDetails.with { details in
            details.causes = [StatusCause.with { $0.message = message }]
        }
        return StatusError(.internalError, "Internal error occurred: \(message)", details: details)
    }

    package static func serviceUnavailable(_ message: String) -> StatusError {
        StatusError(.serviceUnavailable, message)
    }

    /// No server was reached; see `isConnectionFailure`.
    package static func connectionFailure(_ message: String) -> StatusError {
        let details = StatusDetails.with { details in
            details.causes = [
                StatusCause.with { cause in
                    cause.reason = connectionFailureCause
                    cause.message = message
                }
            ]
        }
        return StatusError(.serviceUnavailable, message, details: details)
    }
}
