import APIMachinery
import Client
import Codec

/// Where one object lies in an answer, and what must be known of it to make a `Snapshot`.
struct WireObject: JSONCodable {
    var range: Range<Int> = 0..<0
    var kind: String = ""
    var namespace: String = ""
    var name: String = ""
    var resourceVersion: String = ""
    /// The offset after the value of `metadata.resourceVersion`.
    var versionEnd: Int = 0

    private static let keys = JSONKeyTable(["kind", "metadata"])
    private static let metadataKeys = JSONKeyTable(["name", "namespace", "resourceVersion"])

    init(json reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        let start: Int = reader.offset - 1
        fields: while true {
            switch try reader.nextField(Self.keys) {
            case 0: kind = try reader.string()
            case 1: try readMetadata(&reader)
            default: break fields
            }
        }
        range = start..<reader.offset
    }

    private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(Self.metadataKeys) {
            case 0: name = try reader.string()
            case 1: namespace = try reader.string()
            case 2:
                resourceVersion = try reader.string()
                versionEnd = reader.offset
            default: return
            }
        }
    }

    func write(json writer: inout JSONWriter) {
        preconditionFailure("a place in an answer is only read")
    }

    var revision: Int64 { Int64(resourceVersion) ?? 0 }

    /// The object as everyone holds it: its own bytes, without resourceVersion where that can be cut out.
    ///
    /// - Parameter typeMeta: `"kind":"Pod","apiVersion":"v1",` for the items of a list, which do not say what they are.
    func snapshot(of bytes: [UInt8], typeMeta: [UInt8] = []) -> Snapshot {
        var out: [UInt8] = []
        out.reserveCapacity(range.count + typeMeta.count)
        out.append(0x7B)
        if kind.isEmpty && range.count > 2 { out += typeMeta }
        let shift: Int = out.count - range.lowerBound - 1
        let version: [UInt8] = Array(",\"resourceVersion\":\"\(resourceVersion)\"".utf8)
        let versionStart: Int = versionEnd - version.count
        // Servers write it this way, except when it comes first, or is not compact: then it stays in the bytes.
        let isCut: Bool =
            revision > 0 && versionStart > range.lowerBound
            && bytes[versionStart..<versionEnd].elementsEqual(version)
        if isCut {
            out += bytes[(range.lowerBound + 1)..<versionStart]
            out += bytes[versionEnd..<range.upperBound]
        } else {
            out += bytes[(range.lowerBound + 1)..<range.upperBound]
        }
        return Snapshot(
            namespace: namespace, name: name, revision: revision, bytes: out,
            slot: isCut ? versionStart + shift : out.count)
    }
}

/// A list as it comes over the wire.
struct WireList: JSONCodable {
    var kind: String = ""
    var apiVersion: String = ""
    var metadata = ListMeta()
    var items: [WireObject] = []

    private static let keys = JSONKeyTable(["kind", "apiVersion", "metadata", "items"])

    init(json reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(Self.keys) {
            case 0: kind = try reader.string()
            case 1: apiVersion = try reader.string()
            case 2: metadata = try reader.value()
            case 3: items = try reader.value()
            default: return
            }
        }
    }

    func write(json writer: inout JSONWriter) {
        preconditionFailure("a list on the wire is only read")
    }

    func body(of bytes: [UInt8]) -> APIResponse.Body {
        let itemKind: String = kind.hasSuffix("List") ? String(kind.dropLast(4)) : kind
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("kind")
        writer.string(itemKind)
        writer.key("apiVersion")
        writer.string(apiVersion)
        writer.endObject()
        // `{"kind":"Pod","apiVersion":"v1"}` without its braces, with a comma.
        let typeMeta: [UInt8] = writer.finish().dropFirst().dropLast() + [0x2C]
        return .list(
            items: items.map { $0.snapshot(of: bytes, typeMeta: typeMeta) },
            revision: Int64(metadata.resourceVersion) ?? 0, continueToken: metadata.continue,
            remaining: metadata.remainingItemCount)
    }
}

/// One line of a watch.
struct WireEvent: JSONCodable {
    var type: String = ""
    var object: WireObject?

    private static let keys = JSONKeyTable(["type", "object"])

    init(json reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(Self.keys) {
            case 0: type = try reader.string()
            case 1: object = try reader.optional()
            default: return
            }
        }
    }

    func write(json writer: inout JSONWriter) {
        preconditionFailure("an event on the wire is only read")
    }
}
