import APICore
import APIMachinery
import Codec

/// Parts of cells that several kinds have, in the words of upstream's printers.
enum CellText {
    static let none = "<none>"
    static let unset = "<unset>"

    static func orNone(_ text: String) -> JSONValue { .string(text.isEmpty ? none : text) }

    /// `a=1,b=2`; `<none>` if there are none.
    static func labels(_ labels: StringMap<String>) -> JSONValue {
        orNone(labels.map { $0.key + "=" + $0.value }.joined(separator: ","))
    }

    static func age(_ metadata: ObjectMeta, _ now: Time) -> JSONValue {
        TableCells.age(metadata.creationTimestamp, now: now)
    }

    static func int(_ value: Int) -> JSONValue { .int(Int64(value)) }

    static func bool(_ value: Bool?) -> JSONValue {
        guard let value else { return .string(unset) }
        return .bool(value)
    }

    static func containerNames(_ spec: PodSpec) -> JSONValue {
        .string(spec.containers.map { $0.name }.joined(separator: ","))
    }

    static func images(_ spec: PodSpec) -> JSONValue {
        .string(spec.containers.map { $0.image }.joined(separator: ","))
    }

    static func selector(_ selector: LabelSelector?) -> JSONValue {
        .string(selector?.formatted ?? none)
    }

    /// The first of a list, and how many more there are: `a,b,c + 2 more...`.
    static func firsts(_ items: [String], limit: Int = 3, total: Int? = nil, empty: String) -> JSONValue {
        if items.isEmpty { return .string(empty) }
        let text: String = items.prefix(limit).joined(separator: ",")
        if items.count <= limit { return .string(text) }
        return .string("\(text) + \((total ?? items.count) - limit) more...")
    }
}
