import Codec
import Testing

/// A message that contains itself, which no generated type does.
private struct Nested: ProtobufCodable, Equatable {
    var depth: Int = 0

    init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        while true {
            switch try reader.nextField() {
            case 0: return
            case 1:
                let inner: Nested = try reader.message()
                depth = inner.depth + 1
            default: try reader.skip()
            }
        }
    }

    func write(protobuf writer: inout ProtobufWriter) {}
}

struct ProtobufReaderTests {
    private func nested(_ levels: Int) -> [UInt8] {
        var writer = ProtobufWriter(capacity: 16)
        for _ in 0..<levels { writer.header(field: 1, since: 0) }
        return writer.finish()
    }

    @Test func `nesting is bounded`() throws {
        #expect(try ProtobufReader.decode(Nested.self, from: nested(100)).depth == 100)
        let error = #expect(throws: ProtobufError.self) {
            try ProtobufReader.decode(Nested.self, from: nested(101))
        }
        #expect(error?.kind == .tooDeep)
    }

    @Test func `integers take their full range and no more`() throws {
        var writer = ProtobufWriter()
        writer.int(Int.min, field: 4)
        writer.int(-1, field: 3)
        writer.varint(.max, field: 2)
        writer.double(-0.5, field: 1)
        var reader = ProtobufReader(writer.finish())
        #expect(try reader.nextField() == 1)
        #expect(try reader.double() == -0.5)
        #expect(try reader.nextField() == 2)
        #expect(try reader.varint() == .max)
        #expect(try reader.nextField() == 3)
        #expect(try reader.int32() == -1)
        #expect(try reader.nextField() == 4)
        #expect(try reader.int64() == Int.min)
        #expect(try reader.nextField() == 0)

        let tooLong: [UInt8] = [0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x02]
        var overflowing = ProtobufReader(tooLong)
        #expect(try overflowing.nextField() == 1)
        do {
            _ = try overflowing.int64()
            Issue.record("65 bits were read")
        } catch {
            #expect(error.kind == .varintOverflow)
        }
    }

    @Test func `lengths and field numbers are checked`() {
        func kind(_ bytes: [UInt8]) -> ProtobufError.Kind? {
            do throws(ProtobufError) {
                _ = try ProtobufReader.decode(Nested.self, from: bytes)
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(kind([0x0A, 0x05, 0x00]) == .lengthOutOfBounds)
        #expect(kind([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]) == .lengthOutOfBounds)
        #expect(kind([0x00]) == .invalidFieldNumber)
        #expect(kind([0x08, 0x01]) == .unexpectedWireType(0, field: 1))
        #expect(kind([0x80]) == .truncated)
        #expect(kind([0x11, 0x01]) == .truncated)
        // A nested length may not reach beyond its own message, even where bytes follow.
        #expect(kind([0x0A, 0x02, 0x0A, 0x01, 0x00]) == .lengthOutOfBounds)
    }
}
