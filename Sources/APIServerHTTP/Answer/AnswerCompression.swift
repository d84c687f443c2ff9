import APIServer
import Compression
import HTTPServer
import Synchronization

/// When answers are compressed, and how many at once.
final class AnswerCompression: Sendable {
    /// Answers above this are worth it; upstream's.
    static let threshold: Int = 128 << 10
    /// What is handed to the connection at a time, if the answer has that much.
    private static let pieceSize: Int = 16 << 10
    private static let chunkSize: Int = 64 << 10

    /// Each open stream holds 300 KiB. Answers beyond go out as they are, which is right, too.
    private let limit: Int
    private let open = Mutex(0)

    init(limit: Int = 64) {
        self.limit = limit
    }

    /// RFC 9110 §12.5.3, as far as gzip goes: named, and not with `q=0`.
    static func acceptsGzip(_ fields: HTTPFields) -> Bool {
        for value in fields.values("accept-encoding") {
            for part in value.split(separator: ",") {
                let pieces: [Substring] = part.split(separator: ";").map {
                    $0.trimming(while: { $0 == " " || $0 == "\t" })
                }
                guard let name = pieces.first, name.lowercased() == "gzip" else { continue }
                let quality: Substring? = pieces.dropFirst().first { $0.hasPrefix("q=") || $0.hasPrefix("Q=") }
                return quality.map { (Double($0.dropFirst(2)) ?? 1) > 0 } ?? true
            }
        }
        return false
    }

    /// Whether one more stream may begin; `leave` ends it.
    func enter() -> Bool {
        open.withLock { open in
            guard open < limit else { return false }
            open += 1
            return true
        }
    }

    func leave() {
        open.withLock { $0 -= 1 }
    }

    /// Something that comes in parts.
    enum Source {
        case bytes([UInt8])
        case list(ListParts)
    }

    /// Compresses all of `source` as the client takes it. Called in a task; yields between parts, so that many long
    /// answers share the threads with everybody else.
    static func pump(_ source: Source, _ writer: HTTPBodyWriter) async {
        var encoder = GzipEncoder()
        var out: [UInt8] = []
        switch source {
        case .bytes(let bytes):
            for start in stride(from: 0, to: bytes.count, by: chunkSize) {
                bytes.withUnsafeBytes {
                    let end: Int = min(start + chunkSize, bytes.count)
                    encoder.append(UnsafeRawBufferPointer(rebasing: $0[start..<end]), to: &out)
                }
                guard await hand(&out, to: writer) else { return }
            }
        case .list(let list):
            var parts: ListParts = list
            var plain: [UInt8] = []
            plain.reserveCapacity(parts.estimatedRest)
            // Put together first: zlib is slow with small pieces.
            while parts.nextPart({ plain.append(contentsOf: $0) }) {
                encoder.append(plain, to: &out)
                plain.removeAll(keepingCapacity: true)
                guard await hand(&out, to: writer) else { return }
            }
        }
        encoder.finish(to: &out)
        guard writer.write(out) == .accepted else { return }
        writer.finish()
    }

    /// Passes on what is worth a write, and waits for room. False: the client is gone.
    private static func hand(_ out: inout [UInt8], to writer: HTTPBodyWriter) async -> Bool {
        guard out.count >= pieceSize else {
            await Task.yield()
            return true
        }
        guard writer.write(out) == .accepted else { return false }
        out = []
        if writer.isWritable {
            await Task.yield()
            return true
        }
        return await writer.writable()
    }
}

extension Substring {
    fileprivate func trimming(while isSpace: (Character) -> Bool) -> Substring {
        var text: Substring = self.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}
