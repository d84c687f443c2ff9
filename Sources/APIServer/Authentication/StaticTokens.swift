import Codec

/// Upstream's static token file: one `token,user,uid` per line, and optionally the groups: `token,user,uid,"a,b"`.
package struct StaticTokens: TokenAuthenticator {
    package struct Problem: Error, Equatable {
        /// Counted from 1.
        package let line: Int
        package let message: String
    }

    private let users: [String: UserInfo]

    /// A token that comes twice means its last line.
    package init(csv: [UInt8]) throws(Problem) {
        var users: [String: UserInfo] = [:]
        for (line, fields) in try Self.records(csv) {
            guard fields.count >= 3 else {
                throw Problem(line: line, message: "a token file needs at least 3 columns, found \(fields.count)")
            }
            guard !fields[0].isEmpty else {
                throw Problem(line: line, message: "empty token")
            }
            var user = UserInfo(name: fields[1], uid: fields[2])
            if fields.count >= 4 { user.groups = fields[3].split(separator: ",").map { String($0) } }
            users[fields[0]] = user
        }
        self.users = users
    }

    package func authenticate(token: String, audiences: [String]) -> TokenResult {
        guard let user = users[token] else { return .unknown }
        return .authenticated(user, audiences: audiences)
    }

    /// Records in RFC 4180's form: quotes around fields, doubled within. Empty lines are skipped.
    private static func records(_ csv: [UInt8]) throws(Problem) -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var line: Int = 1
        var start: Int = 1
        var isQuoted: Bool = false
        var index: Int = 0

        func finish() {
            fields.append(String(decoding: field, as: UTF8.self))
            field = []
            if fields != [""] { records.append((start, fields)) }
            fields = []
        }

        while index < csv.count {
            let byte: UInt8 = csv[index]
            index += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    field.append(byte)
                } else if index < csv.count, csv[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                guard field.isEmpty else { throw Problem(line: line, message: "a quote within a field") }
                isQuoted = true
            case UInt8(ascii: ","):
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
            case UInt8(ascii: "\r"): continue
            case UInt8(ascii: "\n"):
                finish()
                start = line
            // Upstream's reader drops space before a field.
            case UInt8(ascii: " ") where field.isEmpty: continue
            default: field.append(byte)
            }
        }
        guard !isQuoted else { throw Problem(line: start, message: "a quote that does not end") }
        finish()
        return records
    }
}
