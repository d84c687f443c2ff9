/// `$(NAME)` in commands, arguments and environment values, by upstream's rules: unknown names stay as they are, `$$`
/// is one `$`.
package enum Expansion {
    /// What is left unexpanded is told through `missing`.
    package static func expand(
        _ text: String, missing: (String) -> Void = { _ in }, value: (String) -> String?
    ) -> String {
        let bytes: [UInt8] = Array(text.utf8)
        let dollar = UInt8(ascii: "$")
        guard bytes.contains(dollar) else { return text }
        var result: [UInt8] = []
        var index: Int = 0
        while index < bytes.count {
            guard bytes[index] == dollar, index + 1 < bytes.count else {
                result.append(bytes[index])
                index += 1
                continue
            }
            if bytes[index + 1] == UInt8(ascii: "(") {
                guard let end = bytes[(index + 2)...].firstIndex(of: UInt8(ascii: ")")) else {
                    result += bytes[index...(index + 1)]
                    index += 2
                    continue
                }
                let name = String(decoding: bytes[(index + 2)..<end], as: UTF8.self)
                if let found = value(name) {
                    result += Array(found.utf8)
                } else {
                    missing(name)
                    result += bytes[index...end]
                }
                index = end + 1
            } else {
                result.append(dollar)
                if bytes[index + 1] != dollar { result.append(bytes[index + 1]) }
                index += 2
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
