package import APIMachinery
import Codec
package import Store

/// Where a list goes on: the revision it shows and the last key that was given. Upstream's form, base64 of
/// `{"v":"meta.k8s.io/v1","rv":N,"start":"namespace/name\u0000"}`; good as long as the revision is not compacted.
package struct ContinueToken: Equatable {
    /// -1: the newest, for those who go on although their revision is gone.
    package var revision: Revision
    /// Below the resource's storage prefix.
    package var after: String

    package init(revision: Revision, after: String) {
        self.revision = revision
        self.after = after
    }

    package var text: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("v")
        writer.string("meta.k8s.io/v1")
        writer.key("rv")
        writer.int(Int(revision))
        writer.key("start")
        writer.string(after + "\u{0}")
        writer.endObject()
        return Base64URL.encode(writer.finish())
    }

    package init(text: String) throws(StatusError) {
        guard let bytes = Base64URL.decode(text), let value = try? JSONValue(parsing: bytes) else {
            throw Self.invalid("illegal base64 data")
        }
        guard value["v"]?.string == "meta.k8s.io/v1" else {
            throw Self.invalid("server does not recognize this encoded version")
        }
        guard let revision = value["rv"]?.int, revision == -1 || revision > 0 else {
            throw Self.invalid("incorrect encoded start resourceVersion")
        }
        guard let start = value["start"]?.string, !start.isEmpty, !start.hasPrefix("/") else {
            throw Self.invalid("encoded start key empty or invalid")
        }
        guard !start.split(separator: "/").contains(where: { $0 == ".." || $0 == "." }) else {
            throw Self.invalid("encoded start key contains path elements")
        }
        self.revision = Revision(revision)
        self.after = start.hasSuffix("\u{0}") ? String(start.dropLast()) : start
    }

    private static func invalid(_ why: String) -> StatusError {
        .badRequest("continue key is not valid: \(why)")
    }
}

/// Base64 for URLs, without padding (RFC 4648 §5).
enum Base64URL {
    private static let alphabet: [UInt8] = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 4 / 3 + 4)
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                out.append(alphabet[Int(pending >> bits & 63)])
            }
        }
        if bits > 0 { out.append(alphabet[Int(pending << (6 - bits) & 63)]) }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nil if a character does not belong. Padding is accepted.
    static func decode(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            let value: UInt32
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(character) - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(character) - 97 + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(character) - 48 + 52
            case UInt8(ascii: "-"), UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "_"), UInt8(ascii: "/"): value = 63
            default: return nil
            }
            pending = (pending << 6 | value) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: pending >> bits))
            }
        }
        return out
    }
}
