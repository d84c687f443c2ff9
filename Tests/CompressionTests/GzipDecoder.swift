import CZlib

/// Unpacks gzip, bounded, as a client would.
enum GzipDecoder {
    enum Error: Swift.Error, Equatable {
        case malformed
        case tooLarge(limit: Int)
    }

    /// All members of a gzip body.
    static func decode(_ packed: [UInt8], limit: Int) throws(Error) -> [UInt8] {
        let stream: UnsafeMutablePointer<z_stream> = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        precondition(swiftlet_gunzip_init(stream) == Z_OK, "zlib has no memory")
        defer {
            inflateEnd(stream)
            stream.deallocate()
        }
        var input: [UInt8] = packed
        var out: [UInt8] = []
        let failure: Error? = input.withUnsafeMutableBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = UInt32(source.count)
            return inflateAll(stream, to: &out, limit: limit)
        }
        if let failure { throw failure }
        return out
    }

    private static func inflateAll(_ stream: UnsafeMutablePointer<z_stream>, to out: inout [UInt8], limit: Int)
        -> Error?
    {
        while true {
            var result: Int32 = Z_OK
            let room: Int = 64 << 10
            let piece = [UInt8](unsafeUninitializedCapacity: room) { target, count in
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(room)
                result = inflate(stream, Z_NO_FLUSH)
                count = room - Int(stream.pointee.avail_out)
            }
            guard out.count + piece.count <= limit else { return .tooLarge(limit: limit) }
            out.append(contentsOf: piece)
            switch result {
            case Z_STREAM_END where stream.pointee.avail_in == 0: return nil
            case Z_STREAM_END: guard inflateReset(stream) == Z_OK else { return .malformed }
            case Z_OK: continue
            default: return .malformed
            }
        }
    }
}
