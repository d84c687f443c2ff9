package import Codec

/// A generated type: a struct of an API group, with its coding and its description.
package protocol APIMessage: Sendable, Equatable, JSONCodable, ProtobufCodable {
    /// The empty value.
    init()
    /// Fields, defaults and merge rules, for everything that treats objects generically.
    static var schema: Schema { get }
}

extension APIMessage {
    /// `Pod.with { $0.metadata.name = "web" }`
    package static func with(_ fill: (inout Self) -> Void) -> Self {
        var value = Self()
        fill(&value)
        return value
    }
}

/// A message that stands alone and says what it is.
package protocol APIKind: APIMessage {
    static var gvk: GroupVersionKind { get }
    /// The members without `kind` and `apiVersion`, which the items of a list leave out.
    func write(bareJSON writer: inout JSONWriter)
}

/// A kind with metadata: what is stored, and the reviews and subresources that look alike.
package protocol APIObject: APIKind {
    var metadata: ObjectMeta { get set }
}

/// The list of a kind.
package protocol APIList: APIKind {
    associatedtype Item: APIObject
    var metadata: ListMeta { get set }
    var items: [Item] { get set }
}
