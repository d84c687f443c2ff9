import Codec
import Testing

@testable import APIMachinery

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("0Gi", "0"), ("1000m", "1"), ("0.5", "500m"), (".5", "500m"), ("5.", "5"), ("+5", "5"),
        ("1.5Gi", "1536Mi"), ("1024Ki", "1Mi"), ("1023Ki", "1023Ki"), ("1024", "1024"), ("100m", "100m"),
        ("1000", "1k"), ("1500", "1500"), ("100k", "100k"), ("1e3", "1e3"), ("1E3", "1e3"), ("12e-1", "1200e-3"),
        ("1E", "1E"), ("1Ei", "1Ei"), ("0.5Ki", "512"), ("0.1Gi", "107374182400m"), ("-1.5Ki", "-1536"),
        ("-1Ki", "-1Ki"), ("1n", "1n"), ("0.1n", "1n"), ("-0.1n", "-1n"), ("0.0000000001", "1n"),
        ("1.0000000001", "1000000001n"), ("123456789.987654321", "123456789987654321n"), ("2048", "2048"),
        ("8Ei", "9223372036854775807"), ("100000E", "100000E"), ("12345678901234567890", "9223372036854775807"),
        ("1e100", "9223372036854775807e0"), ("1e-100", "1e-9"), ("0.001Ki", "1024m"),
    ])
    func `is written in its canonical form`(text: String, canonical: String) throws {
        let quantity = try Quantity(text)
        let expected: String = canonical.hasSuffix("e0") ? String(canonical.dropLast(2)) : canonical
        #expect(quantity.description == expected)
        #expect(try Quantity(quantity.description).isIdentical(to: Quantity(expected)))
    }

    @Test(arguments: ["", " 1", "1 ", "abc", "1.1.", "1+x", "--1", ".", "-", "1mi5x", "１"])
    func `text of another form is refused in upstream's words`(text: String) {
        let error = #expect(throws: Quantity.ParseError.self) { try Quantity(text) }
        #expect(error == .format)
        #expect(
            error?.description
                == "quantities must match the regular expression "
                + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    }

    @Test(arguments: ["1i", "1+1", "1e", "1ki", "1mi", "1Kii", "1e+", "1K", "1ee3", "1e99999999999"])
    func `an unknown suffix is refused`(text: String) {
        #expect(throws: Quantity.ParseError.suffix) { try Quantity(text) }
    }

    @Test func `value and milliValue round away from zero and saturate`() throws {
        #expect(try Quantity("1500m").value == 2)
        #expect(try Quantity("-1500m").value == -2)
        #expect(try Quantity("1u").milliValue == 1)
        #expect(try Quantity("2Gi").value == 2_147_483_648)
        #expect(try Quantity("100E").value == Int.max)
        #expect(try Quantity("1Ei").milliValue == Int.max)
        var quantity = try Quantity("1234567n")
        let isExact: Bool = quantity.roundUp(toScale: -3)
        let isExactAgain: Bool = quantity.roundUp(toScale: -3)
        #expect(quantity.description == "2m")
        #expect(!isExact && isExactAgain)
    }

    @Test func `equality is by value and identity by format too`() throws {
        let one = try Quantity("1Gi")
        let other = try Quantity("1073741824")
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(!one.isIdentical(to: other))
        #expect(try Quantity("1G") < one)
        #expect(try Quantity("-1") < Quantity("0"))
        #expect(try Quantity("999m") < Quantity("1"))
        #expect(try Quantity("1e30") > Quantity("1E"))
    }

    @Test func `sums take the format of the first that is not zero`() throws {
        #expect(try (Quantity("1Gi") + Quantity("512Mi")).description == "1536Mi")
        #expect(try (Quantity() + Quantity("512Mi")).description == "512Mi")
        #expect(try (Quantity("1") - Quantity("100m")).description == "900m")
        #expect(try (Quantity("100m") * 3).description == "300m")
        #expect(try (Quantity("1e37") + Quantity("1n")) > Quantity("1E"))
    }

    @Test func `every value survives writing and reading, and its text is canonical`() throws {
        var generator = SeededGenerator(seed: 7)
        let formats: [Quantity.Format] = [.decimalSI, .binarySI, .decimalExponent]
        for _ in 0..<4_000 {
            let bits: Int = Int.random(in: 1...60, using: &generator)
            let mantissa: Int = Int.random(in: -(1 << bits)...(1 << bits), using: &generator)
            let scale: Int = Int.random(in: -9...3, using: &generator)
            let format: Quantity.Format = formats[Int.random(in: 0..<3, using: &generator)]
            let quantity = Quantity(mantissa: Int128(mantissa), scale: scale, format: format)
            guard quantity.value.magnitude < UInt.max / 4 else { continue }
            let text: String = quantity.description
            let read = try Quantity(text)
            #expect(read == quantity, "\(mantissa)e\(scale) \(format): \(text)")
            // A binary quantity without a suffix is read as a decimal one, which may be written with another suffix.
            if format != .binarySI || text.hasSuffix("i") { #expect(read.description == text) }
            #expect(!text.contains("."))
        }
    }

    @Test func `sums of parts agree with whole numbers`() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<1_000 {
            let one: Int = Int.random(in: -1_000_000_000...1_000_000_000, using: &generator)
            let other: Int = Int.random(in: -1_000_000_000...1_000_000_000, using: &generator)
            let sum: Quantity = Quantity(milli: one) + Quantity(milli: other)
            #expect(sum.milliValue == one + other)
            #expect((Quantity(milli: one) < Quantity(milli: other)) == (one < other))
            #expect((sum - Quantity(milli: other)) == Quantity(milli: one))
        }
    }

    @Test func `JSON takes strings and numbers, and writes strings`() throws {
        let list: [Quantity] = try JSONReader.decode(
            [Quantity].self, from: Array(#"["1Gi", 2, 0.1, null, " 5 "]"#.utf8))
        #expect(list.map { $0.description } == ["1Gi", "2", "100m", "0", "5"])
        #expect(String(decoding: list.jsonBytes, as: UTF8.self) == #"["1Gi","2","100m","0","5"]"#)
        let error = #expect(throws: JSONError.self) {
            try JSONReader.decode(Quantity.self, from: Array(#""nonsense""#.utf8))
        }
        #expect(error?.reason.hasPrefix("quantities must match") == true)
    }

    @Test func `protobuf carries the canonical text`() throws {
        let bytes: [UInt8] = ProtobufWriter.encode(try Quantity("1.5Gi"))
        #expect(bytes == [0x0A, 6] + Array("1536Mi".utf8))
        #expect(try ProtobufReader.decode(Quantity.self, from: bytes).description == "1536Mi")
        #expect(throws: ProtobufError.self) { try ProtobufReader.decode(Quantity.self, from: [0x0A, 1, 0x78]) }
    }
}
