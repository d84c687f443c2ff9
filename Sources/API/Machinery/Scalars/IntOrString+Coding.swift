package import Codec

extension IntOrString: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = reader.nextIsString() ? .string(try reader.string()) : .int(try reader.int32())
    }

    package func write(json writer: inout JSONWriter) {
        switch self {
        case .int(let number): writer.int(number)
        case .string(let text): writer.string(text)
        }
    }
}

/// `{1: type (0 number, 1 text), 2: intVal, 3: strVal}`, all three always written.
extension IntOrString: ProtobufCodable {
    package init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        var isText: Bool = false
        var number: Int = 0
        var text: String = ""
        reading: while true {
            switch try reader.nextField() {
            case 0: break reading
            case 1: isText = try reader.int64() == 1
            case 2: number = try reader.int32()
            case 3: text = try reader.string()
            default: try reader.skip()
            }
        }
        self = isText ? .string(text) : .int(number)
    }

    package func write(protobuf writer: inout ProtobufWriter) {
        switch self {
        case .int(let number):
            writer.string("", field: 3)
            writer.int(number, field: 2)
            writer.int(0, field: 1)
        case .string(let text):
            writer.string(text, field: 3)
            writer.int(0, field: 2)
            writer.int(1, field: 1)
        }
    }
}
