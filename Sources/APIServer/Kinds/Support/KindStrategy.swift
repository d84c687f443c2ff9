package import APIMachinery
import Codec

/// What the strategies of the built-in kinds share beyond `ResourceStrategy`.
package protocol KindStrategy: ResourceStrategy {
    /// Whether the status endpoint keeps the old labels; most kinds let it change them, as upstream does.
    var keepsLabelsOfStatus: Bool { get }
}

extension KindStrategy {
    package var keepsLabelsOfStatus: Bool { false }

    package func prepareForStatusUpdate(_ object: inout Object, old: Object, context: RequestContext) {
        applyKindStatusRules(&object, old: old)
    }

    /// The default of `prepareForStatusUpdate`, for strategies that add to it.
    package func applyKindStatusRules(_ object: inout Object, old: Object) {
        let labels: StringMap<String> = object.metadata.labels
        applyStatusRules(&object, old: old)
        if !keepsLabelsOfStatus { object.metadata.labels = labels }
    }
}

extension ObjectParts {
    /// Spec and status of a kind that does not count generations.
    package init<Spec: APIMessage, Status: APIMessage>(
        uncounted spec: any WritableKeyPath<Object, Spec> & Sendable,
        status: any WritableKeyPath<Object, Status> & Sendable
    ) {
        self.init(spec: spec, status: status)
        sameSpec = nil
    }
}
