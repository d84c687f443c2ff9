// Maps are lists of messages { 1: key, 2: value }; both parts are always written, in the order of keys. Lists that are
// elements or members of their own type upstream ("wrapped" in the schema) are messages { 1: repeated string }.

extension ProtobufReader {
    package mutating func entry(of map: inout StringMap<String>) throws(ProtobufError) {
        let outer: Int = try enterMessage()
        var key = ""
        var value = ""
        while true {
            switch try nextField() {
            case 0:
                leaveMessage(outer)
                map[key] = value
                return
            case 1: key = try string()
            case 2: value = try string()
            default: try skip()
            }
        }
    }

    package mutating func entry(of map: inout StringMap<[UInt8]>) throws(ProtobufError) {
        let outer: Int = try enterMessage()
        var key = ""
        var value: [UInt8] = []
        while true {
            switch try nextField() {
            case 0:
                leaveMessage(outer)
                map[key] = value
                return
            case 1: key = try string()
            case 2: value = try bytes()
            default: try skip()
            }
        }
    }

    package mutating func wrappedEntry(of map: inout StringMap<[String]>) throws(ProtobufError) {
        let outer: Int = try enterMessage()
        var key = ""
        var value: [String] = []
        while true {
            switch try nextField() {
            case 0:
                leaveMessage(outer)
                map[key] = value
                return
            case 1: key = try string()
            case 2: value = try wrappedStrings()
            default: try skip()
            }
        }
    }

    /// An entry whose value is a message. An entry without one has an empty message.
    @inlinable
    package mutating func messageEntry<T: ProtobufCodable>(of map: inout StringMap<T>) throws(ProtobufError) {
        let outer: Int = try enterMessage()
        var key = ""
        var value: T?
        while true {
            switch try nextField() {
            case 0:
                leaveMessage(outer)
                if let value {
                    map[key] = value
                } else {
                    var empty = ProtobufReader([UInt8]())
                    map[key] = try T(protobuf: &empty)
                }
                return
            case 1: key = try string()
            case 2: value = try message()
            default: try skip()
            }
        }
    }

    package mutating func wrappedStrings() throws(ProtobufError) -> [String] {
        let outer: Int = try enterMessage()
        var list: [String] = []
        while true {
            switch try nextField() {
            case 0:
                leaveMessage(outer)
                return list
            case 1: list.append(try string())
            default: try skip()
            }
        }
    }
}

extension ProtobufWriter {
    package mutating func map(_ map: StringMap<String>, field: Int) {
        for index in stride(from: map.count - 1, through: 0, by: -1) {
            let (key, value) = map[index]
            let mark: Int = count
            string(value, field: 2)
            string(key, field: 1)
            header(field: field, since: mark)
        }
    }

    package mutating func map(_ map: StringMap<[UInt8]>, field: Int) {
        for index in stride(from: map.count - 1, through: 0, by: -1) {
            let (key, value) = map[index]
            let mark: Int = count
            bytes(value, field: 2)
            string(key, field: 1)
            header(field: field, since: mark)
        }
    }

    package mutating func wrappedMap(_ map: StringMap<[String]>, field: Int) {
        for index in stride(from: map.count - 1, through: 0, by: -1) {
            let (key, value) = map[index]
            let mark: Int = count
            let inner: Int = count
            strings(value, field: 1)
            header(field: 2, since: inner)
            string(key, field: 1)
            header(field: field, since: mark)
        }
    }

    @inlinable
    package mutating func messageMap<T: ProtobufCodable>(_ map: StringMap<T>, field: Int) {
        for index in stride(from: map.count - 1, through: 0, by: -1) {
            let (key, value) = map[index]
            let mark: Int = count
            message(value, field: 2)
            string(key, field: 1)
            header(field: field, since: mark)
        }
    }

    /// Nothing for an empty list.
    package mutating func wrappedStrings(_ list: [String], field: Int) {
        guard !list.isEmpty else { return }
        let mark: Int = count
        strings(list, field: 1)
        header(field: field, since: mark)
    }
}
