/// The form of causes in the `X-Swiftlet-Causes` header: `revision=12,request=a1b2,timer=resync`.
extension Cause {
    /// The header that carries causes between components. The API server trusts it only from component identities.
    package static let headerName: String = "x-swiftlet-causes"

    package var text: String {
        switch self {
        case .request(let id): "request=\(Cause.escape(id))"
        case .revision(let revision): "revision=\(revision)"
        case .timer(let purpose): "timer=\(Cause.escape(purpose))"
        case .probe(let name): "probe=\(Cause.escape(name))"
        case .exit(let container): "exit=\(Cause.escape(container))"
        }
    }

    /// nil for a text that no version of ours writes; the reader ignores such causes.
    package init?(text: some StringProtocol) {
        guard let equals = text.firstIndex(of: "=") else { return nil }
        let value: String = Cause.unescape(String(text[text.index(after: equals)...]))
        switch text[..<equals] {
        case "request": self = .request(id: value)
        case "revision":
            guard let revision = Int64(value) else { return nil }
            self = .revision(revision)
        case "timer": self = .timer(value)
        case "probe": self = .probe(value)
        case "exit": self = .exit(container: value)
        default: return nil
        }
    }

    /// The header's value for several causes.
    package static func header(_ causes: [Cause]) -> String {
        causes.suffix(limit).map(\.text).joined(separator: ",")
    }

    /// Reads a header's value; at most `limit` causes, what is not understood is left out.
    package static func parse(header: String) -> [Cause] {
        header.split(separator: ",").prefix(limit).compactMap { Cause(text: $0) }
    }

    private static func escape(_ text: String) -> String {
        var out: String = ""
        for byte in text.utf8 {
            if byte > 0x20 && byte < 0x7f && byte != 0x25 && byte != 0x2c {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                out += byte < 16 ? "%0" : "%"
                out += String(byte, radix: 16)
            }
        }
        return out
    }

    private static func unescape(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
