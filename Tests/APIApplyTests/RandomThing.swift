import Codec

/// Objects of the test's kind, by chance.
struct RandomThing {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func coin() -> Bool { Bool.random(using: &generator) }
    mutating func number(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }

    /// Without lists of keys twice, and without nulls: what may be applied.
    mutating func object() -> JSONValue {
        var spec = JSONObject()
        if coin() { spec["replicas"] = .int(Int64(number(3))) }
        if coin() { spec["enabled"] = .bool(coin()) }
        if coin() { spec["selector"] = ["matchLabels": map()] }
        if coin() { spec["nodes"] = map() }
        if coin() { spec["notes"] = map() }
        if coin() { spec["strategy"] = ["type": .string(coin() ? "A" : "B")] }
        if coin() { spec["tags"] = .array(names().map { .string($0) }) }
        if coin() { spec["extra"] = ["x": map(), "l": .array([.int(Int64(number(2)))])] }
        if coin() { spec["containers"] = .array(names().map { container($0) }) }
        return ["metadata": ["name": "thing", "labels": map()], "spec": .object(spec)]
    }

    private mutating func container(_ name: String) -> JSONValue {
        var container: JSONObject = ["name": .string(name)]
        if coin() { container["image"] = .string("i\(number(3))") }
        if coin() { container["args"] = .array([.string("a\(number(2))")]) }
        if coin() {
            container["ports"] = .array(
                Set((0..<number(3)).map { _ in number(3) }).sorted().map { ["port": .int(Int64($0))] })
        }
        return .object(container)
    }

    private mutating func map() -> JSONValue {
        var map = JSONObject()
        for name in names() { map[name] = .string("\(number(2))") }
        return .object(map)
    }

    private mutating func names() -> [String] {
        ["a", "b", "c", "d"].filter { _ in coin() }.shuffled(using: &generator)
    }
}
