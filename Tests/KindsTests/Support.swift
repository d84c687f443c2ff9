import APIMachinery
import APIServer
import Codec
import Testing

/// An object from JSON, as a client would write it.
func object<Object: APIObject>(_ json: String, as type: Object.Type = Object.self) throws -> Object {
    try JSONReader.decode(Object.self, from: Array(json.utf8))
}

func json(_ value: some JSONCodable) -> String { String(decoding: value.jsonBytes, as: UTF8.self) }

extension FieldErrors {
    /// Each error's text, in the order found.
    var texts: [String] { map { $0.description } }
}

extension RequestContext {
    static func test(subresource: String = "", now: Int64 = 1_000_000) -> RequestContext {
        RequestContext(
            user: UserInfo(name: "tester", groups: []), subresource: subresource,
            receivedAt: MicroTime(Time(seconds: now)))
    }
}

extension ResourceStrategy {
    /// The cells as text, for kinds whose cells are texts and numbers.
    func row(_ object: Object, now: Int64 = 1_000_000) -> [String] {
        table.cells(object, Time(seconds: now)).map { cell in
            switch cell {
            case .string(let text): return text
            case .int(let number): return String(number)
            case .bool(let value): return String(value)
            default: return json(cell)
            }
        }
    }

    /// What the pipeline makes of a new object, before it is validated.
    func created(_ given: Object) -> Object {
        var object: Object = given
        object.metadata.uid = "uid-1"
        setDefaults(&object)
        prepareForCreate(&object, context: .test())
        setDefaults(&object)
        return object
    }

    func updated(_ given: Object, from old: Object) -> Object {
        var object: Object = given
        setDefaults(&object)
        prepareForUpdate(&object, old: old, context: .test())
        setDefaults(&object)
        return object
    }
}
