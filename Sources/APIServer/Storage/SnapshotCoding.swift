package import APIMachinery
import Codec
package import Store

/// The stored form of an object: four bytes of header, then canonical JSON without resourceVersion.
///
///     byte 0      format, 1
///     byte 1      epoch: stored version, schema and default generation; reads of other epochs decode and encode anew
///     bytes 2, 3  offset of the slot for resourceVersion from the value's begin, big endian; 0xFFFF is none
///
/// A value that begins with `{` is plain JSON that somebody else wrote; it counts as an old epoch.
package enum SnapshotCoding {
    package static let headerSize: Int = 4
    static let format: UInt8 = 1
    /// Grows whenever defaults or the stored form of a built-in kind change.
    package static let epoch: UInt8 = 1
    private static let noSlot: Int = 0xFFFF

    /// The store's value of an object.
    package static func encode<Object: APIObject>(_ object: Object) -> [UInt8] {
        var writer = JSONWriter(capacity: 1536, storage: true)
        writer.raw([format, epoch, 0xFF, 0xFF])
        object.write(json: &writer)
        let slot: Int = writer.slot ?? noSlot
        var value: [UInt8] = writer.finish()
        if slot < noSlot {
            value[2] = UInt8(slot >> 8)
            value[3] = UInt8(slot & 0xFF)
        }
        return value
    }

    /// Whether the value can be sent as it is.
    package static func isCurrent(_ value: [UInt8]) -> Bool {
        value.count > headerSize && value[0] == format && value[1] == epoch
    }

    /// A view of a value in the store's buffer.
    package static func snapshot(_ value: [UInt8], namespace: String, name: String, revision: Revision) -> Snapshot {
        guard value.count > headerSize, value[0] == format else {
            return Snapshot(namespace: namespace, name: name, revision: revision, bytes: value, slot: value.count)
        }
        let slot: Int = Int(value[2]) << 8 | Int(value[3])
        return Snapshot(
            namespace: namespace, name: name, revision: revision, bytes: value,
            slot: slot == noSlot ? value.count : min(slot, value.count), start: headerSize)
    }
}
