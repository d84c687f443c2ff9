import ClusterDNS
import Synchronization
import Testing

/// The bytes of a question.
func question(
    _ name: String, _ type: RecordType = .a, id: UInt16 = 7, flags: UInt16 = 0x0100, recordClass: UInt16 = 1,
    edns: (size: UInt16, isDO: Bool, version: UInt32)? = nil
) throws -> [UInt8] {
    var message = DNSMessage()
    message.id = id
    message.flags = MessageFlags(rawValue: flags)
    message.questions = [
        DNSMessage.Question(name: try #require(DNSName(name)), type: type, recordClass: recordClass)
    ]
    if let edns {
        message.additionals = [
            ResourceRecord(
                name: DNSName(), type: .opt, recordClass: edns.size, ttl: edns.version << 16 | (edns.isDO ? 0x8000 : 0),
                data: [])
        ]
    }
    return MessageWriter(message).bytes
}

/// A record as one line: `name type data`.
func line(_ record: ResourceRecord) -> String {
    let data: [UInt8] = record.data
    let text: String
    switch record.type {
    case .a, .aaaa: text = "\(InternetAddress(bytes: data)?.description ?? "?")"
    case .cname, .ptr, .ns: text = name(data, 0)
    case .srv: text = "\(data[1]) \(data[3]) \(Int(data[4]) << 8 | Int(data[5])) \(name(data, 6))"
    case .soa: text = name(data, 0)
    case .txt: text = String(decoding: data.dropFirst(), as: UTF8.self)
    default: text = "\(data)"
    }
    let types: [RecordType: String] = [
        .a: "A", .aaaa: "AAAA", .cname: "CNAME", .ptr: "PTR", .ns: "NS", .srv: "SRV", .soa: "SOA", .txt: "TXT",
    ]
    return "\(record.name) \(types[record.type] ?? "\(record.type.rawValue)") \(text)"
}

/// The name in wire form at an offset, as text.
func name(_ data: [UInt8], _ offset: Int) -> String {
    var labels: [String] = []
    var position: Int = offset
    while data[position] != 0 {
        labels.append(String(decoding: data[position + 1..<position + 1 + Int(data[position])], as: UTF8.self))
        position += 1 + Int(data[position])
    }
    return labels.map { $0 + "." }.joined()
}

extension DNSMessage {
    var code: UInt8 { flags.code }
    var lines: [String] { answers.map(line).sorted() }
}

/// A whole server without sockets, with `String`s for clients.
final class Server {
    var engine: DNSEngine<String>
    var now: Duration = .seconds(100)

    init(upstreams: [String] = [], settings: Forwarder<String>.Settings = .init(), cache: AnswerCache = AnswerCache())
        throws
    {
        var zone = ClusterZone.Configuration(domain: try #require(DNSName("cluster.local")))
        zone.serverAddresses = [try address("10.96.0.10")]
        zone.ownRanges = ["10.96.0.0/16", "10.244.0.0/16"].compactMap { IPPrefix($0) }
        // Not random: tests repeat.
        let counter = Counter()
        engine = DNSEngine(
            zone: ClusterZone(zone), forwarder: Forwarder(settings, cache: cache, random: { counter.next() }))
        engine.forwarder.setUpstreams(try upstreams.map { Upstream(try address($0)) }, now: now)
        _ = engine.takeActions()
    }

    func apply(_ changes: ZoneChange...) -> [ZoneUpdate] {
        for change in changes { engine.zone.apply(change) }
        return engine.zone.settle()
    }

    func send(_ bytes: [UInt8], from client: String = "c", isStream: Bool = false) -> DNSEngine<String>.Outcome {
        engine.receive(bytes.span, from: client, isStream: isStream, now: now)
    }

    /// What is answered at once.
    func answer(_ bytes: [UInt8], isStream: Bool = false) throws -> DNSMessage {
        switch send(bytes, isStream: isStream) {
        case .written: return try DNSMessage(engine.written.span)
        case .reply(let reply): return try DNSMessage(reply.span)
        case .waiting, .silent: throw Missing()
        }
    }

    func ask(_ name: String, _ type: RecordType = .a, isStream: Bool = false) throws -> DNSMessage {
        try answer(try question(name, type), isStream: isStream)
    }

    struct Missing: Error {}

    /// What an upstream sent.
    @discardableResult
    func deliver(_ bytes: [UInt8], to exchange: Int) -> Bool {
        engine.forwarder.received(bytes.span, exchange: exchange, now: now)
    }
}

final class Counter: Sendable {
    private let value = Atomic<UInt64>(1000)
    func next() -> UInt64 { value.wrappingAdd(1, ordering: .relaxed).newValue }
}

func address(_ text: String) throws -> InternetAddress { try #require(InternetAddress(text)) }

/// Deterministic random numbers.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z: UInt64 = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

func verdict(_ bytes: [UInt8]) -> (verdict: Query.Verdict, query: Query) {
    var query = Query()
    let verdict: Query.Verdict = query.read(bytes.span)
    return (verdict, query)
}

func decode(_ bytes: [UInt8]) throws -> DNSMessage { try DNSMessage(bytes.span) }
