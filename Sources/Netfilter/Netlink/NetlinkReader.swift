/// Reads what the kernel answers: messages, and the attributes in them. Out of bounds is the end.
package struct NetlinkReader: Sendable {
    package struct Message: Sendable {
        package var type: UInt16
        package var sequence: UInt32
        /// What follows the netlink header.
        package var body: ArraySlice<UInt8>
    }

    /// An acknowledgement: 0, or the (positive) error number.
    package struct Acknowledgement: Sendable, Equatable {
        package var sequence: UInt32
        package var errorNumber: Int32
        /// The kernel's words, where it has some.
        package var text: String
    }

    package static let errorType: UInt16 = 2
    package static let doneType: UInt16 = 3

    package static func messages(_ bytes: [UInt8]) -> [Message] {
        var result: [Message] = []
        var rest: ArraySlice<UInt8> = bytes[...]
        while rest.count >= 16 {
            let base: Int = rest.startIndex
            let length: Int = Int(host32(rest, base))
            guard length >= 16, length <= rest.count else { break }
            result.append(
                Message(
                    type: host16(rest, base + 4), sequence: host32(rest, base + 8),
                    body: rest[(base + 16)..<(base + length)]))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return result
    }

    /// Attributes of the bytes after `skip` (4 for the header of netfilter's subsystems).
    package static func attributes(_ bytes: ArraySlice<UInt8>, skip: Int = 0) -> [(
        type: UInt16, value: ArraySlice<UInt8>
    )] {
        var result: [(type: UInt16, value: ArraySlice<UInt8>)] = []
        var rest: ArraySlice<UInt8> = bytes.dropFirst(skip)
        while rest.count >= 4 {
            let base: Int = rest.startIndex
            let length: Int = Int(host16(rest, base))
            guard length >= 4, length <= rest.count else { break }
            result.append((host16(rest, base + 2) & 0x3fff, rest[(base + 4)..<(base + length)]))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return result
    }

    package static func acknowledgement(_ message: Message) -> Acknowledgement? {
        guard message.type == errorType, message.body.count >= 20 else { return nil }
        let base: Int = message.body.startIndex
        let number = Int32(bitPattern: host32(message.body, base))
        var text: String = ""
        // With capped acknowledgements only the header of our message comes back, then attributes (1 is text).
        for (type, value) in attributes(message.body, skip: 20) where type == 1 {
            text = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        }
        return Acknowledgement(sequence: host32(message.body, base + 12), errorNumber: -number, text: text)
    }

    private static func host16(_ bytes: ArraySlice<UInt8>, _ at: Int) -> UInt16 {
        UInt16(littleEndian: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
    }

    private static func host32(_ bytes: ArraySlice<UInt8>, _ at: Int) -> UInt32 {
        UInt32(host16(bytes, at)) | UInt32(host16(bytes, at + 2)) << 16
    }
}
