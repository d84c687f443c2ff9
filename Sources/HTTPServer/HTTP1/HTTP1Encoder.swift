import NIOCore

/// Writes heads and chunks of HTTP/1.1 answers.
enum HTTP1Encoder {
    /// How the end of a body is told.
    enum Framing {
        case length(Int)
        case chunked
        /// The end of the connection.
        case close
        /// There is no body by definition (HEAD with an unknown length, 1xx, 204, 304).
        case none
    }

    /// `keepAlive` nil: the caller gives its own `connection` field.
    static func head(
        status: Int, fields: HTTPFields, framing: Framing, keepAlive: Bool?, date: String, into buffer: inout ByteBuffer
    ) {
        buffer.writeString("HTTP/1.1 ")
        buffer.writeString(String(status))
        buffer.writeString(" ")
        buffer.writeString(reason(status))
        for field in fields.fields where !isOurs(field.name, connection: keepAlive != nil) {
            write(field.name, sanitized(field.value), into: &buffer)
        }
        if status >= 200 { write("date", date, into: &buffer) }
        switch framing {
        case .length(let count): write("content-length", String(count), into: &buffer)
        case .chunked: write("transfer-encoding", "chunked", into: &buffer)
        case .close, .none: break
        }
        if keepAlive == false { write("connection", "close", into: &buffer) }
        buffer.writeString("\r\n\r\n")
    }

    private static func write(_ name: String, _ value: String, into buffer: inout ByteBuffer) {
        buffer.writeString("\r\n")
        buffer.writeString(name)
        buffer.writeString(": ")
        buffer.writeString(value)
    }

    private static func isOurs(_ name: String, connection: Bool) -> Bool {
        switch name {
        case "content-length", "transfer-encoding", "date": true
        case "connection": connection
        default: !name.utf8.allSatisfy(HTTP1Parser.isToken)
        }
    }

    /// The value with control characters made spaces, so that a value cannot begin a new field.
    static func sanitized(_ value: String) -> String {
        for byte in value.utf8 where byte < 0x20 && byte != 0x09 || byte == 0x7F {
            let bytes: [UInt8] = value.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
            return String(decoding: bytes, as: UTF8.self)
        }
        return value
    }

    /// Whether an answer with that status has a body.
    static func hasBody(_ status: Int) -> Bool {
        status >= 200 && status != 204 && status != 304
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "Request Entity Too Large"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Entity"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status \(status)"
        }
    }
}
