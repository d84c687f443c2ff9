/// A domain name in wire form: length-prefixed labels, closed by the empty label. Case is kept.
package struct DNSName: Hashable, Sendable, CustomStringConvertible {
    package static let maximumBytes: Int = 255
    package static let maximumLabelBytes: Int = 63

    package let wire: [UInt8]

    /// The root.
    package init() {
        wire = [0]
    }

    /// - Parameter wire: a whole name that was checked.
    init(checked wire: [UInt8]) {
        self.wire = wire
    }

    /// nil: some label is empty or too long, or the name is.
    package init?(labels: [[UInt8]]) {
        var bytes: [UInt8] = []
        for label in labels {
            guard !label.isEmpty, label.count <= Self.maximumLabelBytes else { return nil }
            bytes.append(UInt8(label.count))
            bytes += label
        }
        bytes.append(0)
        guard bytes.count <= Self.maximumBytes else { return nil }
        wire = bytes
    }

    /// Reads `web.default.svc`, with or without the last dot. `\.` and `\123` are understood.
    package init?(_ text: String) {
        if text == "." {
            self.init()
            return
        }
        var labels: [[UInt8]] = [[]]
        var rest: Substring.UTF8View.SubSequence = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."):
                labels.append([])
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst() else { return nil }
                guard (48...57).contains(next) else {
                    labels[labels.count - 1].append(next)
                    continue
                }
                guard let second = rest.popFirst(), let third = rest.popFirst(),
                    (48...57).contains(second), (48...57).contains(third)
                else { return nil }
                let value: Int = Int(next - 48) * 100 + Int(second - 48) * 10 + Int(third - 48)
                guard value < 256 else { return nil }
                labels[labels.count - 1].append(UInt8(value))
            default:
                labels[labels.count - 1].append(byte)
            }
        }
        if labels.last?.isEmpty == true { labels.removeLast() }
        guard !labels.isEmpty else { return nil }
        self.init(labels: labels)
    }

    package var labels: [[UInt8]] {
        var labels: [[UInt8]] = []
        var position: Int = 0
        while wire[position] != 0 {
            let length = Int(wire[position])
            labels.append(Array(wire[position + 1..<position + 1 + length]))
            position += 1 + length
        }
        return labels
    }

    package var lowercased: DNSName { DNSName(checked: wire.map(Self.lower)) }

    /// Lengths are below 64, so that they stay.
    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 {
        byte >= 65 && byte <= 90 ? byte | 0x20 : byte
    }

    /// With the last dot.
    package var description: String {
        if wire.count == 1 { return "." }
        var text: String = ""
        for label in labels {
            for byte in label {
                if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "\\") {
                    text += "\\"
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else if byte > 32 && byte < 127 {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    let digits: String = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            text += "."
        }
        return text
    }

    /// Reads a name that may be compressed (RFC 1035 §4.1.4). Pointers lead strictly backwards, so that reading ends.
    static func read(_ bytes: Span<UInt8>, at position: inout Int) throws(DNSError) -> DNSName {
        var wire: [UInt8] = []
        wire.reserveCapacity(32)
        var cursor: Int = position
        /// Everything from here on was read already.
        var ceiling: Int = position
        var hasJumped: Bool = false
        while true {
            guard cursor < bytes.count else { throw .truncated(offset: cursor) }
            let length: UInt8 = bytes[cursor]
            switch length & 0xc0 {
            case 0:
                let end: Int = cursor + 1 + Int(length)
                guard end <= bytes.count else { throw .truncated(offset: cursor) }
                guard wire.count + 1 + Int(length) + (length == 0 ? 0 : 1) <= maximumBytes else {
                    throw .longName(offset: cursor)
                }
                for index in cursor..<end { wire.append(bytes[index]) }
                cursor = end
                if length == 0 {
                    if !hasJumped { position = cursor }
                    return DNSName(checked: wire)
                }
            case 0xc0:
                guard cursor + 1 < bytes.count else { throw .truncated(offset: cursor) }
                let target: Int = Int(length & 0x3f) << 8 | Int(bytes[cursor + 1])
                guard target < ceiling else { throw .badPointer(offset: cursor) }
                if !hasJumped { position = cursor + 2 }
                hasJumped = true
                ceiling = target
                cursor = target
            default:
                throw .badLabel(offset: cursor)
            }
        }
    }

    /// Steps over a name without following pointers.
    static func skip(_ bytes: Span<UInt8>, at position: inout Int) throws(DNSError) {
        while true {
            guard position < bytes.count else { throw .truncated(offset: position) }
            let length: UInt8 = bytes[position]
            switch length & 0xc0 {
            case 0:
                position += 1 + Int(length)
                if length == 0 { return }
            case 0xc0:
                position += 2
                guard position <= bytes.count else { throw .truncated(offset: position) }
                return
            default:
                throw .badLabel(offset: position)
            }
        }
    }
}
