import Codec

extension StatusError {
    /// The error of an answer with a code of 400 or more: its `Status` if it is one, else words for the code.
    ///
    /// `verb` is the HTTP method; `action` what was asked for, such as `get pods web-0`.
    package init(code: Int, body: [UInt8], method: String, action: String, retryAfterSeconds: Int = 0) {
        if let kind = try? JSONReader.decode(TypeMeta.self, from: body), kind.isStatus,
            var status = try? JSONReader.decode(Status.self, from: body), status.status != "Success"
        {
            if status.code == 0 { status.code = code }
            self.init(status)
            return
        }
        let text = String(decoding: body.prefix(2_048), as: UTF8.self).trimmingSpaces
        let (reason, words) = StatusError.words(code: code, text: text, method: method)
        let status = Status.with { status in
            status.status = "Failure"
            status.code = code
            status.reason = reason?.rawValue ?? ""
            status.message = action.isEmpty ? words : "\(words) (\(action))"
            status.details = StatusDetails.with { details in
                details.retryAfterSeconds = retryAfterSeconds
                details.causes = [
                    StatusCause.with { cause in
                        cause.reason = "UnexpectedServerResponse"
                        cause.message = text.isEmpty ? "unknown" : text
                    }
                ]
            }
        }
        self.init(status)
    }

    private static func words(code: Int, text: String, method: String) -> (StatusReason?, String) {
        switch code {
        case 400: return (.badRequest, "the server rejected our request for an unknown reason")
        case 401: return (.unauthorized, "the server has asked for the client to provide credentials")
        case 403: return (.forbidden, text)
        case 404: return (.notFound, "the server could not find the requested resource")
        case 405: return (.methodNotAllowed, "the server does not allow this method on the requested resource")
        case 406:
            let plain: String = "the server was unable to respond with a content type that the client supports"
            return (.notAcceptable, text.isEmpty ? plain : text)
        case 409: return (method == "POST" ? .alreadyExists : .conflict, "the server reported a conflict")
        case 413: return (.requestEntityTooLarge, "the request is too large for the server")
        case 415: return (.unsupportedMediaType, text)
        case 422: return (.invalid, "the server rejected our request due to an error in our request")
        case 429:
            return (
                .tooManyRequests, "the server has received too many requests and has asked us to try again later"
            )
        case 503: return (.serviceUnavailable, "the server is currently unable to handle the request")
        case 504:
            let plain: String =
                "the server was unable to return a response in the time allotted, "
                + "but may still be processing the request"
            return (.timeout, plain)
        case 500...:
            let plain: String =
                "an error on the server (\(GoText.quoted(text))) has prevented the request from succeeding"
            return (.internalError, plain)
        default:
            return (nil, "the server responded with the status code \(code) but did not return more information")
        }
    }
}

/// What a document says it is.
private struct TypeMeta: JSONCodable {
    var apiVersion: String = ""
    var kind: String = ""

    static let keys = JSONKeyTable(["apiVersion", "kind"])

    var isStatus: Bool { kind == "Status" && (apiVersion == "v1" || apiVersion == "meta.k8s.io/v1") }

    init(json reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(TypeMeta.keys) {
            case 0: apiVersion = try reader.string()
            case 1: kind = try reader.string()
            default: return
            }
        }
    }

    func write(json writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("apiVersion")
        writer.string(apiVersion)
        writer.key("kind")
        writer.string(kind)
        writer.endObject()
    }
}
