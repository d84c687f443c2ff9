import CZlib

/// A zlib stream for field blocks, with SPDY's dictionary.
struct Deflater: ~Copyable {
    /// On the heap: zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        precondition(swiftlet_deflate_init(stream) == Z_OK, "zlib has no memory")
        deflateSetDictionary(stream, SPDYDictionary.bytes, UInt32(SPDYDictionary.bytes.count))
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// The compressed block of some fields: a count, then each name and value behind its length.
    func block(_ fields: [SPDYField]) -> [UInt8] {
        var plain: [UInt8] = []
        Self.append(fields.count, to: &plain)
        for field in fields {
            Self.append(field.name.utf8.count, to: &plain)
            plain += Array(field.name.lowercased().utf8)
            Self.append(field.value.utf8.count, to: &plain)
            plain += Array(field.value.utf8)
        }
        return compress(plain)
    }

    private func compress(_ plain: [UInt8]) -> [UInt8] {
        var input: [UInt8] = plain
        var out = [UInt8](repeating: 0, count: plain.count + plain.count / 10 + 64)
        let count: Int = input.withUnsafeMutableBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = source.baseAddress
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(target.count)
                let result: Int32 = deflate(stream, Z_SYNC_FLUSH)
                precondition(result == Z_OK && stream.pointee.avail_in == 0, "zlib did not take the fields")
                return target.count - Int(stream.pointee.avail_out)
            }
        }
        return Array(out.prefix(count))
    }

    private static func append(_ number: Int, to out: inout [UInt8]) {
        for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

/// The other direction.
struct Inflater: ~Copyable {
    /// What a field block may unpack to: a bound against decompression bombs.
    private static let blockLimit: Int = 1024 * 1024

    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        precondition(swiftlet_inflate_init(stream) == Z_OK, "zlib has no memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func fields(_ block: [UInt8], limit: Int) throws(SPDYError) -> [SPDYField] {
        let plain: [UInt8] = try expand(block)
        var offset: Int = 0
        let count: Int = try Self.number(plain, &offset)
        guard count <= limit else { throw .violation("\(count) fields are too many") }
        var fields: [SPDYField] = []
        for _ in 0..<count {
            let name: String = try Self.text(plain, &offset)
            fields.append(SPDYField(name, try Self.text(plain, &offset)))
        }
        return fields
    }

    private func expand(_ block: [UInt8]) throws(SPDYError) -> [UInt8] {
        var input: [UInt8] = block
        var out: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let isGood: Bool = input.withUnsafeMutableBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = UInt32(source.count)
            repeat {
                var result: Int32 = Z_OK
                let count: Int = chunk.withUnsafeMutableBufferPointer { target in
                    stream.pointee.next_out = target.baseAddress
                    stream.pointee.avail_out = UInt32(target.count)
                    result = inflate(stream, Z_SYNC_FLUSH)
                    if result == Z_NEED_DICT {
                        inflateSetDictionary(stream, SPDYDictionary.bytes, UInt32(SPDYDictionary.bytes.count))
                        result = inflate(stream, Z_SYNC_FLUSH)
                    }
                    return target.count - Int(stream.pointee.avail_out)
                }
                out += chunk.prefix(count)
                if out.count > Self.blockLimit { return false }
                // Z_BUF_ERROR only says that there was nothing left to do.
                if result == Z_BUF_ERROR { break }
                if result != Z_OK { return false }
            } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
            return true
        }
        guard isGood else { throw .violation("a field block cannot be unpacked") }
        return out
    }

    private static func number(_ bytes: [UInt8], _ offset: inout Int) throws(SPDYError) -> Int {
        guard bytes.count - offset >= 4 else { throw .violation("a field block ends early") }
        var value: Int = 0
        for index in 0..<4 { value = value << 8 | Int(bytes[offset + index]) }
        offset += 4
        return value
    }

    private static func text(_ bytes: [UInt8], _ offset: inout Int) throws(SPDYError) -> String {
        let count: Int = try number(bytes, &offset)
        guard count <= bytes.count - offset else { throw .violation("a field block ends early") }
        defer { offset += count }
        return String(decoding: bytes[offset..<(offset + count)], as: UTF8.self)
    }
}
