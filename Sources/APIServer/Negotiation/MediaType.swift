/// One media range of an `Accept` field, or a content type.
package struct MediaType: Sendable, Equatable {
    /// In lower case: `application/json`, `*/*`.
    package var essence: String
    /// In lower case names.
    package var parameters: [(name: String, value: String)]
    package var quality: Double

    package static func == (one: MediaType, other: MediaType) -> Bool {
        one.essence == other.essence && one.quality == other.quality
            && one.parameters.elementsEqual(other.parameters) { $0 == $1 }
    }

    package init?(_ text: some StringProtocol) {
        let parts: [Substring] = Substring(text).split(separator: ";", omittingEmptySubsequences: true)
        guard let first = parts.first else { return nil }
        essence = Self.trimmed(first).lowercased()
        guard essence.contains("/") else { return nil }
        parameters = []
        quality = 1
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "=") else { continue }
            let name: String = Self.trimmed(part[..<equals]).lowercased()
            let value: String = String(Self.trimmed(part[part.index(after: equals)...]).filter { $0 != "\"" })
            if name == "q" {
                quality = Double(value) ?? 1
            } else {
                parameters.append((name, value))
            }
        }
    }

    /// The type without parameters, in lower case.
    package static func bare(_ contentType: String) -> String {
        // The usual forms take no detour.
        if contentType == "application/json" { return contentType }
        let end: String.Index = contentType.firstIndex(of: ";") ?? contentType.endIndex
        return trimmed(contentType[..<end]).lowercased()
    }

    /// The ranges of an `Accept` field, best first; equal ones stay in order.
    package static func ranges(_ accept: String) -> [MediaType] {
        let ranges: [MediaType] = accept.split(separator: ",").compactMap { MediaType($0) }
        return ranges.enumerated()
            .sorted { one, other in
                one.element.quality == other.element.quality
                    ? one.offset < other.offset : one.element.quality > other.element.quality
            }
            .map { $0.element }
    }

    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text: Substring = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
