package import Codec

extension Time: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = try RFC3339.read(&reader, Time.init(_:)) ?? Time.goZero
    }

    package func write(json writer: inout JSONWriter) {
        if self == Time.goZero {
            writer.null()
        } else {
            writer.string(description)
        }
    }
}

extension MicroTime: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        self = try RFC3339.read(&reader, MicroTime.init(_:)) ?? MicroTime.goZero
    }

    package func write(json writer: inout JSONWriter) {
        if self == MicroTime.goZero {
            writer.null()
        } else {
            writer.string(description)
        }
    }
}

extension RFC3339 {
    /// Nil for `null`.
    fileprivate static func read<T>(_ reader: inout JSONReader, _ parse: (String) -> T?) throws(JSONError) -> T? {
        if try reader.takeNull() { return nil }
        let offset: Int = reader.offset
        let text: String = try reader.string()
        guard let time = parse(text) else {
            throw reader.invalid("parsing time \(GoText.quoted(text)): not an RFC 3339 time", at: offset)
        }
        return time
    }

    /// `{1: seconds, 2: nanos}`; an empty message is year 1, as in upstream.
    fileprivate static func read(
        _ reader: inout ProtobufReader
    ) throws(ProtobufError) -> (seconds: Int64, nanoseconds: Int) {
        var seconds: Int64?
        var nanoseconds: Int = 0
        while true {
            switch try reader.nextField() {
            case 0: return (seconds ?? (nanoseconds == 0 ? Time.goZero.seconds : 0), nanoseconds)
            case 1: seconds = Int64(try reader.int64())
            case 2: nanoseconds = try reader.int32()
            default: try reader.skip()
            }
        }
    }
}

extension Time: ProtobufCodable {
    package init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        self.init(seconds: try RFC3339.read(&reader).seconds)
    }

    package func write(protobuf writer: inout ProtobufWriter) {
        guard self != Time.goZero else { return }
        writer.int(0, field: 2)
        writer.int(Int(seconds), field: 1)
    }
}

extension MicroTime: ProtobufCodable {
    package init(protobuf reader: inout ProtobufReader) throws(ProtobufError) {
        let (seconds, nanoseconds) = try RFC3339.read(&reader)
        self.init(microseconds: seconds &* 1_000_000 &+ Int64(nanoseconds / 1_000))
    }

    package func write(protobuf writer: inout ProtobufWriter) {
        guard self != MicroTime.goZero else { return }
        writer.int(fraction * 1_000, field: 2)
        writer.int(Int(time.seconds), field: 1)
    }
}
