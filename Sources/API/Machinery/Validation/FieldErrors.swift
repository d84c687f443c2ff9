/// What is wrong with an object, in the order it was found: upstream's `field.ErrorList`.
package struct FieldErrors: Error, Sendable, Equatable, CustomStringConvertible, ExpressibleByArrayLiteral {
    package private(set) var list: [FieldError] = []

    package init() {}

    package init(_ list: [FieldError]) {
        self.list = list
    }

    package init(arrayLiteral elements: FieldError...) {
        list = elements
    }

    package var isEmpty: Bool { list.isEmpty }
    package var count: Int { list.count }

    package mutating func append(_ error: FieldError) { list.append(error) }

    package mutating func append(_ error: FieldError?) {
        if let error { list.append(error) }
    }

    package mutating func append(_ more: FieldErrors) { list.append(contentsOf: more.list) }

    /// One `invalid` error per message, for rules that give a list of messages.
    package mutating func append(_ path: FieldPath, _ value: String, invalid messages: [String]) {
        for message in messages { list.append(.invalid(path, value, message)) }
    }

    package static func += (left: inout FieldErrors, right: FieldErrors) { left.append(right) }

    /// The single message, or `[a, b]` without repetitions.
    package var description: String {
        var messages: [String] = []
        for error in list {
            let message: String = error.description
            if !messages.contains(message) { messages.append(message) }
        }
        if messages.count == 1 { return messages[0] }
        return "[" + messages.joined(separator: ", ") + "]"
    }
}

extension FieldErrors: Sequence {
    package func makeIterator() -> IndexingIterator<[FieldError]> { list.makeIterator() }
}
