/// The grammar of `labelSelector`, upstream's:
///
///     query       = [ requirement { "," requirement } ]
///     requirement = [ "!" ] key | key ("=" | "==" | "!=" | ">" | "<") value | key ("in" | "notin") "(" values ")"
extension LabelQuery {
    /// A message in upstream's words.
    package struct ParseError: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    package init(parsing text: String) throws(ParseError) {
        var parser = Parser(tokens: Lexer.tokens(of: text))
        self.init(try parser.requirements())
    }

    fileprivate enum Token: Equatable {
        case word(String)
        case symbol(String)
        case end

        var text: String {
            switch self {
            case .word(let text), .symbol(let text): return text
            case .end: return ""
            }
        }

        var isWord: Bool {
            if case .word = self { return true }
            return false
        }
    }

    fileprivate enum Lexer {
        static func tokens(of text: String) -> [Token] {
            var tokens: [Token] = []
            let bytes: [UInt8] = Array(text.utf8)
            var at: Int = 0
            while at < bytes.count {
                if isSpace(bytes[at]) {
                    at += 1
                } else if isSymbol(bytes[at]) {
                    let isPair: Bool =
                        at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "=")
                        && (bytes[at] == UInt8(ascii: "=") || bytes[at] == UInt8(ascii: "!"))
                    let end: Int = at + (isPair ? 2 : 1)
                    tokens.append(.symbol(String(decoding: bytes[at..<end], as: UTF8.self)))
                    at = end
                } else {
                    let start: Int = at
                    while at < bytes.count, !isSpace(bytes[at]), !isSymbol(bytes[at]) { at += 1 }
                    tokens.append(.word(String(decoding: bytes[start..<at], as: UTF8.self)))
                }
            }
            return tokens + [.end]
        }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }

        private static func isSymbol(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","),
                UInt8(ascii: ">"), UInt8(ascii: "<"):
                return true
            default:
                return false
            }
        }
    }

    fileprivate struct Parser {
        var tokens: [Token]
        var at: Int = 0

        private var next: Token { at < tokens.count ? tokens[at] : .end }

        private mutating func take() -> Token {
            let token: Token = next
            at += 1
            return token
        }

        mutating func requirements() throws(ParseError) -> [Requirement] {
            var result: [Requirement] = []
            while true {
                switch next {
                case .end: return result
                case .word, .symbol("!"): break
                default: throw ParseError("found '\(next.text)', expected: !, identifier, or 'end of string'")
                }
                do throws(ParseError) {
                    result.append(try requirement())
                } catch {
                    throw ParseError("unable to parse requirement: \(error)")
                }
                switch take() {
                case .end: return result
                case .symbol(","):
                    guard next.isWord || next == .symbol("!") else {
                        throw ParseError("found '\(next.text)', expected: identifier after ','")
                    }
                case let other: throw ParseError("found '\(other.text)', expected: ',' or 'end of string'")
                }
            }
        }

        private mutating func requirement() throws(ParseError) -> Requirement {
            var isNegated: Bool = false
            var token: Token = take()
            if token == .symbol("!") {
                isNegated = true
                token = take()
            }
            guard case .word(let key) = token else {
                throw ParseError("found '\(token.text)', expected: identifier")
            }
            let messages: [String] = NameRules.qualifiedName(key)
            if !messages.isEmpty {
                let error = FieldError.invalid(.root, key, messages.joined(separator: "; "))
                throw ParseError(error.description)
            }
            let `operator`: Operator
            let values: [String]
            if isNegated {
                (`operator`, values) = (.doesNotExist, [])
            } else if next == .end || next == .symbol(",") {
                (`operator`, values) = (.exists, [])
            } else {
                `operator` = try binaryOperator()
                let isSet: Bool = `operator` == .in || `operator` == .notIn
                values = isSet ? try set() : [try exactValue()]
            }
            do throws(FieldErrors) {
                return try Requirement(key, `operator`, values)
            } catch {
                throw ParseError(error.description)
            }
        }

        private mutating func binaryOperator() throws(ParseError) -> Operator {
            let token: Token = take()
            switch token {
            case .word("in"): return .in
            case .word("notin"): return .notIn
            case .symbol("="): return .equals
            case .symbol("=="): return .doubleEquals
            case .symbol("!="): return .notEquals
            case .symbol(">"): return .greaterThan
            case .symbol("<"): return .lessThan
            default:
                let known: String = Operator.binary.map { $0.rawValue }.joined(separator: ", ")
                throw ParseError("found '\(token.text)', expected: \(known)")
            }
        }

        /// A missing value is the empty one.
        private mutating func exactValue() throws(ParseError) -> String {
            if next == .end || next == .symbol(",") { return "" }
            let token: Token = take()
            guard case .word(let value) = token else {
                throw ParseError("found '\(token.text)', expected: identifier")
            }
            return value
        }

        /// `(a,,b)`: empty places are empty values.
        private mutating func set() throws(ParseError) -> [String] {
            let open: Token = take()
            guard open == .symbol("(") else { throw ParseError("found '\(open.text)' expected: '('") }
            if !next.isWord, next != .symbol(","), next != .symbol(")") {
                throw ParseError("found '\(next.text)', expected: ',', ')' or identifier")
            }
            var values: [String] = []
            while true {
                if case .word(let value) = next {
                    values.append(value)
                    at += 1
                    guard next == .symbol(",") || next == .symbol(")") else {
                        throw ParseError("found '\(next.text)', expected: ',' or ')'")
                    }
                } else {
                    values.append("")
                }
                let token: Token = take()
                if token == .symbol(")") { return values }
                guard token == .symbol(",") else {
                    throw ParseError("found '\(token.text)', expected: ',', or identifier")
                }
            }
        }
    }
}
