/// Upstream's way of saying things about several.
enum PodSecurityWords {
    static func plural(_ one: String, _ many: String, _ count: Int) -> String { count == 1 ? one : many }

    /// `"a", "b"`.
    static func quoted(_ items: [String]) -> String {
        items.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    /// `container "a"`, `containers "a", "b"`.
    static func containers(_ names: [String]) -> String {
        "\(plural("container", "containers", names.count)) \(quoted(names))"
    }

    /// `pod and container "a"`.
    static func setters(pod: Bool, _ names: [String]) -> [String] {
        (pod ? ["pod"] : []) + (names.isEmpty ? [] : [containers(names)])
    }

    static func joined(_ setters: [String]) -> String { setters.joined(separator: " and ") }
}
