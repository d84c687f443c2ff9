import CZlib

/// One gzip stream (RFC 1952) in the making: bytes go in, compressed bytes come out in pieces.
///
/// zlib keeps about 256 KiB per stream, so whoever makes many of them has to bound their number.
package struct GzipEncoder: ~Copyable {
    /// Upstream's level: most of the gain, least of the work.
    package static let fastest: Int = 1

    /// On the heap: zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>
    /// What zlib writes into, emptied when it is full.
    private let room: UnsafeMutableRawBufferPointer
    private static let roomSize: Int = 16 << 10

    package init(level: Int = GzipEncoder.fastest) {
        room = .allocate(byteCount: Self.roomSize, alignment: 16)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        precondition(swiftlet_gzip_init(stream, Int32(level)) == Z_OK, "zlib has no memory")
        empty()
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        room.deallocate()
    }

    /// Takes `plain`; what is ready of the compressed form is appended to `out`, the rest waits inside. Few large
    /// pieces are cheaper than many small ones.
    package mutating func append(_ plain: [UInt8], to out: inout [UInt8]) {
        plain.withUnsafeBytes { append($0, to: &out) }
    }

    package mutating func append(_ plain: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        guard let base = plain.baseAddress, !plain.isEmpty else { return }
        // zlib only reads there.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(plain.count)
        repeat { step(Z_NO_FLUSH, &out) } while stream.pointee.avail_in > 0
    }

    /// Appends what is left and the trailer. Nothing may follow.
    package mutating func finish(to out: inout [UInt8]) {
        stream.pointee.next_in = nil
        stream.pointee.avail_in = 0
        while step(Z_FINISH, &out) != Z_STREAM_END {}
    }

    @discardableResult
    private mutating func step(_ flush: Int32, _ out: inout [UInt8]) -> Int32 {
        let result: Int32 = deflate(stream, flush)
        // Z_BUF_ERROR: there was nothing to do, which is no error.
        precondition(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, "zlib failed: \(result)")
        if stream.pointee.avail_out == 0 || flush == Z_FINISH {
            out.append(contentsOf: room[..<(Self.roomSize - Int(stream.pointee.avail_out))])
            empty()
        }
        return result
    }

    private func empty() {
        stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(Self.roomSize)
    }
}
