/// A map from strings, as a flat array sorted by the bytes of its keys.
///
/// Made for labels, annotations and resource lists: few entries, read and compared far more often than changed,
/// and written in a deterministic order, which is Go's. A lookup is O(log n), an insertion O(n).
@usableFromInline
package struct StringMap<Value> {
    @usableFromInline
    package typealias Element = (key: String, value: Value)

    @usableFromInline
    var entries: [Element]

    @inlinable
    package init() {
        entries = []
    }

    /// Later duplicates win.
    package init(_ pairs: some Sequence<(key: String, value: Value)>) {
        entries = []
        for (key, value) in pairs { set(key, value) }
    }

    package init(_ dictionary: [String: Value]) {
        entries = dictionary.map { ($0.key, $0.value) }
        entries.sort { $0.key.precedesInBytes($1.key) }
    }

    private init(sorted entries: [Element]) {
        self.entries = entries
    }

    /// Where the key is, or belongs.
    @inlinable
    func search(_ key: String) -> (index: Int, found: Bool) {
        var low: Int = 0
        var high: Int = entries.count
        while low < high {
            let middle = (low + high) / 2
            let order = entries[middle].key.compareBytes(key)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    /// Sets a value; keys that come in order are only appended.
    @inlinable
    mutating func set(_ key: String, _ value: Value) {
        if let last = entries.last, !last.key.precedesInBytes(key) {
            let (index, found) = search(key)
            if found { entries[index].value = value } else { entries.insert((key, value), at: index) }
        } else {
            entries.append((key, value))
        }
    }

    @inlinable
    package subscript(key: String) -> Value? {
        get {
            let (index, found) = search(key)
            return found ? entries[index].value : nil
        }
        set {
            if let newValue {
                set(key, newValue)
            } else {
                removeValue(forKey: key)
            }
        }
    }

    @inlinable
    package subscript(key: String, default fallback: @autoclosure () -> Value) -> Value {
        get { self[key] ?? fallback() }
        set { set(key, newValue) }
    }

    @inlinable
    @discardableResult
    package mutating func removeValue(forKey key: String) -> Value? {
        let (index, found) = search(key)
        return found ? entries.remove(at: index).value : nil
    }

    package mutating func removeAll() {
        entries = []
    }

    @inlinable
    package func contains(key: String) -> Bool {
        search(key).found
    }

    /// In order.
    package var keys: some RandomAccessCollection<String> { entries.lazy.map(\.key) }

    /// In the order of the keys.
    package var values: some RandomAccessCollection<Value> { entries.lazy.map(\.value) }

    /// A copy with the other's entries, which win.
    @inlinable
    package func merging(_ other: StringMap) -> StringMap {
        if isEmpty { return other }
        var merged = self
        merged.merge(other)
        return merged
    }

    /// Adds the other's entries, which win.
    @inlinable
    package mutating func merge(_ other: StringMap) {
        for (key, value) in other.entries { set(key, value) }
    }

    package func mapValues<T, E: Error>(_ transform: (Value) throws(E) -> T) throws(E) -> StringMap<T> {
        var mapped: [(key: String, value: T)] = []
        mapped.reserveCapacity(entries.count)
        for (key, value) in entries { mapped.append((key, try transform(value))) }
        return StringMap<T>(sorted: mapped)
    }

    package func filter<E: Error>(_ isIncluded: (Element) throws(E) -> Bool) throws(E) -> StringMap {
        var kept: [Element] = []
        for entry in entries where try isIncluded(entry) { kept.append(entry) }
        return StringMap(sorted: kept)
    }

    package var dictionary: [String: Value] {
        Dictionary(uniqueKeysWithValues: entries.lazy.map { ($0.key, $0.value) })
    }
}

extension StringMap: RandomAccessCollection {
    @inlinable
    package var startIndex: Int { 0 }
    @inlinable
    package var endIndex: Int { entries.count }
    @inlinable
    package subscript(position: Int) -> Element { entries[position] }
}

extension StringMap: ExpressibleByDictionaryLiteral {
    /// Inlinable for the sake of `[:]`, the value of each label map that is not there yet.
    @inlinable
    package init(dictionaryLiteral elements: (String, Value)...) {
        entries = []
        for (key, value) in elements { set(key, value) }
    }
}

extension StringMap: Sendable where Value: Sendable {}

extension StringMap: Equatable where Value: Equatable {
    @inlinable
    package static func == (left: StringMap, right: StringMap) -> Bool {
        guard left.entries.count == right.entries.count else { return false }
        for index in left.entries.indices {
            guard left.entries[index].key == right.entries[index].key,
                left.entries[index].value == right.entries[index].value
            else { return false }
        }
        return true
    }
}

extension StringMap: Hashable where Value: Hashable {
    @usableFromInline
    package func hash(into hasher: inout Hasher) {
        hasher.combine(entries.count)
        for (key, value) in entries {
            hasher.combine(key)
            hasher.combine(value)
        }
    }
}

extension StringMap: CustomStringConvertible {
    @usableFromInline
    package var description: String {
        isEmpty ? "[:]" : "[" + map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "]"
    }
}

extension StringMap: JSONCodable where Value: JSONCodable {
    /// `null` is the empty map; of duplicates the last wins.
    @inlinable
    package init(json reader: inout JSONReader) throws(JSONError) {
        self.init()
        guard try reader.beginObject() else { return }
        while let key = try reader.nextKey() {
            set(key, try Value(json: &reader))
        }
    }

    @inlinable
    package func write(json writer: inout JSONWriter) {
        writer.beginObject()
        for entry in entries {
            writer.key(entry.key)
            entry.value.write(json: &writer)
        }
        writer.endObject()
    }
}
