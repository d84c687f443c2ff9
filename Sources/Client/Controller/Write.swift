package import APICore
package import APIMachinery

/// One write that a reconcile asks for. Made by the static functions, such as `.create(pod).ignoring(.alreadyExists)`.
package struct Write: Sendable {
    package enum Action: Sendable {
        case create(any APIObject)
        /// Replaces an object or a subresource; the object's resourceVersion, if set, is the precondition.
        case update(any APIObject, at: ObjectTarget)
        case patch(ObjectTarget, PatchType, [UInt8])
        case delete(ObjectTarget, DeleteOptions)
        /// Posts an object to a subresource: binding, eviction, token.
        case createSubresource(ObjectTarget, any APIObject)
        /// Handed to the `EventRecorder`, which never fails or waits.
        case event(EventNote)
    }

    /// Failures that count as success.
    package struct Ignored: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let notFound = Ignored(rawValue: 1)
        package static let alreadyExists = Ignored(rawValue: 2)
        package static let conflict = Ignored(rawValue: 4)
        /// The namespace is being deleted: nothing can be made in it any more.
        package static let namespaceTerminating = Ignored(rawValue: 8)
    }

    package var action: Action
    package var ignored: Ignored

    package init(_ action: Action, ignoring: Ignored = []) {
        self.action = action
        self.ignored = ignoring
    }

    package func ignoring(_ more: Ignored) -> Write {
        Write(action, ignoring: ignored.union(more))
    }
}

/// The media types of patches.
package enum PatchType: String, Sendable, CaseIterable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"
}

/// Which object, or which subresource of it.
package struct ObjectTarget: Sendable, Hashable {
    package var resource: GroupVersionResource
    package var key: ObjectKey
    package var subresource: String

    package init(_ resource: GroupVersionResource, _ key: ObjectKey, subresource: String = "") {
        self.resource = resource
        self.key = key
        self.subresource = subresource
    }

    package init<Object: APIObject>(_ object: Object, subresource: String = "") {
        self.init(Object.resource, object.key, subresource: subresource)
    }
}

// MARK: - Making writes

extension Write {
    package static func create(_ object: any APIObject) -> Write { Write(.create(object)) }

    package static func update(_ object: any APIObject, subresource: String = "") -> Write {
        Write(.update(object, at: ObjectTarget(any: object, subresource: subresource)))
    }

    /// Updates what has no resource of its own, such as a `Scale`.
    package static func update(_ object: any APIObject, at target: ObjectTarget) -> Write {
        Write(.update(object, at: target))
    }

    package static func updateStatus(_ object: any APIObject) -> Write {
        update(object, subresource: "status")
    }

    package static func patch<Object: APIObject>(
        _ object: Object, _ type: PatchType, _ body: [UInt8], subresource: String = ""
    ) -> Write {
        Write(.patch(ObjectTarget(object, subresource: subresource), type, body))
    }

    package static func patch(_ target: ObjectTarget, _ type: PatchType, _ body: [UInt8]) -> Write {
        Write(.patch(target, type, body))
    }

    /// Deletes this very object (its UID is made a precondition); that it is gone already is no failure.
    package static func delete<Object: APIObject>(
        _ object: Object, options: DeleteOptions = DeleteOptions()
    ) -> Write {
        var options: DeleteOptions = options
        if !object.metadata.uid.isEmpty {
            var preconditions: Preconditions = options.preconditions ?? Preconditions()
            preconditions.uid = object.metadata.uid
            options.preconditions = preconditions
        }
        return Write(.delete(ObjectTarget(object), options), ignoring: .notFound)
    }

    package static func delete(_ target: ObjectTarget, options: DeleteOptions = DeleteOptions()) -> Write {
        Write(.delete(target, options))
    }

    package static func createSubresource(_ target: ObjectTarget, _ object: any APIObject) -> Write {
        Write(.createSubresource(target, object))
    }

    /// Binds a pod to a node.
    package static func bind(_ pod: Pod, to node: String) -> Write {
        Write(.createSubresource(ObjectTarget(pod, subresource: "binding"), Binding.of(pod, to: node)))
    }

    /// Records an event about an object; see `EventRecorder`.
    package static func event<Object: APIObject>(
        _ object: Object, _ type: EventNote.Kind = .normal, reason: String, _ message: String
    ) -> Write {
        Write(.event(EventNote(ObjectReference.to(object), type, reason: reason, message)))
    }
}

extension Binding {
    /// What is posted to a pod's `binding` subresource. The UID makes sure that it is this very pod.
    package static func of(_ pod: Pod, to node: String) -> Binding {
        Binding.with {
            $0.metadata.namespace = pod.metadata.namespace
            $0.metadata.name = pod.metadata.name
            $0.metadata.uid = pod.metadata.uid
            $0.target.kind = "Node"
            $0.target.name = node
        }
    }
}
