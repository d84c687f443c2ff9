import NIOCore
import NIOEmbedded
import Testing

@testable import CRIClient

@Suite struct PingAnsweringTests {
    private static let settings: [UInt8] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]
    private static let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    private static let pong: [UInt8] = [0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    /// Its payload looks like a ping, which it must not be taken for.
    private static let data: [UInt8] = [0, 0, 17, 0, 0, 0, 0, 0, 1] + ping

    @Test(arguments: [1, 2, 7, 9, 10, 16, 17, 18, 1_000])
    func `pings are answered and nothing else is touched, however the bytes arrive`(size: Int) throws {
        let channel = EmbeddedChannel(handler: PingAnswering())
        defer { _ = try? channel.finish() }
        let input = Self.settings + Self.ping + Self.data + Self.pong + Self.ping + Self.ping
        for start in stride(from: 0, to: input.count, by: size) {
            try channel.writeInbound(ByteBuffer(bytes: input[start..<min(start + size, input.count)]))
        }
        var forwarded: [UInt8] = []
        while let buffer = try channel.readInbound(as: ByteBuffer.self) { forwarded += Array(buffer.readableBytesView) }
        var answered: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { answered += Array(buffer.readableBytesView) }
        #expect(forwarded == Self.settings + Self.data + Self.pong)
        #expect(answered == Self.pong + Self.pong + Self.pong)
    }
}
