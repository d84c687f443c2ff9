/// The members of a JSON object, in the order they were read or set.
///
/// A flat array, searched linearly; above `indexedCount` members with a dictionary of positions beside it. Keys are the
/// same if their bytes are: `String` would take different spellings of one character (U+00C5, U+212B) for one key.
package struct JSONObject: Sendable {
    package typealias Element = (key: String, value: JSONValue)

    /// A key, compared by its bytes.
    private struct ByteKey: Hashable {
        let text: String

        static func == (left: ByteKey, right: ByteKey) -> Bool { left.text.compareBytes(right.text) == 0 }

        func hash(into hasher: inout Hasher) {
            var text: String = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    private static let indexedCount: Int = 12

    private var members: [Element] = []
    /// Positions by key; empty while there are few members.
    private var positions: [ByteKey: Int] = [:]
    /// How many members were removed since `positions` was made: a member stands at most so many places before its
    /// position. Made anew when the square reaches the number of members, so that n removals cost n·√n steps.
    private var removals: Int = 0

    package init() {}

    /// Later duplicates win, at the place of the first.
    package init(_ members: some Sequence<(key: String, value: JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    package func contains(key: String) -> Bool {
        position(of: key) != nil
    }

    /// Nil removes the member. A member that is set again keeps its place.
    package subscript(key: String) -> JSONValue? {
        get {
            guard let position = position(of: key) else { return nil }
            return members[position].value
        }
        _modify {
            let position = position(of: key)
            // The value is moved out while the caller changes it, so that nothing is copied.
            var value: JSONValue?
            if let position {
                takeOut(&value, at: position)
            }
            defer { put(value, key: key, position: position) }
            yield &value
        }
    }

    @discardableResult
    package mutating func removeValue(forKey key: String) -> JSONValue? {
        guard let position = position(of: key) else { return nil }
        return remove(at: position)
    }

    package var keys: some RandomAccessCollection<String> { members.lazy.map(\.key) }
    package var values: some RandomAccessCollection<JSONValue> { members.lazy.map(\.value) }

    /// The members in canonical order: by the bytes of their keys.
    package var sorted: [Element] {
        isSorted ? members : sortedIndices.map { members[$0] }
    }

    /// Sorts positions, as members are large and counted. Few are inserted one by one.
    private var sortedIndices: [Int] {
        var order = Array(members.indices)
        if order.count > 24 {
            order.sort { members[$0].key.precedesInBytes(members[$1].key) }
            return order
        }
        for next in order.indices.dropFirst() {
            let index = order[next]
            var place = next
            while place > 0, members[index].key.precedesInBytes(members[order[place - 1]].key) {
                order[place] = order[place - 1]
                place -= 1
            }
            order[place] = index
        }
        return order
    }

    private var isSorted: Bool {
        for index in members.indices.dropFirst() where !members[index - 1].key.precedesInBytes(members[index].key) {
            return false
        }
        return true
    }

    /// Adds a member of which the key is known to be new.
    mutating func append(_ key: String, _ value: JSONValue) {
        if members.isEmpty { members.reserveCapacity(4) }
        members.append((key, value))
        if !positions.isEmpty {
            positions[ByteKey(text: key)] = members.count - 1 + removals
        } else if members.count > JSONObject.indexedCount {
            reindex()
        }
    }

    private func position(of key: String) -> Int? {
        if !positions.isEmpty {
            guard let position = positions[ByteKey(text: key)] else { return nil }
            var index: Int = Swift.min(position, members.count - 1)
            while index >= Swift.max(0, position - removals) {
                if members[index].key.compareBytes(key) == 0 { return index }
                index -= 1
            }
            preconditionFailure("a member is not where its position says")
        }
        // Most keys differ in length already.
        let length = key.utf8.count
        for index in members.indices
        where members[index].key.utf8.count == length && members[index].key.compareBytes(key) == 0 {
            return index
        }
        return nil
    }

    private mutating func takeOut(_ value: inout JSONValue?, at position: Int) {
        value = members[position].value
        members[position].value = .null
    }

    private mutating func put(_ value: JSONValue?, key: String, position: Int?) {
        switch (value, position) {
        case (let value?, let position?): members[position].value = value
        case (let value?, nil): append(key, value)
        case (nil, let position?): remove(at: position)
        case (nil, nil): break
        }
    }

    @discardableResult
    private mutating func remove(at position: Int) -> JSONValue {
        let (key, value): Element = members.remove(at: position)
        guard !positions.isEmpty else { return value }
        positions[ByteKey(text: key)] = nil
        removals += 1
        if removals * removals >= members.count || members.count <= JSONObject.indexedCount { reindex() }
        return value
    }

    private mutating func reindex() {
        positions = [:]
        removals = 0
        guard members.count > JSONObject.indexedCount else { return }
        for index in members.indices { positions[ByteKey(text: members[index].key)] = index }
    }
}

extension JSONObject: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { members.count }
    package subscript(position: Int) -> Element { members[position] }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.lazy.map { (key: $0.0, value: $0.1) })
    }
}

extension JSONObject: Hashable {
    /// The order of members does not matter.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        for (index, member) in left.members.enumerated() {
            // Mostly both have the same order.
            let other = right.members[index]
            if other.key.compareBytes(member.key) == 0 {
                if other.value != member.value { return false }
            } else if right[member.key] != member.value {
                return false
            }
        }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        var sum: Int = 0
        for member in members {
            var hash = Hasher()
            hash.combine(member.key)
            hash.combine(member.value)
            sum ^= hash.finalize()
        }
        hasher.combine(count)
        hasher.combine(sum)
    }
}

extension JSONObject: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        self.init()
        guard try reader.beginObject() else { return }
        while let key = try reader.nextKey() {
            let value = try JSONValue(json: &reader)
            if contains(key: key) { self[key] = value } else { append(key, value) }
        }
    }

    package func write(json writer: inout JSONWriter) {
        writer.beginObject()
        if isSorted {
            for member in members {
                writer.key(member.key)
                member.value.write(json: &writer)
            }
        } else {
            for index in sortedIndices {
                writer.key(members[index].key)
                members[index].value.write(json: &writer)
            }
        }
        writer.endObject()
    }
}
