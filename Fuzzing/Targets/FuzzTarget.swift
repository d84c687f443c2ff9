/// A reader of bytes from outside, with what must hold whatever it is given.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Good inputs to begin with.
    package let seeds: [[UInt8]]
    /// What the format's inputs are made of.
    package let words: [String]
    /// The largest input; its work must be done within a second in a release build.
    package let sizeLimit: Int
    /// Reads one input. The outcome is a coarse description of what happened, so that inputs with outcomes that are
    /// new are kept; an invariant that does not hold is thrown.
    package let read: @Sendable ([UInt8]) throws(FuzzFinding) -> String

    package init(
        _ name: String, seeds: [[UInt8]], words: [String], sizeLimit: Int = 64 * 1024,
        read: @escaping @Sendable ([UInt8]) throws(FuzzFinding) -> String
    ) {
        self.name = name
        self.seeds = seeds
        self.words = words
        self.sizeLimit = sizeLimit
        self.read = read
    }

    /// A target whose inputs are texts; bytes that are no UTF-8 are repaired.
    package static func text(
        _ name: String, seeds: [String], words: [String], sizeLimit: Int = 64 * 1024,
        read: @escaping @Sendable (String) throws(FuzzFinding) -> String
    ) -> FuzzTarget {
        FuzzTarget(name, seeds: seeds.map { Array($0.utf8) }, words: words, sizeLimit: sizeLimit) {
            (bytes) throws(FuzzFinding) -> String in
            try read(String(decoding: bytes, as: UTF8.self))
        }
    }
}

/// An invariant that does not hold.
package struct FuzzFinding: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Throws unless a condition holds.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(FuzzFinding) {
    if !condition { throw FuzzFinding(what()) }
}

/// A message without what varies in it: names the place in the code rather than the input.
func skeleton(_ message: some CustomStringConvertible) -> String {
    var result = ""
    for word in message.description.split(separator: " ").prefix(12) {
        let isPlain: Bool = word.utf8.allSatisfy { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
        result += isPlain ? word + " " : "_ "
    }
    return result
}

/// The order of magnitude of a number, as an outcome.
func magnitude(_ number: Int) -> Int { Int.bitWidth - number.leadingZeroBitCount }
