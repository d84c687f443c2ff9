package import Codec
import Synchronization

/// One object at one revision, immutable, as store, watch cache, watchers and informers share it.
///
/// The bytes are the object's canonical JSON *without* `metadata.resourceVersion`; `slot` is the offset at which
/// `,"resourceVersion":"N"` goes:
///
///     {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","uid":"…"|slot|,"creationTimestamp":…},…}
///
/// so that the encoded form is made once, before the revision is known, and sent to everyone.
package final class Snapshot: Sendable {
    package let namespace: String
    package let name: String
    package let revision: Int64
    /// Canonical JSON without resourceVersion, from `start` on.
    package let bytes: [UInt8]
    /// Where the JSON begins: not 0 when `bytes` is shared with the store, whose values have a small header.
    package let start: Int
    /// Offset into `bytes` of the place for resourceVersion; `bytes.count` means that there is none (a Status, say).
    package let slot: Int

    /// The decoded object, kept from the first `decode`. `any APIMessage` because one snapshot serves one kind,
    /// but the kind is not known here.
    private let decoded: Mutex<(any APIMessage)?>

    package init(namespace: String, name: String, revision: Int64, bytes: [UInt8], slot: Int, start: Int = 0) {
        self.namespace = namespace
        self.name = name
        self.revision = revision
        self.bytes = bytes
        self.start = start
        self.slot = slot
        self.decoded = Mutex(nil)
    }

    /// Makes the snapshot of an object, encoding it.
    package convenience init<Object: APIObject>(_ object: Object, revision: Int64) {
        var writer = JSONWriter(capacity: 1024, storage: true)
        object.write(json: &writer)
        let slot: Int? = writer.slot
        let bytes: [UInt8] = writer.finish()
        self.init(
            namespace: object.metadata.namespace, name: object.metadata.name,
            revision: revision, bytes: bytes, slot: slot ?? bytes.count)
    }

    /// The object, with its resourceVersion set. Decodes at most once per snapshot.
    package func decode<Object: APIObject>(_ type: Object.Type) throws(JSONError) -> Object {
        if let known: Object = decoded.withLock({ $0 as? Object }) { return known }
        var object: Object = try decodeBytes(type)
        if revision > 0 { object.metadata.resourceVersion = String(revision) }
        let result: Object = object
        decoded.withLock { $0 = result }
        return result
    }

    private func decodeBytes<Object: APIObject>(_ type: Object.Type) throws(JSONError) -> Object {
        if start == 0 { return try JSONReader.decode(type, from: bytes) }
        return try bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(JSONError) -> Object in
            let rest = UnsafeBufferPointer(rebasing: buffer[start...])
            var reader = JSONReader(borrowing: UnsafeRawBufferPointer(rest))
            let object: Object = try reader.value()
            try reader.finish()
            return object
        }
    }

    /// The bytes that a client gets.
    package func stamped() -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 48)
        append(to: &out)
        return out
    }

    /// Appends the bytes that a client gets.
    package func append(to out: inout [UInt8]) {
        guard slot < bytes.count, revision > 0 else {
            out.append(contentsOf: bytes[start...])
            return
        }
        out.append(contentsOf: bytes[start..<slot])
        out.append(contentsOf: ",\"resourceVersion\":\"".utf8)
        out.append(contentsOf: String(revision).utf8)
        out.append(0x22)
        out.append(contentsOf: bytes[slot...])
    }

    /// The same content at another revision: what a DELETED event carries.
    package func at(revision: Int64) -> Snapshot {
        Snapshot(namespace: namespace, name: name, revision: revision, bytes: bytes, slot: slot, start: start)
    }
}
