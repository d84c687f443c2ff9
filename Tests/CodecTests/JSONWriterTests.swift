import Codec
import Testing

func text(_ value: some JSONCodable) -> String {
    String(decoding: value.jsonBytes, as: UTF8.self)
}

@Suite struct JSONWriterTests {
    @Test func `strings are escaped as Go escapes them`() {
        let value = "<a href=\"x\">&\\ \u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f} é\u{2028}\u{2029}\u{202a}€😀'/"
        let expected =
            #""\u003ca href=\"x\"\u003e\u0026\\ \b\f\n\r\t\u0001\u001f"# + "\u{7f} é" + #"\u2028\u2029"#
            + "\u{202a}€😀'/\""
        #expect(text(value) == expected)
        #expect(text("") == "\"\"")
    }

    /// Blocks of eight bytes and their remainders meet escapes at every place.
    @Test func `an escape is found at every offset`() throws {
        for special in ["\"", "&", "<", ">", "\\", "\n", "\u{0}", "\u{2028}", "é"] {
            for before in 0..<20 {
                for after in 0..<10 {
                    let value = String(repeating: "x", count: before) + special + String(repeating: "y", count: after)
                    let json = text(value)
                    #expect(json == "\"" + value.map { text(String($0)).dropFirst().dropLast() }.joined() + "\"")
                    #expect(try String(jsonBytes: Array(json.utf8)) == value)
                }
            }
        }
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1.5, "-1.5"), (0.1, "0.1"), (100, "100"), (123456.789, "123456.789"),
            (1e-6, "0.000001"), (9.99e-7, "9.99e-7"), (1e-7, "1e-7"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"), (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (0.30000000000000004, "0.30000000000000004"), (1e16, "10000000000000000"), (.infinity, "null"),
        ] as [(Double, String)])
    func `doubles look as in Go`(value: Double, expected: String) {
        #expect(text(value) == expected)
    }

    @Test func `integers are written to their limits`() {
        for value in [0, 1, 9, 10, 99, 100, -1, -10, 1_234_567_890, Int.max, Int.min, 1_000_000_000_000_000_000] {
            #expect(text(value) == String(value))
        }
        var power: Int = 1
        for _ in 0..<18 {
            power *= 10
            #expect(text(power) == String(power))
            #expect(text(power - 1) == String(power - 1))
        }
    }

    @Test func `commas go between members and elements only`() throws {
        var value = Sample()
        value.name = "a"
        value.count = 3
        value.ratio = 0.5
        value.labels = ["z": "1", "a<": "2"]
        value.children = [Sample(), Sample()]
        value.data = [1, 2, 3, 4]
        let expected =
            #"{"name":"a","count":3,"ratio":0.5,"labels":{"a\u003c":"2","z":"1"},"#
            + #""children":[{"name":""},{"name":""}],"data":"AQIDBA=="}"#
        #expect(text(value) == expected)
        #expect(text([[], [1], [1, 2]] as [[Int]]) == "[[],[1],[1,2]]")
    }

    @Test func `storage mode leaves out the first resource version and notes its place`() {
        func write(storage: Bool) -> (String, Int?) {
            var writer = JSONWriter(capacity: 1, storage: storage)
            writer.beginObject()
            writer.key("uid")
            writer.string("u")
            writer.revisionSlot("7")
            writer.key("template")
            writer.beginObject()
            writer.revisionSlot("8")
            writer.endObject()
            writer.endObject()
            let slot = writer.slot
            return (String(decoding: writer.finish(), as: UTF8.self), slot)
        }
        let plain = write(storage: false)
        #expect(plain.0 == #"{"uid":"u","resourceVersion":"7","template":{"resourceVersion":"8"}}"#)
        #expect(plain.1 == nil)
        let stored = write(storage: true)
        #expect(stored.0 == #"{"uid":"u","template":{"resourceVersion":"8"}}"#)
        #expect(stored.1 == 10)
    }
}
