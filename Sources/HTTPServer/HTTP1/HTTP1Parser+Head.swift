extension HTTP1Parser {
    /// Waits for the whole head (cheaply: only new bytes are searched), then reads it line by line.
    mutating func nextHead() -> Event {
        // Some clients send an empty line after a body; RFC 9112 section 2.2.
        while bufferedCount >= 2, buffer[start] == 0x0D, buffer[start + 1] == 0x0A {
            start += 2
            overhead += 2
            if overhead > 8 { return fail(.malformed("empty lines before a request")) }
        }
        scanned = max(scanned, start)
        guard let end = headEnd() else {
            if bufferedCount > limits.headBytes { return fail(.tooLarge) }
            return .needMore
        }
        if end - start > limits.headBytes { return fail(.tooLarge) }
        scanned = start
        overhead = 0
        do {
            return .head(try readHead())
        } catch {
            return fail(error)
        }
    }

    /// The index after the empty line that ends the head. A bare LF also ends it: reading the lines refuses it then.
    private mutating func headEnd() -> Int? {
        var index: Int = scanned
        while index < buffer.count {
            if buffer[index] == 0x0A, index > start {
                if buffer[index - 1] == 0x0A { return index + 1 }
                if index - start >= 2, buffer[index - 1] == 0x0D, buffer[index - 2] == 0x0A { return index + 1 }
            }
            index += 1
        }
        scanned = index
        return nil
    }

    private mutating func readHead() throws(HTTP1Rejection) -> Head {
        guard let first = try line() else { throw .malformed("no request line") }
        var head: Head = try requestLine(first)
        head.fields.reserveCapacity(16)
        while true {
            guard let range = try line() else { throw .malformed("fields do not end") }
            if range.isEmpty { break }
            if head.fields.count == limits.fieldCount { throw .tooLarge }
            try field(range, into: &head.fields)
        }
        try frame(&head)
        return head
    }

    private func requestLine(_ range: Range<Int>) throws(HTTP1Rejection) -> Head {
        let line: ArraySlice<UInt8> = buffer[range]
        guard let firstSpace = line.firstIndex(of: 0x20), let lastSpace = line.lastIndex(of: 0x20),
            firstSpace < lastSpace
        else { throw .malformed("a malformed request line") }
        let method: ArraySlice<UInt8> = line[range.lowerBound..<firstSpace]
        guard !method.isEmpty, method.count <= 32, method.allSatisfy(Self.isToken) else {
            throw .malformed("a malformed method")
        }
        let target: ArraySlice<UInt8> = line[(firstSpace + 1)..<lastSpace]
        guard !target.isEmpty, target.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .malformed("a malformed request target")
        }
        let version: ArraySlice<UInt8> = line[(lastSpace + 1)...]
        return Head(
            method: String(decoding: method, as: UTF8.self), target: try Self.originForm(target, method: method),
            version: try Self.version(version), fields: HTTPFields(), contentLength: nil, isChunked: false,
            keepAlive: true, expectsContinue: false)
    }

    private static func version(_ bytes: ArraySlice<UInt8>) throws(HTTP1Rejection) -> HTTPRequest.Version {
        if bytes.elementsEqual("HTTP/1.1".utf8) { return .http11 }
        if bytes.elementsEqual("HTTP/1.0".utf8) { return .http10 }
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8) else { throw .malformed("a malformed HTTP version") }
        throw HTTP1Rejection(status: 505, message: "HTTP version not supported")
    }

    /// `/path?query`, or `*`; of the absolute form, the path.
    private static func originForm(
        _ target: ArraySlice<UInt8>, method: ArraySlice<UInt8>
    ) throws(HTTP1Rejection) -> String {
        if target.first == 0x2F { return String(decoding: target, as: UTF8.self) }
        if target.elementsEqual("*".utf8), method.elementsEqual("OPTIONS".utf8) { return "*" }
        let text: String = String(decoding: target, as: UTF8.self)
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest: Substring = text.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
            return rest[slash] == "?" ? "/" + rest[slash...] : String(rest[slash...])
        }
        throw .malformed("a malformed request target")
    }

    func field(_ range: Range<Int>, into fields: inout HTTPFields) throws(HTTP1Rejection) {
        let line: ArraySlice<UInt8> = buffer[range]
        guard let colon = line.firstIndex(of: 0x3A) else { throw .malformed("a field without a colon") }
        let name: ArraySlice<UInt8> = line[range.lowerBound..<colon]
        // This also refuses a space before the colon and a folded line, both ways of smuggling.
        guard !name.isEmpty, name.allSatisfy(Self.isToken) else { throw .malformed("a malformed field name") }
        var value: ArraySlice<UInt8> = line[(colon + 1)...]
        while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
        guard value.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
            throw .malformed("a malformed field value")
        }
        fields.append(
            lowercaseName: String(decoding: name.lazy.map(HTTPFields.lower), as: UTF8.self),
            String(decoding: value, as: UTF8.self))
    }

    /// How long the body is, and what the connection does after it. RFC 9112 section 6.3, without its leniency.
    private mutating func frame(_ head: inout Head) throws(HTTP1Rejection) {
        let hosts: [String] = head.fields.values("host")
        if hosts.count > 1 || (hosts.isEmpty && head.version == .http11) {
            throw .malformed("exactly one Host field is required")
        }
        let lengths: [String] = head.fields.values("content-length")
        let codings: [String] = head.fields.values("transfer-encoding")
        if !codings.isEmpty {
            guard lengths.isEmpty else { throw .malformed("both Content-Length and Transfer-Encoding") }
            guard head.version == .http11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
            guard codings.count == 1, HTTPFields.equalIgnoringCase(codings[0].utf8, "chunked".utf8) else {
                throw HTTP1Rejection(status: 501, message: "unsupported transfer encoding")
            }
            head.isChunked = true
            state = .chunkSize
        } else if !lengths.isEmpty {
            guard lengths.count == 1, let length = Self.decimal(lengths[0]) else {
                throw .malformed("a malformed Content-Length")
            }
            head.contentLength = length
            state = length == 0 ? .end : .length(remaining: length)
        } else {
            state = .end
        }
        let close: Bool = head.fields.hasToken("close", in: "connection")
        head.keepAlive =
            head.version == .http11 ? !close : !close && head.fields.hasToken("keep-alive", in: "connection")
        if let expect = head.fields["expect"] {
            guard HTTPFields.equalIgnoringCase(expect.utf8, "100-continue".utf8) else {
                throw HTTP1Rejection(status: 417, message: "unknown expectation")
            }
            head.expectsContinue = head.version == .http11
        }
    }

    /// Digits only, at most 15 of them.
    private static func decimal(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 15 else { return nil }
        var value: Int = 0
        for byte in text.utf8 {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }

    /// RFC 9110 section 5.6.2.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}

extension HTTP1Rejection {
    static let tooLarge: HTTP1Rejection = HTTP1Rejection(status: 431, message: "request header fields too large")
}
