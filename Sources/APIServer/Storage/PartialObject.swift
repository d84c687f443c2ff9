package import APIMachinery
package import Codec

/// The beginning of an object: what it is and its metadata, read without the rest.
package struct PartialObject: Sendable {
    package var apiVersion: String = ""
    package var kind: String = ""
    package var metadata = ObjectMeta()

    private static let keys = JSONKeyTable(["kind", "apiVersion", "metadata"])

    /// The metadata of canonical JSON, where it comes before everything large; nil if it cannot be read.
    package static func metadata(of snapshot: Snapshot) -> ObjectMeta? {
        try? read(snapshot.bytes, from: snapshot.start) { $0 == 7 }.metadata
    }

    /// Kind and apiVersion of a document, wherever they are in it.
    package static func type(of bytes: [UInt8]) throws(JSONError) -> PartialObject {
        try read(bytes, from: 0, skipping: true) { $0 & 3 == 3 }
    }

    /// Kind, apiVersion and metadata.
    package static func header(of bytes: [UInt8]) throws(JSONError) -> PartialObject {
        try read(bytes, from: 0) { $0 == 7 }
    }

    /// Reads until `isEnough` of what was found: 1 the kind, 2 the apiVersion, 4 the metadata.
    private static func read(
        _ bytes: [UInt8], from start: Int, skipping: Bool = false, until isEnough: (Int) -> Bool
    ) throws(JSONError) -> PartialObject {
        let result: Result<PartialObject, JSONError> = bytes.withUnsafeBytes { buffer in
            let document = UnsafeRawBufferPointer(rebasing: buffer[start...])
            do throws(JSONError) {
                return .success(try read(document, skipping: skipping, until: isEnough))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func read(_ document: UnsafeRawBufferPointer, skipping: Bool, until isEnough: (Int) -> Bool)
        throws(JSONError) -> PartialObject
    {
        var object = PartialObject()
        var found: Int = 0
        var reader = JSONReader(borrowing: document)
        guard try reader.beginObject() else { return object }
        while !isEnough(found) {
            switch try reader.nextField(keys) {
            case JSONKeyTable.end: return object
            case 0:
                object.kind = try reader.string()
                found |= 1
            case 1:
                object.apiVersion = try reader.string()
                found |= 2
            default:
                if skipping { try reader.skip() } else { object.metadata = try reader.value() }
                found |= 4
            }
        }
        return object
    }
}
