/// A cursor over the bytes of one JSON document (RFC 8259), pulled by the types that read themselves.
///
///     {"spec":{"containers":[{"image":"a"},{"image":▲"b"}]}}
///      frames:  [object, key "spec"] [object, key "containers"] [array, index 1] [object, key "image"]
///
/// The frames say where the cursor is. They are only offsets, so a path costs nothing until an error or a strict
/// finding asks for it. The bytes are borrowed: a reader lives inside `decode`, and never outlives them.
@usableFromInline
package struct JSONReader: ~Copyable {
    package struct Options: Sendable {
        /// Record unknown and duplicate fields as problems.
        package var strict: Bool
        /// How many objects and arrays may be nested.
        package var maxDepth: Int

        package init(maxDepth: Int = 1_000, strict: Bool = false) {
            self.maxDepth = maxDepth
            self.strict = strict
        }
    }

    /// One open object or array.
    struct Frame {
        /// In an object the offset of the current key's first byte, in an array the index of the current element;
        /// -1 before the first.
        var position: Int
        /// The length of the current key in bytes; -1 in an array.
        var length: Int
        /// Strict mode: which fields of the key table were seen.
        var seenLow: UInt64
        var seenHigh: UInt64
        /// Strict mode: where this object's keys begin in `mapKeys`.
        var firstMapKey: Int
    }

    /// At most so many strict findings are kept, as upstream.
    static let maxProblems: Int = 100

    let base: UnsafeRawPointer
    let end: Int
    var index: Int = 0
    let options: Options
    var problems: [FieldProblem] = []

    private(set) var depth: Int = 0
    private var capacity: Int = 24
    private var frames: UnsafeMutablePointer<Frame>
    /// Strict mode: the keys met so far of the open objects that are read by `nextKey`.
    private var mapKeys: [String] = []
    /// Strict mode: the same as sets, by depth, for objects of more than `largeMap` members.
    private var largeMaps: [Int: Set<String>] = [:]
    private static let largeMap: Int = 24

    /// - Parameter bytes: must stay valid and unchanged while the reader lives.
    package init(borrowing bytes: UnsafeRawBufferPointer, options: Options = Options()) {
        // An empty buffer may have no address; nothing is read from the stand-in, as `end` is 0.
        frames = .allocate(capacity: capacity)
        base = bytes.baseAddress ?? UnsafeRawPointer(frames)
        end = bytes.count
        self.options = options
    }

    deinit {
        frames.deallocate()
    }
}

// MARK: - Documents

extension JSONReader {
    /// Reads one document; only white space may follow it.
    /// - Parameter problems: receives the findings of strict mode, also when an error is thrown.
    package static func decode<T: JSONCodable>(
        _ type: T.Type, from bytes: [UInt8], options: Options = Options(), problems: inout [FieldProblem]
    ) throws(JSONError) -> T {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) -> T in
            var reader = JSONReader(borrowing: UnsafeRawBufferPointer(buffer), options: options)
            do throws(JSONError) {
                let value = try T(json: &reader)
                try reader.finish()
                problems += reader.takeProblems()
                return value
            } catch {
                problems += reader.takeProblems()
                throw error
            }
        }
    }

    /// Reads one document, leniently: unknown fields are ignored, of duplicates the last wins.
    package static func decode<T: JSONCodable>(_ type: T.Type, from bytes: [UInt8]) throws(JSONError) -> T {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) -> T in
            var reader = JSONReader(borrowing: UnsafeRawBufferPointer(buffer))
            let value = try T(json: &reader)
            try reader.finish()
            return value
        }
    }

    /// Checks that only white space is left.
    package mutating func finish() throws(JSONError) {
        _ = next()
        if index < end { throw error(.trailingData) }
    }

    /// The strict findings so far; the reader forgets them.
    package mutating func takeProblems() -> [FieldProblem] {
        let taken = problems
        problems = []
        return taken
    }

    /// Reads the next value as a `T`.
    @inlinable
    package mutating func value<T: JSONCodable>() throws(JSONError) -> T {
        try T(json: &self)
    }

    /// Reads the next value as a `T`; `null` is nil.
    @inlinable
    package mutating func optional<T: JSONCodable>() throws(JSONError) -> T? {
        if try takeNull() { return nil }
        return try T(json: &self)
    }

    /// Consumes `null` if it is next.
    @usableFromInline
    package mutating func takeNull() throws(JSONError) -> Bool {
        guard next() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }
}

// MARK: - Objects and arrays

extension JSONReader {
    /// Enters an object. False: it was `null`, which is consumed; there is nothing to leave then.
    @usableFromInline
    package mutating func beginObject() throws(JSONError) -> Bool {
        let byte = next()
        if byte == UInt8(ascii: "{") {
            index += 1
            try push(length: 0)
            return true
        }
        if byte == UInt8(ascii: "n") {
            try literal("null")
            return false
        }
        throw mismatch("an object")
    }

    /// Moves to the value of the next field that the table knows, and returns the key's index in the table;
    /// `JSONKeyTable.end` when the object has ended, and is left. Names are compared case-sensitively, as upstream.
    package mutating func nextField(_ keys: JSONKeyTable) throws(JSONError) -> Int {
        while true {
            guard try nextMember() else { return JSONKeyTable.end }
            let start = index
            let stop = plainEnd(from: start)
            let field: Int
            if stop < end, byte(stop) == UInt8(ascii: "\"") {
                index = stop + 1
                frames[depth - 1].position = start
                frames[depth - 1].length = stop - start
                field = keys.find(base + start, stop - start, readable: end - start)
            } else {
                var name = try restOfString(from: start)
                frames[depth - 1].position = start
                frames[depth - 1].length = index - 1 - start
                field = name.withUTF8 { (utf8) -> Int in
                    guard let first = utf8.baseAddress else { return -1 }
                    return keys.find(UnsafeRawPointer(first), utf8.count, readable: utf8.count)
                }
            }
            try colon()
            if field >= 0 {
                if options.strict { noteField(field) }
                return field
            }
            if options.strict { record(.unknown) }
            try skip()
        }
    }

    /// Moves to the value of the next member, and returns its key; nil when the object has ended, and is left.
    @usableFromInline
    package mutating func nextKey() throws(JSONError) -> String? {
        guard try nextMember() else { return nil }
        let start = index
        let key = try restOfString(from: start)
        frames[depth - 1].position = start
        frames[depth - 1].length = index - 1 - start
        try colon()
        if options.strict { noteKey(key) }
        return key
    }

    /// Moves to the value of the next member without looking at the key; false when the object has ended, and is left.
    mutating func skipKey() throws(JSONError) -> Bool {
        guard try nextMember() else { return false }
        index -= 1
        let start = index + 1
        try skipString()
        frames[depth - 1].position = start
        frames[depth - 1].length = index - 1 - start
        try colon()
        return true
    }

    /// Enters an array. False: it was `null`, which is consumed; there is nothing to leave then.
    @usableFromInline
    package mutating func beginArray() throws(JSONError) -> Bool {
        let byte = next()
        if byte == UInt8(ascii: "[") {
            index += 1
            try push(length: -1)
            return true
        }
        if byte == UInt8(ascii: "n") {
            try literal("null")
            return false
        }
        throw mismatch("an array")
    }

    /// Moves to the next element; false when the array has ended, and is left.
    @usableFromInline
    package mutating func nextElement() throws(JSONError) -> Bool {
        let top = depth - 1
        let byte = next()
        if byte == UInt8(ascii: "]") {
            index += 1
            depth = top
            return false
        }
        if frames[top].position >= 0 {
            guard byte == UInt8(ascii: ",") else { throw syntax("',' or ']'") }
            index += 1
            if next() == UInt8(ascii: "]") { throw syntax("a value") }
        }
        frames[top].position += 1
        return true
    }

    /// Moves behind the opening quote of the next key; false when the object has ended, and is left.
    @inline(__always)
    private mutating func nextMember() throws(JSONError) -> Bool {
        let top = depth - 1
        var byte = next()
        if byte == UInt8(ascii: "}") {
            index += 1
            leaveObject()
            return false
        }
        if frames[top].position >= 0 {
            guard byte == UInt8(ascii: ",") else { throw syntax("',' or '}'") }
            index += 1
            byte = next()
        }
        guard byte == UInt8(ascii: "\"") else { throw syntax("a field name") }
        index += 1
        return true
    }

    @inline(__always)
    private mutating func colon() throws(JSONError) {
        guard next() == UInt8(ascii: ":") else { throw syntax("':'") }
        index += 1
    }

    @inline(__always)
    private mutating func push(length: Int) throws(JSONError) {
        if depth >= capacity { try grow() }
        frames[depth] = Frame(
            position: -1, length: length, seenLow: 0, seenHigh: 0, firstMapKey: mapKeys.count)
        depth += 1
        if depth > options.maxDepth { throw tooDeep() }
    }

    @inline(never)
    private mutating func grow() throws(JSONError) {
        let larger = UnsafeMutablePointer<Frame>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: frames, count: depth)
        frames.deallocate()
        frames = larger
        capacity *= 2
    }

    private func tooDeep() -> JSONError {
        JSONError(.tooDeep(limit: options.maxDepth), offset: index - 1, path: "")
    }

    private mutating func leaveObject() {
        depth -= 1
        if options.strict {
            let first = frames[depth].firstMapKey
            if mapKeys.count > first {
                mapKeys.removeSubrange(first...)
                largeMaps[depth] = nil
            }
        }
    }
}

// MARK: - Strict mode

extension JSONReader {
    private mutating func noteField(_ field: Int) {
        let top = depth - 1
        let bit: UInt64 = 1 << UInt64(truncatingIfNeeded: field & 63)
        let seen = field < 64 ? frames[top].seenLow : frames[top].seenHigh
        if seen & bit != 0 { record(.duplicate) }
        if field < 64 { frames[top].seenLow = seen | bit } else { frames[top].seenHigh = seen | bit }
    }

    private mutating func noteKey(_ key: String) {
        let first = frames[depth - 1].firstMapKey
        let count = mapKeys.count - first
        let seen: Bool
        if count < JSONReader.largeMap {
            seen = mapKeys[first...].contains(key)
        } else {
            if count == JSONReader.largeMap { largeMaps[depth - 1] = Set(mapKeys[first...]) }
            seen = largeMaps[depth - 1]?.insert(key).inserted == false
        }
        if seen { record(.duplicate) } else { mapKeys.append(key) }
    }

    /// Notes a finding about the current field.
    package mutating func record(_ kind: FieldProblem.Kind) {
        guard problems.count < JSONReader.maxProblems else { return }
        let problem = FieldProblem(kind, path: path)
        if !problems.contains(problem) { problems.append(problem) }
    }
}

// MARK: - Places and errors

extension JSONReader {
    /// Where the cursor is, such as `spec.containers[0].image`; empty at the root.
    package var path: String {
        var path: String = ""
        for level in 0..<depth {
            let frame = frames[level]
            guard frame.position >= 0 else { break }
            if frame.length < 0 {
                path += "[\(frame.position)]"
            } else {
                if !path.isEmpty { path += "." }
                path += unescapedKey(at: frame.position, length: frame.length)
            }
        }
        return path
    }

    /// The position of the next byte, from 0.
    package var offset: Int { index }

    /// An error at the cursor, for types that check more than syntax.
    package func error(_ kind: JSONError.Kind) -> JSONError {
        JSONError(kind, offset: index, path: path)
    }

    /// An error at `offset`, for types that check more than syntax.
    package func error(_ kind: JSONError.Kind, at offset: Int) -> JSONError {
        JSONError(kind, offset: offset, path: path)
    }

    /// The right JSON type, but not a value of this type. The cursor is behind the value then, so the caller
    /// notes `offset` before reading it.
    package func invalid(_ reason: String, at offset: Int) -> JSONError {
        JSONError(.invalid(reason), offset: offset, path: path)
    }

    /// The grammar wants something else at the cursor.
    @inline(never)
    func syntax(_ expected: String) -> JSONError {
        error(.syntax(expected: expected, found: found))
    }

    /// The value at the cursor is of another type; or, if none can stand there, the syntax is wrong.
    @inline(never)
    package func mismatch(_ expected: String) -> JSONError {
        if index < end {
            switch byte(index) {
            case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "t"),
                UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                return error(.mismatch(expected: expected, found: found))
            default: break
            }
        }
        return syntax(expected)
    }

    /// What stands at the cursor, in words.
    private var found: String {
        guard index < end else { return "the end of the input" }
        let byte = byte(index)
        switch byte {
        case UInt8(ascii: "{"): return "an object"
        case UInt8(ascii: "["): return "an array"
        case UInt8(ascii: "\""): return "a string"
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return "a number"
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return "a boolean"
        case UInt8(ascii: "n"): return "null"
        case 0x21...0x7e: return "'\(Character(Unicode.Scalar(byte)))'"
        default: return "byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
        }
    }
}

// MARK: - Bytes

extension JSONReader {
    @inline(__always)
    func byte(_ at: Int) -> UInt8 {
        base.load(fromByteOffset: at, as: UInt8.self)
    }

    /// Skips white space and returns the byte at the cursor; 0 at the end, which no token begins with.
    @inline(__always)
    mutating func next() -> UInt8 {
        if index < end {
            let byte = byte(index)
            if byte > 0x20 { return byte }
        }
        return nextBehindSpace()
    }

    @inline(never)
    private mutating func nextBehindSpace() -> UInt8 {
        while index < end {
            let byte = byte(index)
            switch byte {
            case 0x20, 0x0a, 0x0d, 0x09: index += 1
            default: return byte
            }
        }
        return 0
    }

    /// Consumes `null`, `true` or `false`, of which the first byte is known to stand at the cursor.
    mutating func literal(_ word: StaticString) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        for offset in 0..<count
        where index + offset >= end || byte(index + offset) != word.utf8Start[offset] {
            index += offset
            throw syntax("'\(word)'")
        }
        index += count
    }
}
