import Codec
import Testing

/// A type as the generator writes them.
struct Sample: JSONCodable, Equatable {
    var name: String = ""
    var count: Int = 0
    var ratio: Double?
    var on: Bool = false
    var labels: StringMap<String> = [:]
    var children: [Sample] = []
    var data: [UInt8] = []
    var longFieldNameOfMoreThanSixteen: String = ""

    static let keys = JSONKeyTable([
        "name", "count", "ratio", "on", "labels", "children", "data", "longFieldNameOfMoreThanSixteen",
    ])

    init() {}

    init(json reader: inout JSONReader) throws(JSONError) {
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(Sample.keys) {
            case 0: name = try reader.string()
            case 1: count = try reader.int32()
            case 2: ratio = try reader.optional()
            case 3: on = try reader.bool()
            case 4: labels = try reader.value()
            case 5: children = try reader.value()
            case 6: data = try reader.base64()
            case 7: longFieldNameOfMoreThanSixteen = try reader.string()
            default: return
            }
        }
    }

    func write(json writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("name")
        writer.string(name)
        if count != 0 {
            writer.key("count")
            writer.int(count)
        }
        if let ratio {
            writer.key("ratio")
            writer.double(ratio)
        }
        if !labels.isEmpty {
            writer.key("labels")
            labels.write(json: &writer)
        }
        if !children.isEmpty {
            writer.key("children")
            children.write(json: &writer)
        }
        if !data.isEmpty {
            writer.key("data")
            writer.base64(data)
        }
        writer.endObject()
    }
}

func sample(_ json: String, strict: Bool = false, maxDepth: Int = 1_000) throws -> (Sample, [FieldProblem]) {
    var problems: [FieldProblem] = []
    let value = try JSONReader.decode(
        Sample.self, from: Array(json.utf8), options: .init(maxDepth: maxDepth, strict: strict), problems: &problems)
    return (value, problems)
}

func failure(of bytes: [UInt8], as type: (some JSONCodable).Type = JSONValue.self) -> JSONError? {
    do throws(JSONError) {
        _ = try JSONReader.decode(type, from: bytes)
        return nil
    } catch {
        return error
    }
}

@Suite struct JSONReaderTests {
    @Test func `a type reads its fields in any order with any white space`() throws {
        let json = """
             { "on" : true, "unknown": {"a": [1, {"b": null}], "c": "x\\ny"}, "children":[{"name":"x"},null,{}],
            "ratio":null,"count":-12,"labels":{"b":"2","a":"1","b":"3"},\t"data":"aGk=",
            "longFieldNameOfMoreThanSixteen":"é", "longFieldNameOfMoreThanSixteeN":"no", "n\\u0061me":"w" }\r\n
            """
        let (value, problems) = try sample(json)
        var expected = Sample()
        expected.name = "w"
        expected.on = true
        expected.count = -12
        expected.labels = ["a": "1", "b": "3"]
        var child = Sample()
        child.name = "x"
        expected.children = [child, Sample(), Sample()]
        expected.data = [0x68, 0x69]
        expected.longFieldNameOfMoreThanSixteen = "é"
        #expect(value == expected)
        #expect(problems.isEmpty)
    }

    @Test func `null is the empty value everywhere`() throws {
        let json = #"{"name":null,"count":null,"ratio":null,"on":null,"labels":null,"children":null,"data":null}"#
        #expect(try sample(json).0 == Sample())
        #expect(try sample("null").0 == Sample())
    }

    @Test func `strict mode names unknown and duplicate fields by their paths`() throws {
        let json = #"""
            {"Name":"x","children":[{},{"foo":1,"foo":2,"name":"a","name":"b","labels":{"k":"1","l":"1","k":"2"}}],
             "f\u006fo":{"name":1}}
            """#
        let (value, problems) = try sample(json, strict: true)
        #expect(value.children.last?.name == "b")
        #expect(
            problems.map(\.message) == [
                #"unknown field "Name""#, #"unknown field "children[1].foo""#, #"duplicate field "children[1].name""#,
                #"duplicate field "children[1].labels.k""#, #"unknown field "foo""#,
            ])
    }

    @Test func `strict mode finds duplicates in large maps and keeps at most a hundred findings`() throws {
        var members = (0..<200).map { "\"k\($0)\":\"\"" }
        members += (0..<150).map { "\"k\($0)\":\"\"" }
        let (value, problems) = try sample("{\"labels\":{\(members.joined(separator: ","))}}", strict: true)
        #expect(value.labels.count == 200)
        #expect(problems.count == 100)
        #expect(problems.first == FieldProblem(.duplicate, path: "labels.k0"))
    }

    @Test func `findings are reported although an error ends the document`() {
        var problems: [FieldProblem] = []
        #expect(throws: JSONError.self) {
            try JSONReader.decode(
                Sample.self, from: Array(#"{"foo":1,"name":2}"#.utf8), options: .init(strict: true), problems: &problems
            )
        }
        #expect(problems == [FieldProblem(.unknown, path: "foo")])
    }

    @Test(arguments: [
        (#"{"count":"x"}"#, "count: expected an integer, found a string (offset 9)"),
        (#"{"count":1.0}"#, "count: expected an integer, found the number 1.0 (offset 9)"),
        (#"{"count":1e3}"#, "count: expected an integer, found the number 1e3 (offset 9)"),
        (#"{"count":2147483648}"#, "count: number out of range for int32 (offset 9)"),
        (#"{"count":99999999999999999999}"#, "count: number out of range for int64 (offset 9)"),
        (#"{"count":-9223372036854775809}"#, "count: number out of range for int64 (offset 9)"),
        (#"{"ratio":1e999}"#, "ratio: number out of range for float64 (offset 9)"),
        (#"{"name":1}"#, "name: expected a string, found a number (offset 8)"),
        (#"{"name":true}"#, "name: expected a string, found a boolean (offset 8)"),
        (#"{"on":"true"}"#, "on: expected a boolean, found a string (offset 6)"),
        (#"{"labels":[]}"#, "labels: expected an object, found an array (offset 10)"),
        (#"{"labels":{"a.b/c":{}}}"#, "labels.a.b/c: expected a string, found an object (offset 19)"),
        (#"{"children":{}}"#, "children: expected an array, found an object (offset 12)"),
        (
            #"{"children":[{},{"children":[{"name":[]}]}]}"#,
            "children[1].children[0].name: expected a string, found an array (offset 37)"
        ),
        (#"{"data":"a"}"#, "data: invalid base64 (offset 8)"),
        (#"{"data":"aGk"}"#, "data: invalid base64 (offset 8)"),
        (#"[]"#, "expected an object, found an array (offset 0)"),
    ])
    func `an error names field and offset`(json: String, message: String) {
        #expect(failure(of: Array(json.utf8), as: Sample.self)?.message == message)
    }

    @Test(arguments: [
        ("", "expected a value, found the end of the input (offset 0)"),
        ("  ", "expected a value, found the end of the input (offset 2)"),
        ("{", "expected a field name, found the end of the input (offset 1)"),
        (#"{"a"}"#, "a: expected ':', found '}' (offset 4)"),
        (#"{"a":}"#, "a: expected a value, found '}' (offset 5)"),
        (#"{"a":1,}"#, "a: expected a field name, found '}' (offset 7)"),
        (#"{"a":1 "b":2}"#, "a: expected ',' or '}', found a string (offset 7)"),
        (#"{,"a":1}"#, "expected a field name, found ',' (offset 1)"),
        (#"{a:1}"#, "expected a field name, found 'a' (offset 1)"),
        ("[1,]", "[0]: expected a value, found ']' (offset 3)"),
        ("[1 2]", "[0]: expected ',' or ']', found a number (offset 3)"),
        ("[,]", "[0]: expected a value, found ',' (offset 1)"),
        ("[1", "[0]: expected ',' or ']', found the end of the input (offset 2)"),
        ("1 2", "unexpected data after the end of the document (offset 2)"),
        ("{}\0", "unexpected data after the end of the document (offset 2)"),
        ("01", "invalid number (offset 0)"), ("-", "invalid number (offset 0)"), ("1.", "invalid number (offset 0)"),
        ("1e", "invalid number (offset 0)"), ("-01", "invalid number (offset 0)"),
        ("+1", "expected a value, found '+' (offset 0)"), (".5", "expected a value, found '.' (offset 0)"),
        ("nul", "expected 'null', found the end of the input (offset 3)"),
        ("trux", "expected 'true', found 'x' (offset 3)"), ("NaN", "expected a value, found 'N' (offset 0)"),
        (#""abc"#, "expected '\"', found the end of the input (offset 4)"),
        (#""abc\"#, "expected '\"', found the end of the input (offset 5)"),
        ("\"a\nb\"", "control character in string (offset 2)"),
        ("\"a\\\nb\"", "control character in string (offset 3)"),
        (#""\x""#, "invalid escape in string (offset 1)"), (#""\u12g4""#, "invalid escape in string (offset 1)"),
        (#""\u12""#, "invalid escape in string (offset 1)"),
        ("{\"\u{1}\":1}", "control character in string (offset 2)"),
        ("/**/1", "expected a value, found '/' (offset 0)"),
        ("\u{feff}1", "expected a value, found byte 0xef (offset 0)"),
    ])
    func `bad syntax is refused with its place`(json: String, message: String) {
        #expect(failure(of: Array(json.utf8))?.message == message)
        // Skipped values are checked as strictly as those that are read.
        if !json.isEmpty, json.first != " ", failure(of: Array(json.utf8))?.kind != .trailingData {
            #expect(failure(of: Array("{\"skipped\":".utf8) + Array(json.utf8), as: Sample.self) != nil)
        }
    }

    @Test(
        arguments: [
            ([0x80], 1), ([0x61, 0xff, 0x62], 2), ([0xc3], 1), ([0xc0, 0x80], 1), ([0xe2, 0x80], 1),
            ([0x61, 0x62, 0xed, 0xa0, 0x80], 3),
            ([0xf4, 0x90, 0x80, 0x80], 1), ([0xf0, 0x80, 0x80, 0x80], 1), ([0xc3, 0xa9, 0xe2, 0x28, 0xa1], 3),
            ([0x5c, 0x6e, 0xfe], 3),
        ] as [([UInt8], Int)])
    func `invalid UTF-8 is refused with its offset`(bytes: [UInt8], offset: Int) {
        let error = failure(of: [0x22] + bytes + [0x22])
        #expect(error?.kind == .invalidUTF8)
        #expect(error?.offset == offset)
        #expect(failure(of: Array("{\"x\":\"".utf8) + bytes + Array("\"}".utf8), as: Sample.self)?.kind == .invalidUTF8)
        #expect(failure(of: Array("{\"".utf8) + bytes + Array("\":1}".utf8), as: Sample.self)?.kind == .invalidUTF8)
    }

    @Test func `escapes are read as Go reads them`() throws {
        let json =
            #"["\"\\\/\b\f\n\r\t","\u00e9\u20AC","\ud83d\ude00","\ud83d","\ude00x","\ud83d\u0041","\ud83d\ud83d\ude00"]"#
        let expected: JSONValue = [
            "\"\\/\u{8}\u{c}\n\r\t", "é€", "😀", "\u{fffd}", "\u{fffd}x", "\u{fffd}A", "\u{fffd}😀",
        ]
        #expect(try JSONValue(parsing: json) == expected)
    }

    @Test func `depth is limited`() throws {
        let deep = { (depth: Int) -> [UInt8] in
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(failure(of: deep(1_000)) == nil)
        #expect(failure(of: deep(1_001))?.kind == .tooDeep(limit: 1_000))
        #expect(failure(of: Array("{\"x\":".utf8) + deep(100_000), as: Sample.self)?.kind == .tooDeep(limit: 1_000))
        #expect(throws: JSONError.self) { try sample(#"{"children":[{}]}"#, maxDepth: 2) }
        #expect(try sample(#"{"children":[{}]}"#, maxDepth: 3).0.children.count == 1)
    }

    @Test func `numbers of dynamic values are integers where they can be`() throws {
        let json = "[0,-0,9223372036854775807,-9223372036854775808,9223372036854775808,1.0,1e3,0.1,-2.5E-3]"
        let expected: JSONValue = [
            0, 0, .int(.max), .int(.min), .double(9223372036854775808), 1.0, 1000.0, 0.1, -0.0025,
        ]
        #expect(try JSONValue(parsing: json) == expected)
    }

    @Test func `the bytes of a value can be taken as they are`() throws {
        struct Raw: JSONCodable {
            var bytes: [UInt8] = []
            init(json reader: inout JSONReader) throws(JSONError) {
                guard try reader.beginArray() else { return }
                while try reader.nextElement() { bytes += try reader.rawValue() }
            }
            func write(json writer: inout JSONWriter) { writer.raw(bytes) }
        }
        let raw = try Raw(jsonBytes: Array(#"[ {"a": [1, 2]} , "x\"y" ]"#.utf8))
        #expect(String(decoding: raw.bytes, as: UTF8.self) == #"{"a": [1, 2]}"x\"y""#)
        #expect(raw.jsonBytes == raw.bytes)
    }

    @Test func `a key table finds every name and no other`() throws {
        let keys = JSONKeyTable([
            "a", "b", "hostPID", "hostIPC", "hostNetwork", "hostUsers", "eightlen", "eightleN",
            "requiredDuringSchedulingIgnoredDuringExecution", "requiredDuringSchedulingIgnoredXXringExecution", "",
        ])
        for (index, name) in keys.names.enumerated() {
            let json = Array("{\"\(name.description)\":1,\"\(name)x\":1}".utf8)
            let found = json.withUnsafeBytes { (buffer) -> [Int] in
                var reader = JSONReader(borrowing: buffer)
                var found: [Int] = []
                do throws(JSONError) {
                    _ = try reader.beginObject()
                    while true {
                        let field = try reader.nextField(keys)
                        found.append(field)
                        if field == JSONKeyTable.end { return found }
                        try reader.skip()
                    }
                } catch {
                    return found
                }
            }
            #expect(found == [index, JSONKeyTable.end])
        }
    }
}
