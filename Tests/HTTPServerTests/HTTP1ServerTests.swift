import HTTPServer
import Synchronization
import Testing

/// A running server on a port of its own.
func withServer<R>(
    tls: (any TLSIdentitySource)? = nil, handler: any HTTPHandler,
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    _ body: (Int, HTTPServer) async throws -> R
) async throws -> R {
    let loops: EventLoops = EventLoops(count: 1)
    var configuration: HTTPServerConfiguration = HTTPServerConfiguration(host: "127.0.0.1", port: 0)
    configure(&configuration)
    let server: HTTPServer = HTTPServer(configuration: configuration, loops: loops, tls: tls, handler: handler)
    let port: Int = try await server.start()
    let result: Result<R, any Error>
    do { result = .success(try await body(port, server)) } catch { result = .failure(error) }
    await server.shutdown(within: .zero)
    await loops.shutdown()
    return try result.get()
}

/// Answers `method target bodyCount`.
let echo: HTTPClosureHandler = HTTPClosureHandler { request, responder in
    responder.respond(status: 200, body: Array("\(request.method) \(request.target) \(request.body.count)".utf8))
}

@Suite(.serialized) struct HTTP1ServerTests {
    @Test func `requests of one connection are answered in order, also when they are pipelined`() async throws {
        try await withServer(handler: echo) { port, server in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.read(through: "GET /1 0").contains("content-length: 8\r\n"))
            client.send(
                "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                    + "GET /3 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            #expect(client.read(through: "POST /2 3").hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(client.read(through: "GET /3 0").hasPrefix("HTTP/1.1 200 OK\r\n"))
            client.send("GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let last: String = try #require(client.readToEnd())
            #expect(!last.contains("HEAD /4"))
            #expect(last.contains("connection: close\r\n"))
            #expect(last.hasSuffix("GET /5 0"))
            #expect(server.metrics.reading.requests == 5)
            #expect(server.metrics.reading.requestsInFlight == 0)
        }
    }

    @Test func `late answers keep their order, and pipelined bytes wait`() async throws {
        let held: Mutex<[HTTPResponder]> = Mutex([])
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            if request.target == "/late" {
                held.withLock { $0.append(responder) }
            } else {
                let waiting: [HTTPResponder] = held.withLock { $0 }
                #expect(waiting.isEmpty, "a pipelined request was handled before its turn")
                responder.respond(status: 200, body: Array("now".utf8))
            }
        }
        try await withServer(handler: handler) { port, server in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n")
            while held.withLock({ $0.isEmpty }) { await Task.yield() }
            let responder: HTTPResponder? = held.withLock { $0.popLast() }
            responder?.respond(status: 200, body: Array("late".utf8))
            #expect(client.read(through: "late").hasSuffix("late"))
            #expect(client.read(through: "now").hasSuffix("now"))
        }
    }

    @Test func `a body above the limit gets 413, told or chunked`() async throws {
        try await withServer(handler: echo, configure: { $0.bodyLimit = 10 }) { port, _ in
            let told: LoopbackClient = LoopbackClient(port: port)
            told.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
            #expect(told.readToEnd()?.hasPrefix("HTTP/1.1 413 ") == true)
            let chunked: LoopbackClient = LoopbackClient(port: port)
            chunked.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n")
            #expect(chunked.readToEnd()?.hasPrefix("HTTP/1.1 413 ") == true)
            let small: LoopbackClient = LoopbackClient(port: port)
            small.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
            #expect(small.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            small.send("0123456789")
            #expect(small.read(through: "POST / 10").hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `a slow head, a slow body and an idle connection are cut`() async throws {
        let configure: (inout HTTPServerConfiguration) -> Void = {
            $0.headTimeout = .milliseconds(50)
            $0.bodyTimeout = .milliseconds(50)
            $0.idleTimeout = .milliseconds(50)
            $0.sweepInterval = .milliseconds(20)
        }
        try await withServer(handler: echo, configure: configure) { port, _ in
            let slowHead: LoopbackClient = LoopbackClient(port: port)
            slowHead.send("GET / HTTP/1.1\r\nHost")
            #expect(slowHead.readToEnd()?.hasPrefix("HTTP/1.1 408 ") == true)
            let slowBody: LoopbackClient = LoopbackClient(port: port)
            slowBody.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
            #expect(slowBody.readToEnd()?.hasPrefix("HTTP/1.1 408 ") == true)
            let idle: LoopbackClient = LoopbackClient(port: port)
            #expect(idle.readToEnd() == "")
        }
    }

    @Test func `a streamed body is chunked, and the handler hears when the client leaves`() async throws {
        let reasons: Mutex<[HTTPCloseReason]> = Mutex([])
        let writers: Mutex<[HTTPBodyWriter]> = Mutex([])
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            guard let writer = responder.stream(status: 200, fields: ["Content-Type": "x/y"]) else { return }
            writer.onClose { reason in reasons.withLock { $0.append(reason) } }
            writer.write(Array("one".utf8))
            writer.write(Array("two".utf8))
            if request.target == "/whole" { writer.finish() } else { writers.withLock { $0.append(writer) } }
        }
        try await withServer(handler: handler) { port, server in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n")
            let whole: String = client.read(through: "\r\n0\r\n\r\n")
            #expect(whole.contains("transfer-encoding: chunked\r\n"))
            // Both writes of one turn make one chunk.
            #expect(whole.hasSuffix("\r\n\r\n6\r\nonetwo\r\n0\r\n\r\n"))
            client.send("GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.read(through: "onetwo\r\n").hasSuffix("6\r\nonetwo\r\n"))
            client.hangUp()
            var turns: Int = 0
            while reasons.withLock({ $0.isEmpty }), turns < 5_000_000 {
                turns += 1
                await Task.yield()
            }
            #expect(reasons.withLock { $0 } == [.clientGone])
            #expect(writers.withLock { $0[0].write([1]) } == .closed)
            #expect(server.metrics.reading.requestsInFlight == 0)
        }
    }

    @Test func `a client that does not read fills the buffer up to its bound and is cut`() async throws {
        let full: Mutex<(held: Int, reason: HTTPCloseReason?)> = Mutex((0, nil))
        let handler: HTTPClosureHandler = HTTPClosureHandler { _, responder in
            guard let writer = responder.stream(status: 200) else { return }
            writer.onClose { reason in full.withLock { $0.reason = reason } }
            let piece: [UInt8] = [UInt8](repeating: 0x61, count: 100_000)
            @Sendable func fill() {
                while writer.write(piece) == .accepted {
                    if !writer.isWritable { return writer.whenWritable { fill() } }
                }
                full.withLock { $0.held = writer.bufferedBytes }
            }
            fill()
        }
        let configure: (inout HTTPServerConfiguration) -> Void = {
            $0.writeStallTimeout = .milliseconds(200)
            $0.sweepInterval = .milliseconds(50)
        }
        try await withServer(handler: handler, configure: configure) { port, _ in
            let client: LoopbackClient = LoopbackClient(port: port, receiveBuffer: 4096)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            var turns: Int = 0
            while full.withLock({ $0.reason == nil }), turns < 20_000_000 {
                turns += 1
                await Task.yield()
            }
            #expect(full.withLock { $0.reason } == .stalled)
            client.hangUp()
        }
    }

    @Test func `an upgraded connection echoes, keeps early bytes, and closes each way`() async throws {
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            guard let name = request.requestedUpgrade,
                let raw = responder.upgrade(fields: ["Upgrade": name])
            else { return responder.respond(status: 400) }
            Task {
                while let bytes = await raw.read() {
                    await raw.write(bytes)
                }
                await raw.write(Array("bye".utf8))
                raw.closeWrite()
                _ = await raw.read()
            }
        }
        try await withServer(handler: handler, configure: { $0.rawReadLimit = 1000 }) { port, _ in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send(
                "POST /exec HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                    + "Content-Length: 0\r\n\r\nearly"
            )
            let head: String = client.read(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            #expect(head.contains("upgrade: SPDY/3.1\r\n"))
            #expect(head.contains("connection: Upgrade\r\n"))
            #expect(client.read(through: "early") == "early")
            let long: String = String(repeating: "x", count: 200_000)
            client.send(long)
            client.send("!")
            #expect(client.read(through: "!").utf8.count == long.utf8.count + 1)
            client.shutdownWrite()
            #expect(client.readToEnd() == "bye")
        }
    }

    @Test func `a large answer arrives whole, and a dropped responder answers 500`() async throws {
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            guard request.target == "/large" else { return }
            responder.respond(status: 200, body: [UInt8](repeating: 0x62, count: 3_000_000) + [0x21])
        }
        try await withServer(handler: handler) { port, _ in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /dropped HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = client.read(through: "content-length: 3000001\r\n\r\n")
            #expect(client.read(through: "!").utf8.count == 3_000_001)
            #expect(client.read(through: "given").hasPrefix("HTTP/1.1 500 "))
        }
    }

    @Test func `shutdown lets a request finish, and cuts it at the deadline`() async throws {
        let held: Mutex<[HTTPResponder]> = Mutex([])
        let handler: HTTPClosureHandler = HTTPClosureHandler { _, responder in held.withLock { $0.append(responder) } }
        try await withServer(handler: handler) { port, server in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while held.withLock({ $0.isEmpty }) { await Task.yield() }
            async let stopped: Void = server.shutdown(within: .seconds(5))
            held.withLock { $0.popLast() }?.respond(status: 200, body: Array("done".utf8))
            #expect(client.readToEnd()?.hasSuffix("done") == true)
            await stopped
        }
        try await withServer(handler: handler) { port, server in
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while held.withLock({ $0.isEmpty }) { await Task.yield() }
            await server.shutdown(within: .milliseconds(20))
            #expect(client.readToEnd() == "")
            #expect(held.withLock { $0[0].isClosed })
        }
    }

    @Test func `a cancelled run stops the server, and its port is free again`() async throws {
        let loops: EventLoops = EventLoops(count: 1)
        let server: HTTPServer = HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), loops: loops, handler: echo)
        let port: Int = try await server.start()
        await #expect(throws: HTTPServerError.self) { try await server.start() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let client: LoopbackClient = LoopbackClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.read(through: "GET / 0").hasPrefix("HTTP/1.1 200 "))
            group.cancelAll()
            #expect(client.readToEnd() == "")
            try await group.waitForAll()
        }
        let next: HTTPServer = HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: port), loops: loops, handler: echo)
        #expect(try await next.start() == port)
        let clash: HTTPServer = HTTPServer(
            configuration: HTTPServerConfiguration(host: "192.0.2.1", port: port), loops: loops, handler: echo)
        let error: HTTPServerError? = await #expect(throws: HTTPServerError.self) { try await clash.start() }
        #expect(error?.message.hasPrefix("failed to listen on 192.0.2.1:\(port): ") == true)
        await next.shutdown(within: .zero)
        await loops.shutdown()
    }
}
