import Codec

/// Finished JSON, laid out for people as Go's `MarshalIndent` does with two spaces.
enum JSONText {
    static func indented(_ json: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(json.count * 2)
        var depth: Int = 0
        var inString: Bool = false
        var isEscaped: Bool = false
        var index: Int = 0
        while index < json.count {
            let byte: UInt8 = json[index]
            index += 1
            if inString {
                out.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                inString = true
                out.append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                out.append(byte)
                if index < json.count, json[index] == byte + 2 {
                    out.append(json[index])
                    index += 1
                } else {
                    depth += 1
                    newline(depth, &out)
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                newline(depth, &out)
                out.append(byte)
            case UInt8(ascii: ","):
                out.append(byte)
                newline(depth, &out)
            case UInt8(ascii: ":"):
                out.append(byte)
                out.append(UInt8(ascii: " "))
            case 0x20, 0x0A, 0x0D, 0x09: break
            default: out.append(byte)
            }
        }
        return out
    }

    private static func newline(_ depth: Int, _ out: inout [UInt8]) {
        out.append(0x0A)
        for _ in 0..<max(0, depth) {
            out.append(0x20)
            out.append(0x20)
        }
    }
}
