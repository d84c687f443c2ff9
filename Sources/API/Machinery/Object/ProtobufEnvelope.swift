package import Codec

/// How protobuf objects travel and rest: the bytes `k8s\0`, then upstream's `runtime.Unknown`.
///
///     6b 38 73 00 | 0a typeMeta { 0a apiVersion, 12 kind } | 12 raw | 1a contentEncoding | 22 contentType
package struct ProtobufEnvelope: Sendable, Equatable {
    package static let contentType = "application/vnd.kubernetes.protobuf"
    /// `k8s\0`
    package static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    package var gvk: GroupVersionKind
    /// The message of that kind.
    package var raw: [UInt8]
    /// Empty, as nobody compresses it.
    package var contentEncoding = ""
    /// Empty for protobuf.
    package var contentType = ""

    package init(gvk: GroupVersionKind, raw: [UInt8]) {
        self.gvk = gvk
        self.raw = raw
    }

    /// Whether the bytes begin with the magic ones.
    package static func isEnvelope(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: magic)
    }

    /// Takes the envelope off. The message inside is not looked at.
    package init(decoding bytes: [UInt8]) throws(ProtobufError) {
        guard Self.isEnvelope(bytes) else {
            throw ProtobufError(.invalidValue("the bytes do not begin with k8s\\0"), offset: 0)
        }
        var reader = ProtobufReader(bytes[Self.magic.count...])
        var apiVersion = ""
        var kind = ""
        self.init(gvk: GroupVersionKind(group: "", version: "", kind: ""), raw: [])
        loop: while true {
            switch try reader.nextField() {
            case 0: break loop
            case 1:
                let outer: Int = try reader.enterMessage()
                try Self.readType(&reader, &apiVersion, &kind)
                reader.leaveMessage(outer)
            case 2: raw = try reader.bytes()
            case 3: contentEncoding = try reader.string()
            case 4: contentType = try reader.string()
            default: try reader.skip()
            }
        }
        gvk = GroupVersionKind(apiVersion: apiVersion, kind: kind)
    }

    private static func readType(
        _ reader: inout ProtobufReader, _ apiVersion: inout String, _ kind: inout String
    ) throws(ProtobufError) {
        while true {
            switch try reader.nextField() {
            case 0: return
            case 1: apiVersion = try reader.string()
            case 2: kind = try reader.string()
            default: try reader.skip()
            }
        }
    }

    package var encoded: [UInt8] {
        var writer = ProtobufWriter(capacity: raw.count + 96)
        writer.string(contentType, field: 4)
        writer.string(contentEncoding, field: 3)
        writer.bytes(raw, field: 2)
        Self.writeType(gvk, &writer)
        return Self.magic + writer.finish()
    }

    private static func writeType(_ gvk: GroupVersionKind, _ writer: inout ProtobufWriter) {
        let mark: Int = writer.count
        writer.string(gvk.kind, field: 2)
        writer.string(gvk.apiVersion, field: 1)
        writer.header(field: 1, since: mark)
    }

    /// An object in its envelope, without copying the message.
    package static func encode<T: APIKind>(_ object: T) -> [UInt8] {
        var writer = ProtobufWriter(capacity: 1_024)
        writer.string("", field: 4)
        writer.string("", field: 3)
        writer.message(object, field: 2)
        writeType(T.gvk, &writer)
        return magic + writer.finish()
    }
}
