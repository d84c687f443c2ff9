import NIOCore
import Testing

@testable import HTTPServer

@Suite struct EarlyAcknowledgementTests {
    private static let magic: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let acknowledgement: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
    }

    /// What comes out when the bytes come in pieces of this size, and whether the search is over.
    private static func pass(_ bytes: [UInt8], pieces: Int) -> (output: [UInt8], isDone: Bool) {
        var machine = EarlyAcknowledgement()
        var output = ByteBuffer()
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            var piece = ByteBuffer(bytes: rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            machine.receive(&piece, into: &output)
        }
        return (Array(output.readableBytesView), machine.isDone)
    }

    @Test(arguments: [1, 2, 3, 8, 9, 10, 24, 33, 1000])
    func `our settings hold from the client's first frame on, however the bytes come`(pieces: Int) {
        let settings: [UInt8] = Self.frame(4, [0, 3, 0, 0, 0, 100])
        let head: [UInt8] = Self.frame(1, flags: 5, stream: 1, [0x82, 0x84, 0x87])
        let after: [UInt8] = Self.frame(6, [1, 2, 3, 4, 5, 6, 7, 8]) + Self.frame(4, flags: 1)
        let sent: [UInt8] = Self.magic + settings + head + Self.acknowledgement + after
        let (output, isDone) = Self.pass(sent, pieces: pieces)
        #expect(output == Self.magic + settings + Self.acknowledgement + head + after)
        #expect(isDone)
    }

    @Test func `settings without content count, and a client that acknowledges nothing is passed on`() {
        let empty: [UInt8] = Self.frame(4)
        let head: [UInt8] = Self.frame(1, flags: 5, stream: 1, [0x82])
        let (output, isDone) = Self.pass(Self.magic + empty + head, pieces: 7)
        #expect(output == Self.magic + empty + Self.acknowledgement + head)
        #expect(!isDone)
    }

    @Test func `an acknowledgement with content is left to be found wrong`() {
        let wrong: [UInt8] = Self.frame(4, flags: 1, [9])
        let (output, isDone) = Self.pass(Self.magic + Self.frame(4) + wrong, pieces: 5)
        #expect(output == Self.magic + Self.frame(4) + Self.acknowledgement + wrong)
        #expect(isDone)
    }
}
