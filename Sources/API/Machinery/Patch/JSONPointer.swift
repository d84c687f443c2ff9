package import Codec

/// Where in a document (RFC 6901): `/spec/containers/0/image`.
package struct JSONPointer: Sendable, Equatable, CustomStringConvertible {
    /// Unescaped.
    package var tokens: [String]

    package init(tokens: [String]) {
        self.tokens = tokens
    }

    /// The whole document.
    package static let root = JSONPointer(tokens: [])

    /// The empty text, or tokens behind slashes, with `~1` for `/` and `~0` for `~`.
    package init(_ text: String) throws(PatchError) {
        tokens = []
        if text.isEmpty { return }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw .badRequest("error decoding JSON patch: the path \(GoText.quoted(text)) does not begin with a slash")
        }
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            tokens.append(JSONPointer.unescaped(part))
        }
    }

    package var parent: JSONPointer { JSONPointer(tokens: Array(tokens.dropLast())) }

    func isInside(_ other: JSONPointer) -> Bool {
        tokens.count > other.tokens.count && tokens.starts(with: other.tokens)
    }

    private static func unescaped(_ part: Substring) -> String {
        guard part.utf8.contains(UInt8(ascii: "~")) else { return String(part) }
        var out: [UInt8] = []
        var isEscaped: Bool = false
        for byte in part.utf8 {
            if isEscaped {
                isEscaped = false
                switch byte {
                case UInt8(ascii: "1"): out.append(UInt8(ascii: "/"))
                case UInt8(ascii: "0"): out.append(UInt8(ascii: "~"))
                default: out += [UInt8(ascii: "~"), byte]
                }
            } else if byte == UInt8(ascii: "~") {
                isEscaped = true
            } else {
                out.append(byte)
            }
        }
        if isEscaped { out.append(UInt8(ascii: "~")) }
        return String(decoding: out, as: UTF8.self)
    }

    package var description: String {
        var out: [UInt8] = []
        for token in tokens {
            out.append(UInt8(ascii: "/"))
            for byte in token.utf8 {
                switch byte {
                case UInt8(ascii: "~"): out += Array("~0".utf8)
                case UInt8(ascii: "/"): out += Array("~1".utf8)
                default: out.append(byte)
                }
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// What happens at the end of a pointer.
enum JSONEdit {
    case add(JSONValue)
    case remove
    case replace(JSONValue)
}

extension JSONValue {
    /// The value at a pointer.
    package func at(_ pointer: JSONPointer) throws(PatchError) -> JSONValue {
        var value: JSONValue = self
        for token in pointer.tokens {
            switch value {
            case .object(let object):
                guard let member = object[token] else { throw .missing(pointer) }
                value = member
            case .array(let items):
                value = items[try JSONValue.index(token, count: items.count)]
            default: throw .missing(pointer)
            }
        }
        return value
    }

    /// Changes the document in place; after an error it is in an unspecified state.
    mutating func edit(_ path: ArraySlice<String>, _ edit: JSONEdit) throws(PatchError) {
        guard let token = path.first else {
            switch edit {
            case .add(let value), .replace(let value): self = value
            case .remove: self = .null
            }
            return
        }
        let rest: ArraySlice<String> = path.dropFirst()
        switch self {
        case .object(var object):
            self = .null
            if rest.isEmpty {
                switch edit {
                case .add(let value): object[token] = value
                case .replace(let value):
                    guard object.contains(key: token) else { throw .missing(token) }
                    object[token] = value
                case .remove:
                    guard object.removeValue(forKey: token) != nil else { throw .missing(token) }
                }
            } else {
                guard var member = object[token] else { throw .missing(token) }
                object[token] = .null
                try member.edit(rest, edit)
                object[token] = member
            }
            self = .object(object)
        case .array(var items):
            self = .null
            if rest.isEmpty {
                try JSONValue.edit(&items, token, edit)
            } else {
                try items[JSONValue.index(token, count: items.count)].edit(rest, edit)
            }
            self = .array(items)
        default:
            throw .missing(token)
        }
    }

    private static func edit(_ items: inout [JSONValue], _ token: String, _ edit: JSONEdit) throws(PatchError) {
        switch edit {
        case .add(let value):
            let place: Int = token == "-" ? items.count : try index(token, count: items.count + 1)
            items.insert(value, at: place)
        case .replace(let value): items[try index(token, count: items.count)] = value
        case .remove: items.remove(at: try index(token, count: items.count))
        }
    }

    /// An index below `count`; negative ones count from the end.
    private static func index(_ token: String, count: Int) throws(PatchError) -> Int {
        guard let number = Int(token) else { throw .unprocessable("\(GoText.quoted(token)) is not an array index") }
        let index: Int = number < 0 ? number + count : number
        guard index >= 0, index < count else {
            throw .unprocessable("Unable to access invalid index: \(number): invalid index referenced")
        }
        return index
    }
}

extension PatchError {
    fileprivate static func missing(_ pointer: JSONPointer) -> PatchError {
        .unprocessable("doc is missing path: \(GoText.quoted(pointer.description)): missing value")
    }

    fileprivate static func missing(_ token: String) -> PatchError {
        .unprocessable("doc is missing key: \(token): missing value")
    }
}
