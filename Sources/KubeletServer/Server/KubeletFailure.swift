import CRI
import HTTPServer

/// A refusal in plain text, as kubelets give them.
struct KubeletFailure: Error {
    var status: Int
    var text: String
    var retryAfter: Int?

    init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }

    /// What the runtime refused, with the code that upstream answers.
    init(_ error: CRIError) {
        switch error.code {
        case .notFound: self.init(404, error.description)
        case .resourceExhausted:
            self.init(429, error.description)
            retryAfter = 1
        default: self.init(500, error.description)
        }
    }

    func send(to responder: HTTPResponder) {
        var fields: HTTPFields = ["content-type": "text/plain; charset=utf-8"]
        if let retryAfter { fields.append("retry-after", String(retryAfter)) }
        responder.respond(status: status, fields: fields, body: Array(text.utf8))
    }
}
