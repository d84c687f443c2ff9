/// What was counted, under CoreDNS' names.
package struct DNSCounters: Sendable, Equatable {
    /// CoreDNS counts other types as `other`.
    package static let types: [(type: RecordType, name: String)] = [
        (.a, "A"), (.aaaa, "AAAA"), (.srv, "SRV"), (.ptr, "PTR"), (.cname, "CNAME"), (.txt, "TXT"), (.soa, "SOA"),
        (.ns, "NS"), (.mx, "MX"),
    ]

    /// By transport (UDP, TCP) and type; the last is `other`.
    package var requests: [[Int]] = [[Int]](repeating: [Int](repeating: 0, count: types.count + 1), count: 2)
    /// By code; the last is for all that have no name here.
    package var responses: [Int] = [Int](repeating: 0, count: 17)
    package var cacheHits: Int = 0
    package var cacheMisses: Int = 0
    package var cacheEntries: Int = 0

    package init() {}

    mutating func count(_ type: RecordType, isStream: Bool) {
        let index: Int
        switch type.rawValue {
        case 1: index = 0
        case 28: index = 1
        case 33: index = 2
        case 12: index = 3
        case 5: index = 4
        case 16: index = 5
        case 6: index = 6
        case 2: index = 7
        case 15: index = 8
        default: index = 9
        }
        requests[isStream ? 1 : 0][index] += 1
    }

    mutating func count(code: UInt8) { responses[min(Int(code), responses.count - 1)] += 1 }

    /// In the text format of Prometheus.
    package func text(server: String) -> String {
        var lines: [String] = []
        let place: String = "server=\"dns://\(server)\",zone=\".\",view=\"\""
        func family(_ name: String, _ kind: String, _ help: String) {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(kind)"]
        }
        family("coredns_dns_requests_total", "counter", "Counter of DNS requests made per zone, protocol and family.")
        for (transport, counts) in requests.enumerated() {
            for (index, count) in counts.enumerated() where count > 0 {
                let type: String = index < Self.types.count ? Self.types[index].name : "other"
                let proto: String = transport == 0 ? "udp" : "tcp"
                lines.append(
                    "coredns_dns_requests_total{\(place),proto=\"\(proto)\",family=\"1\",type=\"\(type)\"} \(count)")
            }
        }
        family("coredns_dns_responses_total", "counter", "Counter of response status codes.")
        for (code, count) in responses.enumerated() where count > 0 {
            let name: String = ResponseCode(rawValue: UInt8(code))?.text ?? "RCODE\(code)"
            lines.append("coredns_dns_responses_total{\(place),rcode=\"\(name)\",plugin=\"\"} \(count)")
        }
        family("coredns_cache_hits_total", "counter", "The count of cache hits.")
        lines.append(
            "coredns_cache_hits_total{server=\"dns://\(server)\",type=\"success\",zones=\".\",view=\"\"} \(cacheHits)")
        family("coredns_cache_misses_total", "counter", "The count of cache misses.")
        lines.append("coredns_cache_misses_total{server=\"dns://\(server)\",zones=\".\",view=\"\"} \(cacheMisses)")
        family("coredns_cache_entries", "gauge", "The number of elements in the cache.")
        lines.append(
            "coredns_cache_entries{server=\"dns://\(server)\",type=\"success\",zones=\".\",view=\"\"} \(cacheEntries)")
        return lines.joined(separator: "\n") + "\n"
    }
}
