import Codec
import Testing

@Suite struct ValueTests {
    @Test func `a string map is sorted by bytes and found by key`() {
        var map: StringMap<Int> = ["b": 1, "a": 2, "B": 3, "é": 4, "z": 5, "a": 6]
        #expect(Array(map.keys) == ["B", "a", "b", "z", "é"])
        #expect(map["a"] == 6)
        #expect(map["c"] == nil)
        #expect(map.contains(key: "é"))
        map["c"] = 7
        map["B"] = nil
        #expect(map.removeValue(forKey: "zz") == nil)
        #expect(map.removeValue(forKey: "z") == 5)
        #expect(Array(map.values) == [6, 1, 7, 4])
        #expect(map.merging(["a": 0, "x": 1]) == ["a": 0, "b": 1, "c": 7, "x": 1, "é": 4])
        #expect(map.mapValues { $0 * 2 }["c"] == 14)
        #expect(map.filter { $0.value > 5 } == ["a": 6, "c": 7])
        #expect(map == StringMap(map.dictionary))
        #expect(map.hashValue == StringMap(map.dictionary).hashValue)
    }

    @Test func `string maps behave as dictionaries`() {
        var generator = SeededGenerator(seed: 1)
        var map: StringMap<Int> = [:]
        var dictionary: [String: Int] = [:]
        for step in 0..<2_000 {
            let key = "k\(generator.below(60))"
            let value: Int? = generator.below(3) == 0 ? nil : step
            map[key] = value
            dictionary[key] = value
            #expect(map.count == dictionary.count)
        }
        #expect(map.dictionary == dictionary)
        #expect(Array(map.keys) == dictionary.keys.sorted())
    }

    @Test func `objects keep their order, and are equal without it`() throws {
        let object = try JSONValue(parsing: #"{"b":1,"a":{"y":[1,2],"x":null},"b":2}"#)
        #expect(object.object.map { Array($0.keys) } == ["b", "a"])
        #expect(object == ["a": ["x": nil, "y": [1, 2]], "b": 2])
        #expect(object != ["a": ["x": nil, "y": [2, 1]], "b": 2])
        #expect(object.hashValue == (["a": ["x": nil, "y": [1, 2]], "b": 2] as JSONValue).hashValue)
        #expect(object.description == #"{"a":{"x":null,"y":[1,2]},"b":2}"#)
    }

    @Test func `objects behave as dictionaries, small and large`() {
        for bound in [8, 40] {
            var generator = SeededGenerator(seed: UInt64(bound))
            var object = JSONObject()
            var dictionary: [String: JSONValue] = [:]
            for step in 0..<1_500 {
                let key = "k\(generator.below(bound))"
                let value: JSONValue? = generator.below(3) == 0 ? nil : .int(Int64(step))
                object[key] = value
                dictionary[key] = value
                #expect(object[key] == value)
            }
            #expect(object.count == dictionary.count)
            for (key, value) in dictionary { #expect(object[key] == value) }
        }
    }

    @Test func `members are read and set by path`() {
        var value: JSONValue = ["spec": ["replicas": 2, "list": [1, "x"]]]
        #expect(value["spec", "replicas"]?.int == 2)
        #expect(value["spec"]?["list"]?[1]?.string == "x")
        #expect(value["spec", "list", "no"] == nil)
        value["spec", "replicas"] = 3
        value["metadata", "labels", "app"] = "web"
        value["spec", "list"] = nil
        value["gone", "too"] = nil
        value["spec"]?["a"] = true
        #expect(value == ["spec": ["replicas": 3, "a": true], "metadata": ["labels": ["app": "web"]]])
        var scalar: JSONValue = "x"
        scalar["a"] = nil
        #expect(scalar == "x")
        scalar["a", "b"] = 1
        #expect(scalar == ["a": ["b": 1]])
        scalar[path: ["a", "b"]] = .null
        #expect(scalar["a"] == ["b": nil])
    }

    @Test func `keys are told apart by their bytes`() throws {
        let spellings: [String] = ["\u{C5}", "\u{212B}", "A\u{30A}"]
        for others in [0, 40] {
            var object = JSONObject()
            for number in 0..<others { object["k\(number)"] = 0 }
            for (number, key) in spellings.enumerated() { object[key] = .int(Int64(number)) }
            #expect(object.count == others + 3)
            #expect(spellings.map { object[$0]?.int } == [0, 1, 2])
            let value: JSONValue = .object(object)
            #expect(try JSONValue(parsing: value.jsonBytes).object?.count == others + 3)
        }
    }

    @Test func `an object is what a list of its members would be, whatever is done to it`() {
        var random = SeededGenerator(seed: 7)
        var object = JSONObject()
        var model: [(key: String, value: Int)] = []
        for step in 0..<20_000 {
            let key: String = "k\(random.below(step < 10_000 ? 600 : 40))"
            let place: Int? = model.firstIndex { $0.key == key }
            switch random.below(3) {
            case 0:
                let removed: JSONValue? = object.removeValue(forKey: key)
                #expect(removed?.int == place.map { model[$0].value })
                if let place { model.remove(at: place) }
            case 1:
                #expect(object[key]?.int == place.map { model[$0].value })
            default:
                object[key] = .int(Int64(step))
                if let place { model[place].value = step } else { model.append((key, step)) }
            }
        }
        #expect(Array(object.keys) == model.map { $0.key })
        #expect(object.values.map { $0.int } == model.map { $0.value })
    }

    @Test(
        arguments: [
            ([], ""), ([0x66], "Zg=="), ([0x66, 0x6f], "Zm8="), ([0x66, 0x6f, 0x6f], "Zm9v"),
            ([0xfb, 0xff, 0xfe], "+//+"),
        ] as [([UInt8], String)])
    func `base64 both ways`(bytes: [UInt8], text: String) {
        #expect(Base64.encode(bytes) == text)
        #expect(Base64.decode(text) == bytes)
        #expect(Base64.decode("\n" + text + "\r\n") == bytes)
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zg===", "Zm8==", "=", "Zm9v=", "Z*==", "Zg==Zg==", "Zm-_"])
    func `what is not base64 is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
