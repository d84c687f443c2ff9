import APICore
import CRI
import Foundation
import HTTPServer
import StreamConnections
import Streams
import Synchronization
import Testing

@testable import APIServerStreams

/// From a client's socket through API server and kubelet to a runtime's streaming server, and back.
@Suite(.serialized) struct EndToEndTests {
    private static let all: String = "container=c&command=sh&command=-c&stdin=true&stdout=true&stderr=true"

    /// The messages of a WebSocket server up to its close.
    private func messages(_ connection: OutgoingConnection) async throws -> [WebSocketMessage] {
        var reader = WebSocketReader(expectsMask: false)
        var found: [WebSocketMessage] = []
        while let bytes = await connection.read() {
            found += try reader.receive(bytes)
            if case .close = found.last { break }
        }
        return found
    }

    // MARK: - exec

    @Test(arguments: ["v5.channel.k8s.io", "v4.channel.k8s.io"])
    func `exec over WebSocket carries input, output and status`(version: String) async throws {
        try await withCluster { cluster in
            let exchange: BackendExchange = try await cluster.websocket("\(Cluster.exec)?\(Self.all)", version)
            #expect(exchange.head.status == 101)
            #expect(exchange.head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(exchange.head["sec-websocket-protocol"] == version)
            let client: OutgoingConnection = exchange.connection
            _ = await client.write(WebSocketTests.masked(2, [0] + Array("hello".utf8)))
            if version == "v5.channel.k8s.io" {
                _ = await client.write(WebSocketTests.masked(2, [255, 0]))
                let found: [WebSocketMessage] = try await messages(client)
                #expect(
                    found == [
                        .binary([1]), .binary([1] + Array("hello".utf8)), .binary([2] + Array("bye".utf8)),
                        .binary([3] + Array(FakeStreamingServer.success.utf8)), .close(code: 1000),
                    ])
            } else {
                // v4 has no way to end standard input.
                let text: String = await readText(client, until: "hello")
                #expect(text.contains("hello"))
            }
            let asked = cluster.runtime.state.withLock { $0.execs.last }
            #expect(asked?.cmd == ["sh", "-c"])
            #expect(asked?.containerId == "id-c")
            #expect(asked?.stdin == true && asked?.stderr == true && asked?.tty == false)
        }
    }

    @Test func `megabytes go through whole, both ways`() async throws {
        try await withCluster { cluster in
            let exchange: BackendExchange = try await cluster.websocket(
                "\(Cluster.exec)?\(Self.all)", "v5.channel.k8s.io")
            let client: OutgoingConnection = exchange.connection
            let piece: [UInt8] = (0..<32_768).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            async let sent: Void = {
                for _ in 0..<128 { _ = await client.write(WebSocketTests.masked(2, [0] + piece)) }
                _ = await client.write(WebSocketTests.masked(2, [255, 0]))
            }()
            var output: [UInt8] = []
            for message in try await messages(client) {
                if case .binary(let bytes) = message, bytes[0] == 1 { output += bytes.dropFirst() }
            }
            await sent
            #expect(output.count == 128 * piece.count)
            #expect(output.prefix(piece.count).elementsEqual(piece) && output.suffix(piece.count).elementsEqual(piece))
        }
    }

    @Test func `exec over SPDY passes byte for byte`() async throws {
        try await withCluster { cluster in
            let exchange: BackendExchange = try await cluster.open(
                "POST", "\(Cluster.exec)?\(Self.all)&tty=true",
                [
                    ("connection", "Upgrade"), ("upgrade", "SPDY/3.1"),
                    ("x-stream-protocol-version", "v4.channel.k8s.io"),
                    ("x-stream-protocol-version", "v3.channel.k8s.io"),
                ])
            #expect(exchange.head.status == 101)
            #expect(exchange.head["x-stream-protocol-version"] == "v4.channel.k8s.io")
            var codec = SPDYCodec()
            var opening: [UInt8] = []
            for (index, name) in ["error", "stdin", "stdout", "resize"].enumerated() {
                opening += codec.encode(
                    .synStream(id: UInt32(index * 2 + 1), fields: [SPDYField("streamtype", name)], isLast: false))
            }
            opening += codec.encode(.data(id: 7, [1], isLast: false)) + codec.encode(.data(id: 3, [2], isLast: true))
            _ = await exchange.connection.write(opening)
            var frames: [SPDYFrame] = []
            while let bytes = await exchange.connection.read() { frames += try codec.receive(bytes) }
            #expect(frames.contains(.data(id: 5, Array("resized:".utf8) + [1], isLast: false)))
            #expect(frames.contains(.data(id: 5, [2], isLast: false)))
            #expect(frames.contains(.data(id: 1, Array(FakeStreamingServer.success.utf8), isLast: false)))
            #expect(frames.last == .goAway)
            #expect(cluster.runtime.state.withLock { $0.execs.last?.tty } == true)
            #expect(cluster.runtime.state.withLock { $0.execs.last?.stderr } == false)
        }
    }

    @Test func `a client that leaves ends the runtime's connection`() async throws {
        try await withCluster { cluster in
            let exchange: BackendExchange = try await cluster.websocket(
                "\(Cluster.exec)?\(Self.all)", "v5.channel.k8s.io")
            _ = await exchange.connection.write(WebSocketTests.masked(2, [0, 65]))
            _ = await readText(exchange.connection, until: "A")
            exchange.connection.close()
            var ends: AsyncStream<Void>.AsyncIterator = cluster.streaming.ended.makeAsyncIterator()
            #expect(await ends.next() != nil)
        }
    }

    // MARK: - Refusals

    @Test func `refusals have upstream's codes and words`() async throws {
        try await withCluster { cluster in
            let base: String = "/api/v1/namespaces/default/pods"
            let cases: [(String, Int, String)] = [
                ("/web/log?container=x", 400, "container x is not valid for pod web"),
                ("/two/log", 400, "a container name must be specified for pod two, choose one of: [c d]"),
                ("/none/log", 404, "pods \\\"none\\\" not found"),
                ("/web/log?tailLines=-1", 422, "must be greater than or equal to 0"),
                ("/web/log?tailLines=x", 400, "invalid syntax"),
                ("/web/log?previous=true", 400, "previous terminated container \\\"c\\\" in pod \\\"web\\\" not found"),
                ("/stray/log", 404, "the server could not find the requested resource"),
                ("/lost/log", 500, "dial tcp 127.0.0.1:1: connect: connection refused"),
                ("/nowhere/exec?stdout=true", 400, "pod nowhere does not have a host assigned"),
                ("/web/exec?container=x", 400, "container x is not valid for pod web"),
                ("/web/exec?command=a", 400, "Upgrade request required"),
            ]
            for (target, code, words) in cases {
                let answer = try await cluster.get(base + target)
                #expect(answer.code == code, "\(target): \(answer.body)")
                #expect(answer.body.contains(words), "\(target): \(answer.body)")
            }
            let empty = try await cluster.get(base + "/nowhere/log")
            #expect(empty.code == 200 && empty.body.isEmpty)
        }
    }

    @Test func `what the backend refuses comes to each client in its own way`() async throws {
        try await withCluster { cluster in
            cluster.runtime.set { $0.isRunning = false }
            let target: String = "\(Cluster.exec)?\(Self.all)"
            let modern: BackendExchange = try await cluster.websocket(target, "v5.channel.k8s.io")
            #expect(modern.head.status == 101)
            let found: [WebSocketMessage] = try await messages(modern.connection)
            guard case .binary(let bytes) = found.first else {
                Issue.record("no message")
                return
            }
            #expect(bytes.first == 3)
            #expect(String(decoding: bytes, as: UTF8.self).contains("container not found (\\\"c\\\")"))
            let old: BackendExchange = try await cluster.websocket(target, "v4.channel.k8s.io")
            #expect(old.head.status == 500)
            let spdy: BackendExchange = try await cluster.open(
                "POST", target, [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")])
            #expect(spdy.head.status == 500)
            #expect(String(decoding: await spdy.wholeBody(limit: 1000), as: UTF8.self) == "container not found (\"c\")")
            let lost: BackendExchange = try await cluster.open(
                "POST", "/api/v1/namespaces/default/pods/lost/exec?stdout=1",
                [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")])
            #expect(lost.head.status == 500)
            #expect(
                String(decoding: await lost.wholeBody(limit: 1000), as: UTF8.self)
                    .contains("error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused"))
            let unknown: BackendExchange = try await cluster.websocket(target, "v9.channel.k8s.io")
            #expect(unknown.head.status == 400)
        }
    }

    @Test func `the kubelet lets in whom its gate allows`() async throws {
        try await withCluster { cluster in
            let anonymous = BackendTLS(authorities: cluster.tls.authorities)
            #expect(try await cluster.kubelet("/pods", tls: anonymous).code == 401)
            let bad: [(String, String)] = [("authorization", "Bearer bad")]
            #expect(try await cluster.kubelet("/pods", tls: anonymous, fields: bad).code == 401)
            let good: [(String, String)] = [("authorization", "Bearer good")]
            let forbidden = try await cluster.kubelet("/pods", tls: anonymous, fields: good)
            #expect(forbidden.code == 403)
            #expect(forbidden.body == "Forbidden (user=good, verb=get, resource=nodes, subresource=proxy)")
            let metrics = try await cluster.kubelet("/metrics/resource", tls: anonymous, fields: good)
            #expect(metrics.code == 200)
            #expect(
                metrics.body.contains(
                    "usage_seconds_total{container=\"c\",namespace=\"default\",pod=\"web\"} 1.5 1700000000000"
                ))
            #expect(try await cluster.kubelet("/healthz").body == "ok")
            let pods = try await cluster.kubelet("/pods")
            #expect(pods.body.contains("\"name\":\"web\""))
            let summary = try await cluster.kubelet("/stats/summary")
            #expect(summary.body.contains("\"usageCoreNanoSeconds\":1500000000"))
            #expect(try await cluster.kubelet("/nothing").code == 404)
        }
    }

    @Test func `a backend that does not answer is given up`() async throws {
        let kept: Mutex<[HTTPResponder]> = Mutex([])
        let silent = HTTPClosureHandler { _, responder in kept.withLock { $0.append(responder) } }
        try await withServer(silent) { port in
            let connection: OutgoingConnection = try await StreamClient.connect(port: port)
            await #expect(throws: DialError("net/http: timeout awaiting response headers")) {
                _ = try await BackendExchange.open(
                    BackendRequest(method: "GET", target: "/", host: "x"), on: connection,
                    timeout: .milliseconds(50))
            }
        }
    }

    // MARK: - Port-forward

    @Test func `port-forward goes through a tunnel, plain SPDY and the old channels`() async throws {
        try await withCluster { cluster in
            let target: String = "/api/v1/namespaces/default/pods/web/portforward"
            func opening(_ codec: inout SPDYCodec) -> [UInt8] {
                var bytes: [UInt8] = []
                for (id, type) in [(1, "error"), (3, "data")] {
                    let fields: [SPDYField] = [
                        SPDYField("streamtype", type), SPDYField("port", "80"), SPDYField("requestid", "0"),
                    ]
                    bytes += codec.encode(.synStream(id: UInt32(id), fields: fields, isLast: false))
                }
                return bytes + codec.encode(.data(id: 3, Array("ping".utf8), isLast: false))
            }
            let tunnel: BackendExchange = try await cluster.websocket(target, TunnelTranslator.portForward)
            #expect(tunnel.head["sec-websocket-protocol"] == "SPDY/3.1+portforward.k8s.io")
            var codec = SPDYCodec()
            _ = await tunnel.connection.write(WebSocketTests.masked(2, opening(&codec)))
            #expect(await readText(tunnel.connection, until: "80:ping").contains("80:ping"))
            let plain: BackendExchange = try await cluster.open(
                "POST", target,
                [
                    ("connection", "Upgrade"), ("upgrade", "SPDY/3.1"),
                    ("x-stream-protocol-version", "portforward.k8s.io"),
                ])
            var other = SPDYCodec()
            _ = await plain.connection.write(opening(&other))
            #expect(await readText(plain.connection, until: "80:ping").contains("80:ping"))
            let old: BackendExchange = try await cluster.websocket(target + "?ports=80", "v4.channel.k8s.io")
            _ = await old.connection.write(WebSocketTests.masked(2, [0] + Array("ping".utf8)))
            #expect(await readText(old.connection, until: "80:ping").contains("80:ping"))
        }
    }

    // MARK: - Logs

    @Test func `a log is followed until its container ends, also across a rotation`() async throws {
        try await withLogFile { path in
            try write("2016-10-06T00:17:09.1Z stdout F one\n2016-10-06T00:17:09.2Z stderr F two\n", to: path)
            try await withCluster { cluster in
                cluster.runtime.set { $0.logPath = path }
                let target: String = "/api/v1/namespaces/default/pods/web/log"
                #expect(try await cluster.get(target).body == "one\ntwo\n")
                #expect(
                    try await cluster.get(target + "?tailLines=1&timestamps=true").body
                        == "2016-10-06T00:17:09.200000000Z two\n")
                let follow: BackendExchange = try await cluster.open("GET", target + "?follow=true&tailLines=1")
                #expect(follow.head.status == 200)
                #expect(try await follow.nextBody() == Array("two\n".utf8))
                try write("2016-10-06T00:17:10Z stdout F three\n", to: path)
                #expect(try await follow.nextBody() == Array("three\n".utf8))
                try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
                try write("2016-10-06T00:17:11Z stdout F four\n", to: path)
                #expect(try await follow.nextBody() == Array("four\n".utf8))
                cluster.runtime.set { $0.isRunning = false }
                #expect(try await follow.nextBody() == nil)
            }
        }
    }
}
