import Codec

/// An error that carries the `Status` which a client gets, or got. One word wide.
package struct StatusError: Error, Sendable, Equatable, CustomStringConvertible {
    private final class Storage: Sendable {
        let status: Status

        init(_ status: Status) {
            self.status = status
        }
    }

    private let storage: Storage

    package init(_ status: Status) {
        storage = Storage(status)
    }

    package var status: Status { storage.status }
    /// The HTTP code; 0 if the status has none.
    package var code: Int { status.code }
    /// Upstream's `StatusReason`, such as `NotFound`; empty if unknown.
    package var reason: String { status.reason }
    package var message: String { status.message }
    package var causes: [StatusCause] { status.details?.causes ?? [] }

    package var description: String { message }

    package static func == (one: StatusError, other: StatusError) -> Bool {
        one.storage === other.storage || one.status == other.status
    }

    /// The body of the answer: the `Status` as JSON, with kind and apiVersion.
    package var body: [UInt8] { status.jsonBytes }

    /// How long the server asks to wait before the next try; nil if it does not.
    package var retryAfterSeconds: Int? {
        guard let details = status.details else { return nil }
        if reason == StatusReason.serverTimeout.rawValue || details.retryAfterSeconds > 0 {
            return details.retryAfterSeconds
        }
        return nil
    }
}

/// Upstream's machine-readable reasons with their HTTP codes.
package enum StatusReason: String, Sendable, CaseIterable {
    case unauthorized = "Unauthorized"
    case forbidden = "Forbidden"
    case notFound = "NotFound"
    case alreadyExists = "AlreadyExists"
    case conflict = "Conflict"
    case gone = "Gone"
    case invalid = "Invalid"
    case serverTimeout = "ServerTimeout"
    case storeReadError = "StorageReadError"
    case timeout = "Timeout"
    case tooManyRequests = "TooManyRequests"
    case badRequest = "BadRequest"
    case methodNotAllowed = "MethodNotAllowed"
    case notAcceptable = "NotAcceptable"
    case requestEntityTooLarge = "RequestEntityTooLarge"
    case unsupportedMediaType = "UnsupportedMediaType"
    case internalError = "InternalError"
    case expired = "Expired"
    case serviceUnavailable = "ServiceUnavailable"

    package var code: Int {
        switch self {
        case .badRequest: return 400
        case .unauthorized: return 401
        case .forbidden: return 403
        case .notFound: return 404
        case .methodNotAllowed: return 405
        case .notAcceptable: return 406
        case .alreadyExists, .conflict: return 409
        case .gone, .expired: return 410
        case .requestEntityTooLarge: return 413
        case .unsupportedMediaType: return 415
        case .invalid: return 422
        case .tooManyRequests: return 429
        case .internalError, .serverTimeout, .storeReadError: return 500
        case .serviceUnavailable: return 503
        case .timeout: return 504
        }
    }
}

// MARK: - Questions

extension StatusError {
    /// By reason; by code only where the reason is unknown to us, as upstream does.
    private func has(_ wanted: StatusReason) -> Bool {
        if let known = StatusReason(rawValue: reason) { return known == wanted }
        return code == wanted.code && wanted != .alreadyExists && wanted != .expired && wanted != .serverTimeout
    }

    package var isNotFound: Bool { has(.notFound) }
    package var isAlreadyExists: Bool { has(.alreadyExists) }
    package var isConflict: Bool { has(.conflict) }
    package var isInvalid: Bool { has(.invalid) }
    package var isForbidden: Bool { has(.forbidden) }
    package var isUnauthorized: Bool { has(.unauthorized) }
    package var isBadRequest: Bool { has(.badRequest) }
    package var isMethodNotSupported: Bool { has(.methodNotAllowed) }
    package var isTimeout: Bool { has(.timeout) }
    package var isServerTimeout: Bool { has(.serverTimeout) }
    package var isInternalError: Bool { has(.internalError) }
    package var isServiceUnavailable: Bool { has(.serviceUnavailable) }
    package var isUnsupportedMediaType: Bool { has(.unsupportedMediaType) }
    package var isNotAcceptable: Bool { has(.notAcceptable) }
    package var isTooManyRequests: Bool { has(.tooManyRequests) || code == 429 }
    package var isRequestEntityTooLarge: Bool { has(.requestEntityTooLarge) || code == 413 }
    /// The history that was asked for is gone: list anew.
    package var isExpired: Bool { has(.expired) || has(.gone) }

    /// Whether no server was reached: nothing is known about what became of the request.
    package var isConnectionFailure: Bool { hasCause(StatusError.connectionFailureCause) }
    /// Whether the namespace is going away, so that creating in it is in vain.
    package var isNamespaceTerminating: Bool { hasCause(StatusError.namespaceTerminatingCause) }

    package func hasCause(_ reason: String) -> Bool { causes.contains { $0.reason == reason } }

    static let connectionFailureCause = "ConnectionFailure"
    static let namespaceTerminatingCause = "NamespaceTerminating"
}
