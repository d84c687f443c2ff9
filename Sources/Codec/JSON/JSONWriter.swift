/// Writes one compact JSON document, byte for byte as Go's `encoding/json` does.
///
/// The caller keeps the order: in an object `key` and then one value, in an array `element` and then one value.
/// Commas are the writer's business, and one flag suffices: it is set behind any key, element or closed bracket,
/// and cleared behind an opening one.
@usableFromInline
package struct JSONWriter: ~Copyable {
    private var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count: Int = 0
    private var needsComma: Bool = false
    private let storage: Bool

    /// Storage mode: the offset where the object's resourceVersion belongs. The member is put there with a comma
    /// before it, or, if the byte before is `{`, with a comma behind it unless the next byte is `}`.
    package private(set) var slot: Int?

    /// - Parameters:
    ///   - capacity: the expected size in bytes; more is found when needed.
    ///   - storage: leave out the object's resourceVersion, and note its place in `slot`.
    package init(capacity: Int = 256, storage: Bool = false) {
        self.capacity = max(capacity, 64)
        bytes = .allocate(capacity: self.capacity)
        self.storage = storage
    }

    deinit {
        bytes.deallocate()
    }

    /// The document. Exactly as long as needed, for those who keep it.
    package consuming func finish() -> [UInt8] {
        Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// The bytes written so far.
    package var size: Int { count }
}

// MARK: - Structure

extension JSONWriter {
    @usableFromInline
    package mutating func beginObject() {
        append(UInt8(ascii: "{"))
        needsComma = false
    }

    @usableFromInline
    package mutating func endObject() {
        append(UInt8(ascii: "}"))
        needsComma = true
    }

    @usableFromInline
    package mutating func beginArray() {
        append(UInt8(ascii: "["))
        needsComma = false
    }

    @usableFromInline
    package mutating func endArray() {
        append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Begins the next element of an array.
    @usableFromInline
    package mutating func element() {
        if needsComma { append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// Begins the next member of an object; the name must need no escapes.
    package mutating func key(_ name: StaticString) {
        let length = name.utf8CodeUnitCount
        reserve(length + 4)
        var at = bytes + count
        if needsComma {
            at[0] = UInt8(ascii: ",")
            at += 1
        }
        at[0] = UInt8(ascii: "\"")
        (at + 1).update(from: name.utf8Start, count: length)
        at[length + 1] = UInt8(ascii: "\"")
        at[length + 2] = UInt8(ascii: ":")
        count = at - bytes + length + 3
        needsComma = true
    }

    /// Begins the next member of an object. A literal is a `StaticString`, which is quicker.
    @usableFromInline
    @_disfavoredOverload
    package mutating func key(_ name: String) {
        if needsComma { append(UInt8(ascii: ",")) }
        string(name)
        append(UInt8(ascii: ":"))
        needsComma = true
    }

    /// The place of the resourceVersion in an object's metadata, right behind `uid`. In storage mode the first call
    /// (the object's own; a template's metadata come later) only notes the place.
    package mutating func revisionSlot(_ resourceVersion: String) {
        if storage, slot == nil {
            slot = count
            return
        }
        if resourceVersion.isEmpty { return }
        key("resourceVersion")
        string(resourceVersion)
    }
}

// MARK: - Scalars

extension JSONWriter {
    @usableFromInline
    package mutating func bool(_ value: Bool) {
        append(value ? "true" : "false")
    }

    package mutating func null() {
        append("null")
    }

    @usableFromInline
    package mutating func int(_ value: Int) {
        reserve(20)
        if value < 0 {
            bytes[count] = UInt8(ascii: "-")
            count += 1
        }
        var rest = value.magnitude
        if rest < 10 {
            bytes[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)
            count += 1
            return
        }
        var digits: Int = 1
        var bound: UInt = 10
        while digits < 19, rest >= bound {
            digits += 1
            bound *= 10
        }
        var at = count + digits
        count = at
        while at > count - digits {
            at -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
    }

    /// Formats as Go does: shortest, with an exponent below 1e-6 and from 1e21 on. JSON has no infinities and
    /// no NaN (Go refuses them): they are written as `null`.
    @usableFromInline
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        var text = GoFormat.double(value)
        text.withUTF8 { append($0) }
    }

    /// Writes bytes as a string of base64.
    package mutating func base64(_ value: [UInt8]) {
        reserve(Base64.encodedCount(value.count) + 2)
        bytes[count] = UInt8(ascii: "\"")
        count += 1 + Base64.write(value, to: bytes + count + 1)
        bytes[count] = UInt8(ascii: "\"")
        count += 1
    }

    /// Writes a value that is JSON already, unchecked.
    package mutating func raw(_ json: [UInt8]) {
        json.withUnsafeBufferPointer { append($0) }
    }

    @usableFromInline
    package mutating func string(_ value: String) {
        if value.utf8.withContiguousStorageIfAvailable({ escape($0) }) == nil {
            escapeCopy(value)
        }
    }
}

// MARK: - Strings

extension JSONWriter {
    /// A string that is not native: none is on Linux, but the library does not promise it.
    @inline(never)
    private mutating func escapeCopy(_ value: String) {
        var value = value
        value.withUTF8 { escape($0) }
    }

    /// Writes a string in quotes. Most need no escapes: blocks of eight plain bytes are copied as they are.
    @inline(__always)
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        guard let start = text.baseAddress, text.count > 0 else { return append("\"\"") }
        let total = text.count
        // The worst case, six bytes for one, is only reserved where it occurs.
        reserve(total + 2 + 8)
        bytes[count] = UInt8(ascii: "\"")
        count += 1
        let source = UnsafeRawPointer(start)
        var at: Int = 0
        while at + 8 <= total {
            let word = source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if JSONWriter.needsEscape(word) {
                escape(source, total, &at, until: at + 8)
                continue
            }
            UnsafeMutableRawPointer(bytes + count).storeBytes(of: word, as: UInt64.self)
            count += 8
            at += 8
        }
        if at < total, total >= 8 {
            // The last eight bytes overlap what is written; plain bytes were written one for one.
            let word = source.loadUnaligned(fromByteOffset: total - 8, as: UInt64.self)
            if JSONWriter.needsEscape(word) {
                escape(source, total, &at, until: total)
            } else {
                count += total - at
                at = total
                UnsafeMutableRawPointer(bytes + count - 8).storeBytes(of: word, as: UInt64.self)
            }
        }
        while at < total {
            let byte = source.load(fromByteOffset: at, as: UInt8.self)
            if JSONWriter.isPlain(byte) {
                bytes[count] = byte
                count += 1
                at += 1
            } else {
                escape(source, total, &at, until: at + 1)
            }
        }
        bytes[count] = UInt8(ascii: "\"")
        count += 1
    }

    /// Whether one of eight bytes is a control character, `"`, `&`, `<`, `>`, `\`, or not ASCII.
    @inline(__always)
    private static func needsEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // 0x22 and 0x26 differ in one bit, so do 0x3c and 0x3e.
        let quotes = (word | 0x0404_0404_0404_0404) ^ 0x2626_2626_2626_2626
        let angles = (word | 0x0202_0202_0202_0202) ^ 0x3e3e_3e3e_3e3e_3e3e
        let slash = word ^ 0x5c5c_5c5c_5c5c_5c5c
        let zeros =
            ((quotes &- ones) & ~quotes) | ((angles &- ones) & ~angles) | ((slash &- ones) & ~slash)
        return (zeros | (word &- 0x2020_2020_2020_2020) | word) & 0x8080_8080_8080_8080 != 0
    }

    /// Whether a byte is written as it is; the masks have a bit for each of 0x00…0x3f and 0x40…0x7f.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        if byte >= 0x80 { return false }
        let escapedLow: UInt64 = 0x5000_0044_ffff_ffff
        let escapedHigh: UInt64 = 0x0000_0000_1000_0000
        return (byte < 0x40 ? escapedLow : escapedHigh) >> UInt64(byte & 0x3f) & 1 == 0
    }

    /// Writes the bytes from `at` to `until` with escapes, and goes on to the end of a character.
    @inline(never)
    private mutating func escape(_ source: UnsafeRawPointer, _ total: Int, _ at: inout Int, until: Int) {
        while at < until {
            let byte = source.load(fromByteOffset: at, as: UInt8.self)
            // What is to come, at one for one, and this byte's escape.
            reserve(total - at + 8 + 8)
            at += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): short(byte)
            case 0x0a: short(UInt8(ascii: "n"))
            case 0x0d: short(UInt8(ascii: "r"))
            case 0x09: short(UInt8(ascii: "t"))
            case 0x08: short(UInt8(ascii: "b"))
            case 0x0c: short(UInt8(ascii: "f"))
            case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), 0..<0x20: unit(UInt16(byte))
            case 0xe2 where isLineSeparator(source, total, at):
                unit(0x2000 | UInt16(source.load(fromByteOffset: at + 1, as: UInt8.self) & 0x3f))
                at += 2
            default:
                bytes[count] = byte
                count += 1
            }
        }
    }

    /// Whether U+2028 or U+2029 (e2 80 a8, e2 80 a9) continues at `at`.
    private func isLineSeparator(_ source: UnsafeRawPointer, _ total: Int, _ at: Int) -> Bool {
        guard at + 2 <= total, source.load(fromByteOffset: at, as: UInt8.self) == 0x80 else { return false }
        return source.load(fromByteOffset: at + 1, as: UInt8.self) & 0xfe == 0xa8
    }

    private mutating func short(_ letter: UInt8) {
        bytes[count] = UInt8(ascii: "\\")
        bytes[count + 1] = letter
        count += 2
    }

    /// `\u003c`, in lower case as Go; 0x2000 | 0x28 is U+2028.
    private mutating func unit(_ unit: UInt16) {
        let digits: StaticString = "0123456789abcdef"
        bytes[count] = UInt8(ascii: "\\")
        bytes[count + 1] = UInt8(ascii: "u")
        for place in 0..<4 {
            bytes[count + 2 + place] = digits.utf8Start[Int(unit >> UInt16(12 - place * 4)) & 15]
        }
        count += 6
    }
}

// MARK: - Bytes

extension JSONWriter {
    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        reserve(1)
        bytes[count] = byte
        count += 1
    }

    private mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        guard let start = text.baseAddress else { return }
        reserve(text.count)
        (bytes + count).update(from: start, count: text.count)
        count += text.count
    }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = larger
    }
}
