/// Writes one answer after another into the same bytes, so that answering allocates nothing. What does not fit is left
/// out: additional records without a word, others with the mark of truncation.
package struct AnswerWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var limit: Int = 512
    private var answers: UInt16 = 0
    private var authorities: UInt16 = 0
    private var additionals: UInt16 = 0
    private var isTruncated: Bool = false
    private var edns: Query.EDNS?
    private var requestFlags = MessageFlags(rawValue: 0)

    /// OPT without options.
    private static let optBytes: Int = 11
    /// The largest UDP payload that we take, and give to who takes more: what passes every path unbroken
    /// (DNS Flag Day 2020).
    package static let payload: Int = 1232
    package static let streamLimit: Int = 65535
    /// A pointer to the question's name.
    static let questionName: UInt16 = 0xc00c

    package init() {
        bytes.reserveCapacity(4096)
    }

    /// The largest answer to a question.
    package static func limit(_ query: borrowing Query, isStream: Bool) -> Int {
        isStream ? streamLimit : min(max(query.edns?.size ?? 512, 512), payload)
    }

    package mutating func begin(_ query: borrowing Query, limit: Int) {
        bytes.removeAll(keepingCapacity: true)
        edns = query.edns
        self.limit = limit - (edns == nil ? 0 : Self.optBytes)
        (answers, authorities, additionals) = (0, 0, 0)
        isTruncated = false
        requestFlags = query.flags
        append(query.id)
        for _ in 0..<5 { append(0) }
        bytes.append(contentsOf: query.question)
        bytes[5] = query.question.isEmpty ? 0 : 1
    }

    @inline(__always)
    private mutating func append(_ word: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word))
    }

    private mutating func fits(_ count: Int) -> Bool {
        if bytes.count + count <= limit { return true }
        isTruncated = true
        return false
    }

    // MARK: - Records

    /// Adds records of one length to the answers, beginning with number `first` and going around.
    /// - Parameter owner: the pointer to their name, if it is not the question's.
    mutating func answer(_ records: [UInt8], stride: Int, first: Int, owner: UInt16 = questionName) {
        let count: Int = records.count / stride
        let room: Int = max(0, limit - bytes.count) / stride
        if room < count { isTruncated = true }
        let start: Int = bytes.count
        var next: Int = first
        for _ in 0..<min(count, room) {
            bytes.append(contentsOf: records[next * stride..<(next + 1) * stride])
            next = next + 1 == count ? 0 : next + 1
        }
        answers += UInt16(min(count, room))
        guard owner != Self.questionName else { return }
        for offset in Swift.stride(from: start, to: bytes.count, by: stride) { point(offset, to: owner) }
    }

    /// Adds one record to the answers. Returns where it lies; nil: it did not fit.
    @discardableResult
    mutating func answer(_ record: ArraySlice<UInt8>, owner: UInt16 = questionName) -> Int? {
        guard fits(record.count) else { return nil }
        let start: Int = bytes.count
        bytes.append(contentsOf: record)
        point(start, to: owner)
        answers += 1
        return start
    }

    /// Adds one record to the answers. Returns where its data begins.
    @discardableResult
    mutating func answer(_ type: RecordType, ttl: UInt32, data: [UInt8], owner: UInt16 = questionName) -> Int? {
        guard fits(12 + data.count) else { return nil }
        record(type, ttl: ttl, data: data, owner: owner)
        answers += 1
        return bytes.count - data.count
    }

    mutating func authority(_ type: RecordType, ttl: UInt32, data: [UInt8], owner: UInt16) {
        guard fits(12 + data.count) else { return }
        record(type, ttl: ttl, data: data, owner: owner)
        authorities += 1
    }

    /// Adds address records that nobody asked for but somebody will, if they fit.
    mutating func additional(_ records: [UInt8], stride: Int, owner: UInt16) {
        guard bytes.count + records.count <= limit else { return }
        let start: Int = bytes.count
        bytes.append(contentsOf: records)
        for offset in Swift.stride(from: start, to: bytes.count, by: stride) { point(offset, to: owner) }
        additionals += UInt16(records.count / stride)
    }

    private mutating func record(_ type: RecordType, ttl: UInt32, data: [UInt8], owner: UInt16) {
        let start: Int = bytes.count
        bytes.append(contentsOf: NameRecords.header(type, ttl: ttl, length: data.count))
        bytes.append(contentsOf: data)
        point(start, to: owner)
    }

    private mutating func point(_ offset: Int, to owner: UInt16) {
        bytes[offset] = UInt8(truncatingIfNeeded: owner >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: owner)
    }

    // MARK: - Ending

    /// Closes the answer: header, counts, and OPT if the client sent one (RFC 6891 §7).
    package mutating func finish(_ code: ResponseCode, isAuthoritative: Bool = false) {
        if let edns {
            let size: Int = Self.payload
            bytes.append(contentsOf: [
                0, 0, 41, UInt8(size >> 8), UInt8(size & 0xff), code.rawValue >> 4, 0,
                edns.wantsSignatures ? 0x80 : 0, 0, 0, 0,
            ])
            additionals += 1
        }
        var flags: UInt16 = MessageFlags.response | MessageFlags.recursionAvailable
        flags |=
            requestFlags.rawValue
            & (MessageFlags.opcode | MessageFlags.recursionDesired | MessageFlags.checkingDisabled)
        if isAuthoritative { flags |= MessageFlags.authoritative }
        if isTruncated { flags |= MessageFlags.truncated }
        flags |= UInt16(code.rawValue & 0xf)
        for (offset, word) in [(2, flags), (6, answers), (8, authorities), (10, additionals)] {
            bytes[offset] = UInt8(truncatingIfNeeded: word >> 8)
            bytes[offset + 1] = UInt8(truncatingIfNeeded: word)
        }
    }
}
