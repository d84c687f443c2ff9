/// The query of a request, read as upstream reads it: of several values of one name the first counts.
struct QueryValues {
    private let pairs: [(name: String, value: String)]

    init(_ pairs: [(name: String, value: String)]) {
        self.pairs = pairs
    }

    func string(_ name: String) -> String? {
        pairs.first { $0.name == name }?.value
    }

    func strings(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map { $0.value }
    }

    /// Present and neither `false` nor `0`; nil if absent.
    func bool(_ name: String) -> Bool? {
        guard let text = string(name) else { return nil }
        return text.lowercased() != "false" && text != "0"
    }

    func int(_ name: String) throws(StatusError) -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text) else {
            let isNumber: Bool =
                !text.isEmpty && text.drop { $0 == "-" || $0 == "+" }.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
            let why: String = isNumber ? "value out of range" : "invalid syntax"
            throw .badRequest("strconv.ParseInt: parsing \(GoText.quoted(text)): \(why)")
        }
        return value
    }
}
