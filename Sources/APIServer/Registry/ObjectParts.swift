package import APIMachinery

/// Which part of an object its owner writes (spec) and which part its controller (status).
///
/// The default rules of `ResourceStrategy` follow from it: the main endpoint keeps the status, the status endpoint
/// keeps the spec, and `metadata.generation` counts changes of the spec.
package struct ObjectParts<Object: APIObject>: Sendable {
    /// Empties the status; nil if the kind has none.
    package var clearStatus: (@Sendable (inout Object) -> Void)?
    /// Takes over the status of another object.
    package var copyStatus: (@Sendable (inout Object, Object) -> Void)?
    /// Takes over the spec of another object.
    package var copySpec: (@Sendable (inout Object, Object) -> Void)?
    /// Whether two objects have the same spec; nil if the kind counts no generations.
    package var sameSpec: (@Sendable (Object, Object) -> Bool)?

    /// A kind without generations and without status, such as ConfigMap.
    package init() {}

    package init<Spec: APIMessage, Status: APIMessage>(
        spec: any WritableKeyPath<Object, Spec> & Sendable, status: any WritableKeyPath<Object, Status> & Sendable
    ) {
        self.init(spec: spec)
        clearStatus = { $0[keyPath: status] = Status() }
        copyStatus = { $0[keyPath: status] = $1[keyPath: status] }
    }

    package init<Spec: Equatable & Sendable>(spec: any WritableKeyPath<Object, Spec> & Sendable) {
        copySpec = { $0[keyPath: spec] = $1[keyPath: spec] }
        sameSpec = { $0[keyPath: spec] == $1[keyPath: spec] }
    }

    package init<Status: APIMessage>(status: any WritableKeyPath<Object, Status> & Sendable) {
        clearStatus = { $0[keyPath: status] = Status() }
        copyStatus = { $0[keyPath: status] = $1[keyPath: status] }
    }
}
