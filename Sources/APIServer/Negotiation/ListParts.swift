import APIMachinery
import Codec
import Glibc

/// A JSON list as stored bytes, in parts of about 64 KB, so that no list needs its whole size at once.
package struct ListParts: Sendable {
    package static let partSize: Int = 64 << 10
    private let items: [Snapshot]
    /// `{"kind":"Pod","apiVersion":"v1",`, which items of lists leave out.
    private let typePrefix: [UInt8]
    private let head: [UInt8]
    private var next: Int = 0
    private var isDone: Bool = false

    init(_ items: [Snapshot], _ metadata: ListMeta, _ info: ResourceInfo) {
        self.items = items
        typePrefix = Array("{\"kind\":\"\(info.gvk.kind)\",\"apiVersion\":\"\(info.gvk.apiVersion)\",".utf8)
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.key("kind")
        writer.string(info.listKind)
        writer.key("apiVersion")
        writer.string(info.gvk.apiVersion)
        writer.key("metadata")
        metadata.write(json: &writer)
        writer.key("items")
        writer.beginArray()
        head = writer.finish()
    }

    /// Roughly how many bytes all of it is.
    package var estimatedSize: Int {
        var size: Int = 256
        for item in items { size += item.bytes.count + 32 }
        return size
    }

    /// Whether all of it is one part; looks at few items where it is not.
    package var isSmall: Bool { estimatedRest <= Self.partSize }

    /// Gives the pieces of the next part to `emit`, straight from the stored bytes.
    ///
    /// - Returns: false, with nothing given, behind the last part.
    package mutating func nextPart(_ emit: (UnsafeRawBufferPointer) -> Void) -> Bool {
        guard !isDone else { return false }
        var given: Int = 0
        if next == 0 {
            head.withUnsafeBytes { emit($0) }
            given = head.count
        }
        // For `,"resourceVersion":"9223372036854775807"`.
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { scratch in
            while next < items.count, given < Self.partSize {
                given += append(items[next], isFirst: next == 0, scratch, emit)
                next += 1
            }
        }
        if next == items.count {
            Self.tail.withUnsafeBytes { emit($0) }
            isDone = true
        }
        return true
    }

    /// The next part; nil behind the last.
    package mutating func nextPart() -> [UInt8]? {
        var part: [UInt8] = []
        part.reserveCapacity(estimatedRest)
        return nextPart { part.append(contentsOf: $0) } ? part : nil
    }

    /// What a part has to have room for.
    package var estimatedRest: Int {
        var size: Int = next == 0 ? head.count + 64 : 64
        for item in items[next...] {
            size += item.bytes.count + 48
            if size > Self.partSize { break }
        }
        return size
    }

    private func append(
        _ item: Snapshot, isFirst: Bool, _ scratch: UnsafeMutableRawBufferPointer,
        _ emit: (UnsafeRawBufferPointer) -> Void
    ) -> Int {
        item.bytes.withUnsafeBytes { (stored: UnsafeRawBufferPointer) -> Int in
            let object = UnsafeRawBufferPointer(rebasing: stored[item.start...])
            let slot: Int = item.slot - item.start
            let hasType: Bool = typePrefix.withUnsafeBytes { prefix in
                guard object.count > prefix.count, let one = object.baseAddress, let other = prefix.baseAddress
                else { return false }
                return memcmp(one, other, prefix.count) == 0
            }
            // What begins otherwise, or has no place for a version, goes as it is.
            let begin: Int = hasType && slot > typePrefix.count ? typePrefix.count : 0
            // Out of `,{` what is needed.
            Self.opening[(isFirst ? 1 : 0)..<(begin == 0 ? 1 : 2)].withUnsafeBytes { emit($0) }
            guard slot < object.count, item.revision > 0 else {
                emit(UnsafeRawBufferPointer(rebasing: object[begin...]))
                return object.count - begin + 2
            }
            emit(UnsafeRawBufferPointer(rebasing: object[begin..<slot]))
            let version: UnsafeRawBufferPointer = Self.version(item.revision, scratch)
            emit(version)
            emit(UnsafeRawBufferPointer(rebasing: object[slot...]))
            return object.count - begin + 2 + version.count
        }
    }

    /// `,"resourceVersion":"N"`, written from its end.
    private static func version(_ revision: Int64, _ scratch: UnsafeMutableRawBufferPointer)
        -> UnsafeRawBufferPointer
    {
        var at: Int = scratch.count - 1
        scratch[at] = UInt8(ascii: "\"")
        var rest: Int64 = revision
        repeat {
            at -= 1
            scratch[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        at -= versionKey.count
        let target = UnsafeMutableRawBufferPointer(rebasing: scratch[at...])
        target.copyBytes(from: versionKey)
        return UnsafeRawBufferPointer(target)
    }

    private static let versionKey: [UInt8] = Array(",\"resourceVersion\":\"".utf8)
    private static let opening: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: "{")]
    private static let tail: [UInt8] = [UInt8(ascii: "]"), UInt8(ascii: "}"), 0x0A]

    /// All parts at once, without the line end.
    func whole() -> [UInt8] {
        var parts: ListParts = self
        var all: [UInt8] = []
        all.reserveCapacity(estimatedSize)
        while parts.nextPart({ all.append(contentsOf: $0) }) {}
        all.removeLast()
        return all
    }
}
