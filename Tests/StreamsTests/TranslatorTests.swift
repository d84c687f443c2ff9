import Testing

@testable import Streams

@Suite struct TranslatorTests {
    private static let all = RemoteCommandOptions(stdin: true, stdout: true, stderr: true, tty: false)

    private func sent(_ actions: [StreamAction]) -> [UInt8] {
        actions.flatMap { action -> [UInt8] in
            if case .toServer(let bytes) = action { return bytes }
            return []
        }
    }

    @Test func `streams are opened in upstream's order, and the client hears of it`() throws {
        var translator = RemoteCommandTranslator(version: .v5, options: Self.all)
        let actions: [StreamAction] = translator.begin()
        var server = SPDYCodec()
        let frames: [SPDYFrame] = try server.receive(sent(actions))
        let names: [String] = ["error", "stdin", "stdout", "stderr"]
        #expect(
            frames
                == names.enumerated().map {
                    .synStream(
                        id: UInt32($0.offset * 2 + 1), fields: [SPDYField("streamtype", $0.element)], isLast: false)
                })
        #expect(actions.last == .toClient([0x82, 1, 1]))
    }

    @Test func `a terminal has no stderr, and can be resized`() {
        let options = RemoteCommandOptions(stdin: true, stdout: true, stderr: true, tty: true)
        #expect(options.streams == [.error, .stdin, .stdout, .resize])
    }

    @Test func `input and its end go to the stream of stdin`() throws {
        var translator = RemoteCommandTranslator(version: .v5, options: Self.all)
        var server = SPDYCodec()
        _ = try server.receive(sent(translator.begin()))
        let client: [UInt8] =
            WebSocketTests.masked(2, [0] + Array("hi".utf8)) + WebSocketTests.masked(2, [0])
            + WebSocketTests.masked(2, [1, 9]) + WebSocketTests.masked(2, [255, 0])
            + WebSocketTests.masked(2, [0, 1])
        let actions: [StreamAction] = try translator.receive(fromClient: client)
        #expect(
            try server.receive(sent(actions)) == [
                .data(id: 3, Array("hi".utf8), isLast: false), .data(id: 3, [], isLast: true),
            ])
    }

    @Test func `in v4 channel 255 means nothing`() throws {
        var translator = RemoteCommandTranslator(version: .v4, options: Self.all)
        _ = translator.begin()
        #expect(try translator.receive(fromClient: WebSocketTests.masked(2, [255, 0])).isEmpty)
    }

    @Test func `output keeps its order, and the last word ends the connection`() throws {
        var translator = RemoteCommandTranslator(version: .v5, options: Self.all)
        var server = SPDYCodec()
        _ = try server.receive(sent(translator.begin()))
        var bytes: [UInt8] = []
        for frame: SPDYFrame in [
            .synReply(id: 1, fields: [], isLast: false), .data(id: 5, [65], isLast: false),
            .data(id: 7, [66], isLast: false), .data(id: 5, [], isLast: true), .data(id: 7, [], isLast: true),
            .ping(id: 2), .data(id: 1, [123, 125], isLast: true),
        ] { bytes += server.encode(frame) }
        #expect(
            try translator.receive(fromServer: bytes) == [
                .toClient([0x82, 2, 1, 65]), .toClient([0x82, 2, 2, 66]),
                .toServer([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 2]), .toClient([0x82, 3, 3, 123, 125]),
                .toClient([0x88, 2, 3, 0xe8]), .finish,
            ])
        #expect(translator.serverClosed().isEmpty)
        #expect(try translator.receive(fromServer: server.encode(.data(id: 5, [1], isLast: false))).isEmpty)
    }

    @Test func `output behind the error channel is still given`() throws {
        var translator = RemoteCommandTranslator(version: .v5, options: Self.all)
        var server = SPDYCodec()
        _ = try server.receive(sent(translator.begin()))
        let first: [StreamAction] = try translator.receive(
            fromServer: server.encode(.data(id: 1, [123, 125], isLast: true)))
        #expect(first == [.toClient([0x82, 3, 3, 123, 125])])
        let second: [StreamAction] = try translator.receive(
            fromServer: server.encode(.data(id: 5, [65], isLast: true)) + server.encode(.reset(id: 7, status: 5)))
        #expect(second == [.toClient([0x82, 2, 1, 65]), .toClient([0x88, 2, 3, 0xe8]), .finish])
    }

    @Test func `pings are answered, and a close is a close`() throws {
        var translator = RemoteCommandTranslator(version: .v5, options: Self.all)
        _ = translator.begin()
        let bytes: [UInt8] = WebSocketTests.masked(9, [1, 2]) + WebSocketTests.masked(8, [3, 0xe8])
        #expect(
            try translator.receive(fromClient: bytes) == [
                .toClient([0x8A, 2, 1, 2]), .toClient([0x88, 2, 3, 0xe8]), .finish,
            ])
    }

    @Test func `a tunnel hands on what is in the messages`() throws {
        var tunnel = TunnelTranslator()
        let bytes: [UInt8] = WebSocketTests.masked(2, [1, 2], isFinal: false) + WebSocketTests.masked(0, [3])
        #expect(try tunnel.receive(fromClient: bytes) == [.toServer([1, 2, 3])])
        #expect(try tunnel.receive(fromServer: [4, 5]) == [.toClient([0x82, 2, 4, 5])])
        #expect(tunnel.serverClosed() == [.toClient([0x88, 2, 3, 0xe8]), .finish])
        #expect(throws: WebSocketError.self) {
            var other = TunnelTranslator()
            _ = try other.receive(fromClient: WebSocketTests.masked(1, [1]))
        }
    }

    @Test func `the old port-forward protocol announces ports, and pairs streams`() throws {
        var translator = PortForwardTranslator(ports: [8080])
        let actions: [StreamAction] = translator.begin()
        var server = SPDYCodec()
        let frames: [SPDYFrame] = try server.receive(sent(actions))
        func fields(_ type: String) -> [SPDYField] {
            [SPDYField("port", "8080"), SPDYField("requestid", "0"), SPDYField("streamtype", type)]
        }
        #expect(
            frames == [
                .synStream(id: 1, fields: fields("error"), isLast: false),
                .synStream(id: 3, fields: fields("data"), isLast: false), .data(id: 1, [], isLast: true),
            ])
        #expect(actions.contains(.toClient([0x82, 3, 0, 0x90, 0x1f])))
        #expect(actions.contains(.toClient([0x82, 3, 1, 0x90, 0x1f])))
        let input: [StreamAction] = try translator.receive(fromClient: WebSocketTests.masked(2, [0, 7]))
        #expect(try server.receive(sent(input)) == [.data(id: 3, [7], isLast: false)])
        let output: [StreamAction] = try translator.receive(
            fromServer: server.encode(.data(id: 1, [69], isLast: true)) + server.encode(.data(id: 3, [8], isLast: true))
        )
        #expect(
            output == [
                .toClient([0x82, 2, 1, 69]), .toClient([0x82, 2, 0, 8]), .toClient([0x88, 2, 3, 0xe8]), .finish,
            ])
    }

    @Test func `base64 channels are texts that begin with a digit`() throws {
        var translator = RemoteCommandTranslator(version: .v4Base64, options: Self.all)
        var server = SPDYCodec()
        let begin: [StreamAction] = translator.begin()
        _ = try server.receive(sent(begin))
        #expect(begin.last == .toClient(WebSocketWriter.text(Array("1".utf8))))
        let input: [UInt8] = ["0aGk=", "0", "0!!!!", "0abc", "9aGk=", "xaGk="].flatMap {
            WebSocketTests.masked(1, Array($0.utf8))
        }
        let actions: [StreamAction] = try translator.receive(fromClient: input)
        #expect(try server.receive(sent(actions)) == [.data(id: 3, Array("hi".utf8), isLast: false)])
        let output: [StreamAction] = try translator.receive(
            fromServer: server.encode(.data(id: 5, [0, 255, 7, 8], isLast: false)))
        #expect(output == [.toClient(WebSocketWriter.text(Array("1AP8HCA==".utf8)))])
    }

    @Test func `in v1 a terminal cannot be resized, and the kubelet speaks v1, too`() throws {
        let options = RemoteCommandOptions(stdin: true, stdout: true, stderr: false, tty: true)
        var translator = RemoteCommandTranslator(version: .v1, options: options)
        var server = SPDYCodec()
        #expect(try server.receive(sent(translator.begin())).count == 3)
        let resize: [UInt8] = WebSocketTests.masked(2, [4] + Array(#"{"Width":1}"#.utf8))
        #expect(try translator.receive(fromClient: resize).isEmpty)
        #expect(ChannelProtocol.v1.backend == "channel.k8s.io" && ChannelProtocol.v1Base64.framing == .base64)
        #expect(ChannelProtocol.best(of: ["base64.channel.k8s.io", "channel.k8s.io"]) == .v1)
        #expect(ChannelProtocol.best(of: ["v9.channel.k8s.io"]) == nil)
    }

    @Test func `ports are forwarded in base64, too`() throws {
        var translator = PortForwardTranslator(ports: [8080], framing: .base64)
        var server = SPDYCodec()
        let begin: [StreamAction] = translator.begin()
        _ = try server.receive(sent(begin))
        #expect(begin.contains(.toClient(WebSocketWriter.text(Array("0kB8=".utf8)))))
        let input: [StreamAction] = try translator.receive(fromClient: WebSocketTests.masked(1, Array("0Bw==".utf8)))
        #expect(try server.receive(sent(input)) == [.data(id: 3, [7], isLast: false)])
    }
}
