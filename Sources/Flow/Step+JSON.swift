package import Codec

extension Step: JSONCodable {
    private static let keys = JSONKeyTable([
        "id", "timeMicroseconds", "durationMicroseconds", "component", "what", "resource", "namespace", "name",
        "revision", "request", "causes", "details",
    ])

    package init(json reader: inout JSONReader) throws(JSONError) {
        self.init(
            id: 0, time: 0, duration: 0, component: "", what: "", object: ObjectPath("", name: ""), revision: 0,
            request: "", causes: [], details: [])
        guard try reader.beginObject() else { return }
        while true {
            switch try reader.nextField(Self.keys) {
            case JSONKeyTable.end: return
            case 0: id = Int64(try reader.int64())
            case 1: time = Int64(try reader.int64())
            case 2: duration = Int64(try reader.int64())
            case 3: component = try reader.string()
            case 4: what = try reader.string()
            case 5: object.resource = try reader.string()
            case 6: object.namespace = try reader.string()
            case 7: object.name = try reader.string()
            case 8: revision = Int64(try reader.int64())
            case 9: request = try reader.string()
            case 10: causes = Self.causes(try reader.value())
            case 11: details = try Self.details(&reader)
            default: try reader.skip()
            }
        }
    }

    private static func causes(_ texts: [String]) -> [Cause] {
        texts.compactMap { Cause(text: $0) }
    }

    private static func details(_ reader: inout JSONReader) throws(JSONError) -> [Detail] {
        var details: [Detail] = []
        guard try reader.beginObject() else { return [] }
        while let name = try reader.nextKey() {
            details.append(Detail(name, try reader.string()))
        }
        return details
    }

    package func write(json writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        writer.int(Int(id))
        writer.key("timeMicroseconds")
        writer.int(Int(time))
        writer.key("durationMicroseconds")
        writer.int(Int(duration))
        writer.key("component")
        writer.string(component)
        writer.key("what")
        writer.string(what)
        writer.key("resource")
        writer.string(object.resource)
        writer.key("namespace")
        writer.string(object.namespace)
        writer.key("name")
        writer.string(object.name)
        writer.key("revision")
        writer.int(Int(revision))
        writer.key("request")
        writer.string(request)
        writer.key("causes")
        writer.beginArray()
        for cause in causes {
            writer.element()
            writer.string(cause.text)
        }
        writer.endArray()
        writer.key("details")
        writer.beginObject()
        for detail in details {
            writer.key(detail.name)
            writer.string(detail.value)
        }
        writer.endObject()
        writer.endObject()
    }
}
