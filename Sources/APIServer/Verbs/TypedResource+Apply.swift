import APIApply
import APIMachinery
import Codec

extension TypedResource {
    /// A create and an update get in each other's way at most so often.
    private static var applyAttempts: Int { 10 }

    /// Server-side apply: to the object that is there, or a new one.
    func serverSideApply(_ call: WriteCall) async throws(StatusError) -> WriteResult {
        let configuration = try ApplyConfiguration(call)
        let change = Change<Object>(
            make: { (old: Object) throws(StatusError) -> Object in
                try self.applied(configuration, to: old, call)
            },
            retries: true, ownership: .given)
        var result: WriteResult?
        for attempt in 1...Self.applyAttempts where result == nil {
            do throws(StatusError) {
                result = try await apply(change, call)
            } catch {
                guard error.isNotFound, call.context.subresource.isEmpty else { throw error }
                do throws(StatusError) {
                    result = try await create(try newObject(configuration, call), call, ownership: .given)
                } catch {
                    // Somebody else created it meanwhile.
                    if !error.isAlreadyExists || attempt == Self.applyAttempts { throw error }
                }
            }
        }
        guard var done = result else { throw .conflict(info.gvr, call.context.name) }
        done.warnings = configuration.duplicates + done.warnings
        return done
    }

    private func applied(_ configuration: ApplyConfiguration, to old: Object, _ call: WriteCall)
        throws(StatusError) -> Object
    {
        var bare: Object = old
        bare.metadata.managedFields = []
        let (merged, managed, _) = try configuration.apply(
            to: try Self.tree(bare), empty: emptyObject, managed: old.metadata.managedFields, call,
            apiVersion: info.gvk.apiVersion, reset: resetFields(call.context.subresource),
            convert: converter(call.services))
        try configuration.checkDuplicates(call)
        var object: Object = try configuration.decode(merged, as: Object.self)
        object.metadata.managedFields = managed
        try checkNames(of: object, call.context)
        // A version that the configuration names is a precondition; the one it was applied to is none.
        if configuration.resourceVersion.isEmpty { object.metadata.resourceVersion = "" }
        return object
    }

    /// What an apply makes where nothing is.
    private func newObject(_ configuration: ApplyConfiguration, _ call: WriteCall) throws(StatusError) -> Object {
        let (merged, managed, _) = try configuration.apply(
            to: try Self.tree(Object()), empty: emptyObject, managed: [], call, apiVersion: info.gvk.apiVersion,
            reset: resetFields(""), convert: converter(call.services))
        try configuration.checkDuplicates(call)
        var object: Object = try configuration.decode(merged, as: Object.self)
        object.metadata.managedFields = managed
        if !configuration.uid.isEmpty {
            throw .conflict(
                info.gvr, call.context.name,
                "uid mismatch: the provided object specified uid \(configuration.uid), and no existing object was found"
            )
        }
        if object.metadata.name.isEmpty {
            throw .badRequest(
                "the name of the object (\(call.context.name) based on URL) was undeterminable: name must be provided")
        }
        return object
    }

    static func tree(_ object: Object) throws(StatusError) -> TypedValue {
        do throws(JSONError) {
            return TypedValue(try JSONValue(parsing: object.jsonBytes), Object.schema)
        } catch {
            throw .internalError("failed to read what was written: \(error.message)")
        }
    }

    private func checkNames(of object: Object, _ context: RequestContext) throws(StatusError) {
        var copy: Object = object
        try checkNames(&copy, context)
    }
}
