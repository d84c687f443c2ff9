import Glibc

/// What the command line says to people: lines on standard output, complaints on standard error.
enum Output {
    static func line(_ text: String = "") { write(text + "\n", to: STDOUT_FILENO) }

    static func complaint(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Writes everything, whatever the descriptor takes at a time. Somebody who stopped reading is no error.
    static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}
