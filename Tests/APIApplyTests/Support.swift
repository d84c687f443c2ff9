import APIApply
import APIMachinery
import Codec

/// A kind with each way to merge.
enum Thing {
    static let port = Schema(
        "test.Port",
        #"""
        name|string|n=1||
        port|int32|n=2 required always||
        protocol|string|n=3|"TCP"|
        """#)
    static let container = Schema(
        "test.Container", types: [{ port }],
        #"""
        name|string|n=1 required||
        image|string|n=2||
        args|[string]|n=3 list=atomic||
        ports|[#0]|n=4 list=map keys=port,protocol||
        limits|{Quantity}|n=5||
        """#)
    static let strategy = Schema(
        "test.Strategy",
        #"""
        type|string|n=1||
        surge|IntOrString|n=2 pointer||
        """#)
    static let spec = Schema(
        "test.Spec", types: [{ container }, { strategy }, { LabelSelector.schema }],
        #"""
        replicas|int32|n=1 pointer||
        enabled|bool|n=2||
        selector|#2|n=3||
        nodes|{string}|n=4 map=atomic||
        tags|[string]|n=5 list=set||
        containers|[#0]|n=6 list=map keys=name||
        strategy|#1|n=7||
        notes|{string}|n=8||
        extra|RawExtension|n=9||
        """#)
    static let status = Schema(
        "test.Status",
        #"""
        ready|int32|n=1||
        """#)
    static let schema = Schema(
        "test.Thing", gvk: GroupVersionKind(group: "test", version: "v1", kind: "Thing"),
        types: [{ ObjectMeta.schema }, { spec }, { status }],
        #"""
        metadata|#0|n=1||
        spec|#1|n=2||
        status|#2|n=3||
        """#)

    static let now = Time(seconds: 1_000)
    static let later = Time(seconds: 2_000)

    static func value(_ json: String) throws -> TypedValue { TypedValue(try JSONValue(parsing: json), schema) }

    static func changes(_ old: String, _ new: String) throws -> FieldChanges? {
        FieldChanges(from: ObjectBytes(Array(old.utf8)), to: ObjectBytes(Array(new.utf8)), schema: schema)
    }
}

/// One object with its owners, as a server holds it.
struct Story {
    var object: JSONValue
    var entries: [ManagedFieldsEntry] = []
    var now = Thing.now

    init(_ json: String = #"{"spec":{},"status":{}}"#) throws {
        object = try JSONValue(parsing: json)
    }

    @discardableResult
    mutating func update(
        _ manager: String, _ json: String, subresource: String = "", reset: ResetFields = .none,
        version: String = "test/v1", convert: @escaping VersionConverter = { _, _, _ in nil }
    ) throws -> Bool {
        let new: JSONValue = try JSONValue(parsing: json)
        let written = WrittenObject(
            schema: Thing.schema, apiVersion: version, old: ObjectBytes(object.jsonBytes),
            new: ObjectBytes(new.jsonBytes), convert: convert)
        let owner = FieldOwner(manager, .update, apiVersion: version, subresource: subresource)
        object = new
        guard let after = Ownership.afterUpdate(of: entries, by: owner, at: now, written, reset: reset) else {
            return false
        }
        entries = after
        return true
    }

    @discardableResult
    mutating func apply(_ manager: String, _ json: String, force: Bool = false, reset: ResetFields = .none) throws
        -> Bool
    {
        let application = Application(
            live: TypedValue(object, Thing.schema), configuration: try Thing.value(json),
            applier: FieldOwner(manager, .apply, apiVersion: "test/v1"), force: force, now: now, reset: reset)
        let result: Application.Result = try application.applyUpgrading(try Ownership(entries))
        object = result.object
        entries = result.ownership.entries
        return result.isChanged
    }

    func fields(_ manager: String, _ operation: String = "Apply") -> String? {
        entries.first { $0.manager == manager && $0.operation == operation }?.fieldsV1?.description
    }

    /// The error of an apply that must not go through.
    func refusal(_ manager: String, _ json: String) throws -> StatusError? {
        var copy: Story = self
        do {
            try copy.apply(manager, json)
            return nil
        } catch let error as ApplyConflict {
            return error.statusError
        }
    }
}
