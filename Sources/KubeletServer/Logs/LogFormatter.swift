package import APIMachinery

/// Makes what a client reads of what the runtime wrote: CRI's log format. Pure.
///
///     2016-10-06T00:17:09.669794202Z stdout P the first part of a long line, without its end
///     2016-10-06T00:17:09.669794203Z stderr F a whole line, or the last part of one
///
/// Both streams come out in the order in which they were written. Lines in another format are passed over.
package struct LogFormatter: Sendable {
    /// A line that is longer is no line of a runtime (they cut at 16 KiB).
    private static let lineLimit: Int = 4 * 1024 * 1024

    private let timestamps: Bool
    private let since: MicroTime?
    /// Bytes that may still be given.
    private var budget: Int?
    private var rest: [UInt8] = []
    private var isOverlong: Bool = false
    /// Whether the next piece begins a line of the client.
    private var isAtLineStart: Bool = true

    package init(timestamps: Bool = false, since: MicroTime? = nil, limitBytes: Int? = nil) {
        self.timestamps = timestamps
        self.since = since
        self.budget = limitBytes
    }

    /// The client's limit is reached: nothing more will come out.
    package var isFull: Bool { budget == 0 }

    /// Takes bytes of the file, cut anywhere.
    package mutating func receive(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var start: Int = 0
        while start < bytes.count, !isFull {
            guard let feed = bytes[start...].firstIndex(of: 0x0A) else { break }
            if isOverlong {
                isOverlong = false
            } else if rest.isEmpty {
                line(bytes[start...feed], &out)
            } else {
                rest += bytes[start...feed]
                let whole: [UInt8] = rest
                rest = []
                line(whole[...], &out)
            }
            start = feed + 1
        }
        if start < bytes.count, !isFull, !isOverlong { rest += bytes[start...] }
        if rest.count > Self.lineLimit {
            rest = []
            isOverlong = true
        }
        return out
    }

    /// The file has ended: a last line without its end counts too.
    package mutating func finish() -> [UInt8] {
        guard !rest.isEmpty, !isFull else { return [] }
        var out: [UInt8] = []
        let last: [UInt8] = rest
        rest = []
        line(last[...], &out)
        return out
    }

    /// The file was replaced in the middle of a line.
    package mutating func restart() {
        rest = []
        isOverlong = false
    }

    private mutating func line(_ bytes: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        guard let parsed = LogLine(bytes) else { return }
        if let since, let time = MicroTime(parsed.timestampText), time < since { return }
        if timestamps, isAtLineStart {
            var prefix: [UInt8] = parsed.paddedTimestamp
            prefix.append(0x20)
            append(prefix[...], &out)
        }
        append(parsed.content, &out)
        if let last = parsed.content.last { isAtLineStart = last == 0x0A }
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        guard let left = budget else {
            out += bytes
            return
        }
        let taken: ArraySlice<UInt8> = bytes.prefix(left)
        out += taken
        budget = left - taken.count
    }
}

/// One line of CRI's log format.
struct LogLine {
    let timestamp: ArraySlice<UInt8>
    let isStderr: Bool
    /// With its newline, unless it is a part that goes on.
    let content: ArraySlice<UInt8>

    /// Nil if it is none.
    init?(_ line: ArraySlice<UInt8>) {
        let space: UInt8 = 0x20
        guard let first = line.firstIndex(of: space), first > line.startIndex,
            let second = line[(first + 1)...].firstIndex(of: space),
            let third = line[(second + 1)...].firstIndex(of: space)
        else { return nil }
        timestamp = line[..<first]
        guard timestamp.count >= 20, timestamp[timestamp.startIndex + 10] == UInt8(ascii: "T") else { return nil }
        switch line[(first + 1)..<second] {
        case let name where name.elementsEqual("stdout".utf8): isStderr = false
        case let name where name.elementsEqual("stderr".utf8): isStderr = true
        default: return nil
        }
        // Tags are separated by colons; the first one tells whether the line goes on.
        let tag: UInt8 = line[second + 1]
        guard tag == UInt8(ascii: "P") || tag == UInt8(ascii: "F") else { return nil }
        let rest: ArraySlice<UInt8> = line[(third + 1)...]
        content = tag == UInt8(ascii: "P") && rest.last == 0x0A ? rest.dropLast() : rest
    }

    var timestampText: String { String(decoding: timestamp, as: UTF8.self) }

    /// With nine digits behind the point, as upstream shows it.
    var paddedTimestamp: [UInt8] {
        let bytes: [UInt8] = Array(timestamp)
        let zone: Int =
            bytes[11...].firstIndex {
                $0 == UInt8(ascii: "Z") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
            } ?? bytes.count
        var out: [UInt8] = Array(bytes[..<zone])
        if !out.contains(UInt8(ascii: ".")) { out.append(UInt8(ascii: ".")) }
        let point: Int = out.firstIndex(of: UInt8(ascii: ".")) ?? out.count
        while out.count - point < 10 { out.append(UInt8(ascii: "0")) }
        return out + bytes[zone...]
    }
}
