import Codec
import Testing

@testable import APIMachinery

@Suite struct TimeTests {
    @Test(arguments: [
        ("2024-02-29T12:34:56Z", "2024-02-29T12:34:56Z"), ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2024-01-01T00:30:00.999999999+01:00", "2023-12-31T23:30:00Z"),
        ("2024-12-31T23:59:59-00:01", "2025-01-01T00:00:59Z"), ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
        ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"), ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ])
    func `RFC 3339 is read with offsets and fractions`(text: String, canonical: String) {
        #expect(Time(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-1-01T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00Zx", "1900-02-29T00:00:00Z",
    ])
    func `other texts are refused`(text: String) {
        #expect(Time(text) == nil)
        #expect(MicroTime(text) == nil)
        #expect(throws: JSONError.self) { try JSONReader.decode(Time.self, from: text.jsonBytes) }
    }

    @Test func `every day of four centuries is where it belongs`() {
        var date = CivilDate(year: 1800, month: 1, day: 1)
        var days: Int = date.daysSince1970
        while date.year < 2_200 {
            #expect(date.isValid)
            days += 1
            let next = CivilDate(daysSince1970: days)
            let isNext: Bool =
                (next.year == date.year && next.month == date.month && next.day == date.day + 1)
                || (next.day == 1 && !CivilDate(year: date.year, month: date.month, day: date.day + 1).isValid)
            guard isNext, next.daysSince1970 == days else {
                Issue.record("\(next) does not follow \(date)")
                return
            }
            date = next
        }
    }

    @Test func `microseconds are kept, and always written`() throws {
        let time = try #require(MicroTime("2024-01-01T00:00:00.123456789Z"))
        #expect(time.description == "2024-01-01T00:00:00.123456Z")
        #expect(MicroTime("2024-01-01T00:00:00Z")?.description == "2024-01-01T00:00:00.000000Z")
        #expect(MicroTime(microseconds: -1).description == "1969-12-31T23:59:59.999999Z")
        #expect(time.time == Time("2024-01-01T00:00:00Z"))
    }

    @Test func `protobuf is seconds and nanoseconds, and nothing for year one`() throws {
        #expect(ProtobufWriter.encode(Time(seconds: 5)) == [0x08, 5, 0x10, 0])
        #expect(ProtobufWriter.encode(Time.goZero).isEmpty)
        #expect(try ProtobufReader.decode(Time.self, from: []) == Time.goZero)
        let time = MicroTime(microseconds: -1_500_000)
        #expect(try ProtobufReader.decode(MicroTime.self, from: ProtobufWriter.encode(time)) == time)
    }

    @Test func `year one is null in JSON`() throws {
        #expect(Time.goZero.jsonBytes == Array("null".utf8))
        #expect(try JSONReader.decode(Time.self, from: Array("null".utf8)) == Time.goZero)
        #expect(Time(seconds: 0).jsonBytes == Array(#""1970-01-01T00:00:00Z""#.utf8))
    }

    @Test func `the manual clock moves when told, the system clock by itself`() {
        let clock = ManualWallClock(MicroTime(Time(seconds: 100)))
        clock.advance(seconds: 2, microseconds: 500_000)
        #expect(clock.now == Time(seconds: 102))
        #expect(clock.nowMicro.fraction == 500_000)
        let system = SystemWallClock()
        #expect(system.now > Time(seconds: 1_600_000_000))
        #expect(system.nowMicro <= system.nowMicro)
    }
}

@Suite struct IntOrStringTests {
    @Test func `JSON tells numbers from texts`() throws {
        let list: [IntOrString] = try JSONReader.decode(
            [IntOrString].self, from: Array(#"[80, "http", "25%", null]"#.utf8))
        #expect(list == [80, "http", "25%", 0])
        #expect(String(decoding: list.jsonBytes, as: UTF8.self) == #"[80,"http","25%",0]"#)
        #expect(throws: JSONError.self) { try JSONReader.decode(IntOrString.self, from: Array("4294967296".utf8)) }
        #expect(throws: JSONError.self) { try JSONReader.decode(IntOrString.self, from: Array("true".utf8)) }
    }

    @Test func `protobuf carries type and both members`() throws {
        #expect(ProtobufWriter.encode(IntOrString.int(80)) == [0x08, 0, 0x10, 80, 0x1A, 0])
        #expect(ProtobufWriter.encode(IntOrString.string("x")) == [0x08, 1, 0x10, 0, 0x1A, 1, 0x78])
        for value: IntOrString in [.int(-5), .string("25%")] {
            #expect(try ProtobufReader.decode(IntOrString.self, from: ProtobufWriter.encode(value)) == value)
        }
    }

    @Test(arguments: [("25%", 10, true, 3), ("25%", 10, false, 2), ("100%", 7, true, 7), ("0%", 7, true, 0)])
    func `percentages are scaled`(text: String, total: Int, roundUp: Bool, expected: Int) throws {
        #expect(try IntOrString.string(text).scaled(total: total, roundUp: roundUp) == expected)
    }

    @Test func `what is no percentage is refused in upstream's words`() {
        let plain = #expect(throws: IntOrString.ScaleError.self) {
            try IntOrString.string("5").scaled(total: 1, roundUp: true)
        }
        #expect(plain?.description == "invalid value for IntOrString: invalid type: string is not a percentage")
        let broken = #expect(throws: IntOrString.ScaleError.self) {
            try IntOrString.string("x%").scaled(total: 1, roundUp: true)
        }
        #expect(
            broken?.description.hasPrefix(#"invalid value for IntOrString: invalid value "x%": strconv.Atoi"#) == true)
    }
}
