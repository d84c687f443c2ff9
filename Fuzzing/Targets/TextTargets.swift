import API
import APIServer
import APIServerHTTP
import APIValidation
import Codec
import HTTPServer

extension FuzzTarget {
    static let labels = text(
        "labels",
        seeds: ["a=b,c!=d,e in (f,g),h notin (i),j,!k", "x.io/y==z", "n>5,m<7", "a in (),b", " a = b , c "],
        words: ["=", "==", "!=", "!", ",", "(", ")", " in ", " notin ", ">", "<", "a", "x.io/", " ", "()", "(a,b)"]
    ) { (text) throws(FuzzFinding) -> String in
        let query: LabelQuery
        do throws(LabelQuery.ParseError) {
            query = try LabelQuery(parsing: text)
        } catch {
            return "refused \(skeleton(error))"
        }
        _ = query.matches(["a": "b", "n": "9", "x.io/y": ""])
        let written: String = query.description
        try require((try? LabelQuery(parsing: written)) == query, "\(written) is another query")
        return "query \(magnitude(query.requirements.count)) \(magnitude(text.utf8.count))"
    }

    static let fields = text(
        "fields", seeds: ["metadata.name=a,spec.nodeName!=b", "a==b\\,c\\=d,e=\\\\", ",a=b,"],
        words: ["=", "==", "!=", ",", "\\", "\\,", "\\=", "\\\\", "metadata.name", " ", "\u{301}"]
    ) { (text) throws(FuzzFinding) -> String in
        let query: FieldQuery
        do throws(FieldQuery.ParseError) {
            query = try FieldQuery(parsing: text)
        } catch {
            return "refused \(skeleton(error))"
        }
        _ = query.matches { $0 }
        let written: String = query.description
        try require((try? FieldQuery(parsing: written)) == query, "\(written) is another query")
        return "query \(magnitude(query.terms.count)) \(magnitude(text.utf8.count))"
    }

    static let tokens = text(
        "tokens",
        seeds: [
            ContinueToken(revision: 7, after: "default/web-0").text, ContinueToken(revision: -1, after: "a").text,
            "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi9hIn0",
        ], words: ["eyJ2Ijoi", "=", "==", "-", "_", "+", "/"]
    ) { (text) throws(FuzzFinding) -> String in
        let token: ContinueToken
        do throws(StatusError) {
            token = try ContinueToken(text: text)
        } catch {
            try require(error.code == 400, "a bad token is answered with \(error.code)")
            return "refused \(skeleton(error.message))"
        }
        try require((try? ContinueToken(text: token.text)) == token, "the token is another one the second time")
        return "token \(magnitude(token.after.utf8.count))"
    }

    static let quantities = text(
        "quantities",
        seeds: [
            "100m", "1.5Gi", "-2k", "1e3", "0.000000001", "123456789012345678", "+1E-3", "9223372036854775807Ei",
            ".5",
        ],
        words: ["m", "k", "Ki", "Mi", "Gi", "Ei", "n", "u", "e", "E", "-", "+", ".", "0", "9"]
    ) { (text) throws(FuzzFinding) -> String in
        let quantity: Quantity
        do throws(Quantity.ParseError) {
            quantity = try Quantity(text)
        } catch {
            return "refused \(skeleton(error))"
        }
        let written: String = quantity.description
        guard let again = try? Quantity(written) else { throw FuzzFinding("\(written) is no quantity") }
        try require(again == quantity, "\(written) is another quantity")
        try require(again.description == written, "\(written) is \(again.description) the second time")
        try require(quantity + -quantity == Quantity(), "\(written) less itself is not zero")
        _ = (quantity.value, quantity.milliValue, quantity.approximateDouble, quantity < again, quantity * 3)
        return "quantity \(quantity.format) \(quantity.sign) \(written.utf8.count)"
    }

    static let cron = text(
        "cron", seeds: ["*/5 0-23/2 1,15 * MON-FRI", "@hourly", "@every 1h30m", "0 0 31 2 ?", "TZ=UTC * * * * *"],
        words: ["*", "/", "-", ",", "?", " ", "@every ", "@daily", "MON", "JAN", "60", "0", "TZ=", "CRON_TZ="]
    ) { (text) throws(FuzzFinding) -> String in
        let job = CronJob.with { $0.spec.schedule = text }
        let problem: String? = job.validate().map { $0.description }.first { $0.hasPrefix("spec.schedule") }
        // The value itself stands in the message; what comes after it tells the place.
        return problem.map { "refused \(skeleton(String($0.suffix(40))))" } ?? "schedule \(magnitude(text.utf8.count))"
    }

    static let names = text(
        "names",
        seeds: [
            "web-0", "a.b.c", "x.io/y", "*.example.com", "10.0.0.1", "fd00::1/64", "2026-01-02T03:04:05.123456Z",
            "50%",
        ],
        words: [".", "-", "/", "*", ":", "::", "%", "_", "A", "0", "é", "\n", "T", "Z", "+01:00", "/64", "255"]
    ) { (text) throws(FuzzFinding) -> String in
        let rules: [(String) -> [String]] = [
            NameRules.dns1123Label, NameRules.dns1123Subdomain, NameRules.dns1123SubdomainWithUnderscore,
            NameRules.wildcardDNS1123Subdomain, NameRules.dns1035Label, NameRules.qualifiedName, NameRules.labelValue,
            NameRules.pathSegment, NameRules.portName, NameRules.environmentVariableName, NameRules.configMapKey,
            NameRules.httpHeaderName, NameRules.httpPath, NameRules.cIdentifier, NameRules.percentage,
            NameRules.conditionReason,
        ]
        var outcome: String = rules.map { $0(text).isEmpty ? "1" : "0" }.joined()
        outcome += NameRules.ipAddress(text, at: FieldPath("a")).isEmpty ? "1" : "0"
        outcome += NameRules.cidr(text, at: FieldPath("a")).isEmpty ? "1" : "0"
        if let time = Time(text) {
            try require(Time(time.description) == time, "\(time) is another time")
            outcome += "t"
        }
        if let time = MicroTime(text) {
            try require(MicroTime(time.description) == time, "\(time) is another time")
            outcome += "m"
        }
        return outcome
    }

    static let paths = text(
        "paths",
        seeds: [
            "/api/v1/namespaces/default/pods/web-0/log?container=c&follow=true", "/apis/apps/v1/deployments?watch=1",
            "/api/v1/nodes/n/proxy/a/b?x=%2F", "/openapi/v3", "/api/v1/pods?labelSelector=a%3Db&continue=",
        ], words: ["/", "//", "/..", "/.", "%2f", "%2e", "%", "%00", "?", "&", "=", "+", ";", "\\", "/proxy/", "#"]
    ) { (text) throws(FuzzFinding) -> String in
        let target: RequestTarget
        do throws(RequestTarget.Failure) {
            target = try RequestTarget(text)
        } catch {
            return "refused \(skeleton(String(describing: error)))"
        }
        let parts: [String] = [target.resource?.namespace ?? "", target.resource?.name ?? ""]
        for part in parts {
            let leadsElsewhere: Bool = part.utf8.contains(UInt8(ascii: "/")) || part == ".." || part == "."
            try require(!leadsElsewhere, "a name leads elsewhere: \(part)")
        }
        return "\(target.resource == nil) \(target.query.count) \(parts.map { $0.isEmpty })"
    }

    static let http1 = FuzzTarget(
        "http1",
        seeds: [
            "GET /api HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET",
            "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\n\r\n",
        ].map { Array($0.utf8) },
        words: [
            "\r\n", "\n", "\r", ": ", ":", "Host: a\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
            "chunked",
            "HTTP/1.1", "HTTP/1.0", "GET ", "POST ", " ", "\t", "0\r\n\r\n", "ffffffff\r\n", "Connection: close\r\n",
        ]
    ) { (bytes) throws(FuzzFinding) -> String in
        let whole: [String] = events(bytes, inPiecesOf: max(1, bytes.count))
        let pieces: Int = bytes.count > 4_096 ? 97 : 1
        try require(events(bytes, inPiecesOf: pieces) == whole, "in pieces it is read otherwise")
        return whole.map { $0.prefix(12) }.prefix(6).joined(separator: " ")
    }

    /// What a connection's bytes are, with the parts of bodies joined.
    private static func events(_ bytes: [UInt8], inPiecesOf size: Int) -> [String] {
        var parser = HTTP1Parser()
        var result: [String] = []
        var body: Int = 0
        var start: Int = 0
        while start < bytes.count {
            let end: Int = min(bytes.count, start + size)
            parser.append(bytes[start..<end])
            start = end
            loop: while true {
                switch parser.next() {
                case .needMore: break loop
                case .head(let head): result.append("head \(head)")
                case .body(let bytes): body += bytes.count
                case .end:
                    result.append("end \(body)")
                    body = 0
                case .failed(let rejection): return result + ["failed \(rejection)"]
                }
            }
        }
        return result + ["open \(body)"]
    }
}
