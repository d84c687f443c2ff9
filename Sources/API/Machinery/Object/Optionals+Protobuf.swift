package import Codec

// The protobuf forms of members that may be nil although upstream's are no pointers: nil is an empty message.

extension ProtobufReader {
    package mutating func time() throws(ProtobufError) -> Time? {
        let time: Time = try message()
        return time == Time.goZero ? nil : time
    }

    package mutating func microTime() throws(ProtobufError) -> MicroTime? {
        let time: MicroTime = try message()
        return time == MicroTime.goZero ? nil : time
    }

    private mutating func rawJSON() throws(ProtobufError) -> [UInt8] {
        let outer: Int = try enterMessage()
        var raw: [UInt8] = []
        loop: while true {
            switch try nextField() {
            case 0: break loop
            case 1: raw = try bytes()
            default: try skip()
            }
        }
        leaveMessage(outer)
        return raw
    }

    /// JSON in a message, as for RawExtension; nil if there is none.
    package mutating func json() throws(ProtobufError) -> JSONValue? {
        try decodedJSON()
    }

    /// The same for FieldsV1.
    package mutating func json() throws(ProtobufError) -> FieldsV1? {
        try decodedJSON()
    }

    private mutating func decodedJSON<Value: JSONCodable>() throws(ProtobufError) -> Value? {
        let raw: [UInt8] = try rawJSON()
        if raw.isEmpty { return nil }
        do throws(JSONError) {
            return try JSONReader.decode(Value.self, from: raw)
        } catch {
            throw failure(.invalidValue("embedded JSON: \(error)"))
        }
    }
}

extension ProtobufWriter {
    package mutating func time(_ time: Time?, field: Int) {
        let mark: Int = count
        time?.write(protobuf: &self)
        header(field: field, since: mark)
    }

    package mutating func microTime(_ time: MicroTime?, field: Int) {
        let mark: Int = count
        time?.write(protobuf: &self)
        header(field: field, since: mark)
    }

    /// `{ 1: the JSON }`, as for RawExtension.
    package mutating func json(_ value: JSONValue?, field: Int) {
        let mark: Int = count
        if let value { bytes(value.jsonBytes, field: 1) }
        header(field: field, since: mark)
    }

    /// The same for FieldsV1.
    package mutating func json(_ fields: FieldsV1?, field: Int) {
        let mark: Int = count
        if let fields { bytes(fields.json, field: 1) }
        header(field: field, since: mark)
    }
}
