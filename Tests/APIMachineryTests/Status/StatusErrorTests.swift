import Codec
import Testing

@testable import APIMachinery

@Suite struct StatusErrorTests {
    static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
    static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    static let pod = GroupVersionKind(group: "", version: "v1", kind: "Pod")

    @Test(arguments: [
        (StatusError.notFound(pods, "x"), 404, "NotFound", #"pods "x" not found"#),
        (.notFound(deployments, "x"), 404, "NotFound", #"deployments.apps "x" not found"#),
        (.alreadyExists(pods, "x"), 409, "AlreadyExists", #"pods "x" already exists"#),
        (
            .conflict(pods, "x"), 409, "Conflict",
            #"Operation cannot be fulfilled on pods "x": the object has been modified; "#
                + "please apply your changes to the latest version and try again"
        ),
        (.forbidden(pods, "x", "no"), 403, "Forbidden", #"pods "x" is forbidden: no"#),
        (.forbidden(pods, "", "no"), 403, "Forbidden", "pods is forbidden: no"),
        (.forbidden("no"), 403, "Forbidden", "forbidden: no"),
        (.unauthorized(), 401, "Unauthorized", "Unauthorized"),
        (.badRequest("why"), 400, "BadRequest", "why"),
        (
            .methodNotSupported(deployments, "patch"), 405, "MethodNotAllowed",
            #"patch is not supported on resources of kind "deployments.apps""#
        ),
        (.expired("old"), 410, "Expired", "old"), (.gone("gone"), 410, "Gone", "gone"),
        (.tooOldResourceVersion(5, oldest: 9), 410, "Expired", "too old resource version: 5 (9)"),
        (.timeout("request did not complete"), 504, "Timeout", "Timeout: request did not complete"),
        (
            .tooLargeResourceVersion(9, current: 5), 504, "Timeout",
            "Timeout: Too large resource version: 9, current: 5"
        ),
        (
            .serverTimeout(pods, "create"), 500, "ServerTimeout",
            "The create operation against pods could not be completed at this time, please try again."
        ),
        (.tooManyRequests(), 429, "TooManyRequests", "Too many requests, please try again later."),
        (.internalError("boom"), 500, "InternalError", "Internal error occurred: boom"),
        (.serviceUnavailable("later"), 503, "ServiceUnavailable", "later"),
        (.requestEntityTooLarge("limit is 5"), 413, "RequestEntityTooLarge", "Request entity too large: limit is 5"),
        (
            .notAcceptable(["application/json"]), 406, "NotAcceptable",
            "only the following media types are accepted: application/json"
        ),
        (
            .unsupportedMediaType(["application/json", "application/yaml"]), 415, "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
                + "application/json, application/yaml"
        ),
    ])
    func `has upstream's code, reason and words`(error: StatusError, code: Int, reason: String, message: String) {
        #expect(error.code == code)
        #expect(error.reason == reason)
        #expect(error.message == message)
        #expect(error.status.status == "Failure")
    }

    @Test func `is told by its questions`() {
        #expect(StatusError.notFound(Self.pods, "x").isNotFound)
        #expect(!StatusError.notFound(Self.pods, "x").isConflict)
        #expect(StatusError.alreadyExists(Self.pods, "x").isAlreadyExists)
        #expect(!StatusError.alreadyExists(Self.pods, "x").isConflict)
        #expect(StatusError.conflict(Self.pods, "x").isConflict)
        #expect(StatusError.expired("").isExpired && StatusError.gone("").isExpired)
        #expect(StatusError.connectionFailure("refused").isConnectionFailure)
        #expect(!StatusError.serviceUnavailable("busy").isConnectionFailure)
        #expect(StatusError.connectionFailure("refused").isServiceUnavailable)
        #expect(StatusError.tooManyRequests(retryAfterSeconds: 7).retryAfterSeconds == 7)
        #expect(StatusError.badRequest("").retryAfterSeconds == nil)
        var unknown = Status()
        unknown.code = 404
        #expect(StatusError(unknown).isNotFound)
        unknown.reason = "Conflict"
        #expect(!StatusError(unknown).isNotFound)
    }

    @Test func `a terminating namespace and an old page say more`() {
        let error = StatusError.namespaceTerminating(Self.pods, "x", namespace: "gone")
        #expect(error.isForbidden && error.isNamespaceTerminating)
        #expect(
            error.message.hasSuffix("unable to create new content in namespace gone because it is being terminated"))
        let page = StatusError.continueTokenTooOld(next: "abc")
        #expect(page.isExpired && page.status.metadata.continue == "abc")
    }

    @Test func `an invalid object names every field once, and each cause`() {
        let errors: FieldErrors = [
            .required(FieldPath("spec").child("containers")),
            .required(FieldPath("spec").child("containers")),
            .invalid(FieldPath("metadata").child("name"), "X", "bad"),
        ]
        let error = StatusError.invalid(Self.pod, "x", errors)
        #expect(
            error.message
                == #"Pod "x" is invalid: [spec.containers: Required value, metadata.name: Invalid value: "X": bad]"#)
        #expect(error.causes.count == 3)
        #expect(error.causes[2].reason == "FieldValueInvalid")
        #expect(error.causes[2].field == "metadata.name")
        #expect(error.causes[2].message == #"Invalid value: "X": bad"#)
        let kind = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        #expect(
            StatusError.invalid(kind, "y", [.required(FieldPath("spec"))]).message
                == #"Deployment.apps "y" is invalid: spec: Required value"#)
    }

    @Test func `its body is a Status, and reads back`() throws {
        let error = StatusError.notFound(Self.pods, "x")
        #expect(
            String(decoding: error.body, as: UTF8.self)
                == #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","#
                + #""message":"pods \"x\" not found","#
                + #""reason":"NotFound","details":{"name":"x","kind":"pods"},"code":404}"#)
        #expect(StatusError(code: 404, body: error.body, method: "GET", action: "get pods x") == error)
    }

    @Test func `an answer that is no Status gets words for its code`() {
        let error = StatusError(code: 502, body: Array("<html>".utf8), method: "GET", action: "get pods")
        #expect(error.code == 502)
        #expect(error.isInternalError)
        #expect(
            error.message == #"an error on the server ("<html>") has prevented the request from succeeding (get pods)"#)
        #expect(error.hasCause("UnexpectedServerResponse"))
        #expect(StatusError(code: 409, body: [], method: "POST", action: "").isAlreadyExists)
        #expect(StatusError(code: 409, body: [], method: "PUT", action: "").isConflict)
        #expect(StatusError(code: 418, body: [], method: "GET", action: "").reason.isEmpty)
    }
}
