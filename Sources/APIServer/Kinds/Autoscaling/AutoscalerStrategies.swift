package import APIAutoscaling
package import APIAutoscalingV2
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

/// Autoscalers as autoscaling/v2 has them, which is how they are stored.
enum AutoscalerKinds {
    static let current = PlainStrategy<APIAutoscalingV2.HorizontalPodAutoscaler>(
        AutoscalerKinds.info(APIAutoscalingV2.HorizontalPodAutoscaler.gvk),
        parts: ObjectParts(
            uncounted: \APIAutoscalingV2.HorizontalPodAutoscaler.spec,
            status: \APIAutoscalingV2.HorizontalPodAutoscaler.status),
        table: AutoscalerTable.definition { $0 }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.onCreate = { autoscaler, _ in autoscaler.dropTolerances() }
        strategy.onUpdate = { autoscaler, old, _ in
            if !old.hasTolerances { autoscaler.dropTolerances() }
        }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
        strategy.checkStatus = { autoscaler, _ in autoscaler.validateStatus() }
    }

    static func info(_ gvk: GroupVersionKind) -> ResourceInfo {
        ResourceInfo(
            gvk, resource: "horizontalpodautoscalers", shortNames: ["hpa"], categories: ["all"], namespaced: true,
            subresources: [ResourceInfo.status(of: gvk)])
    }
}

extension APIAutoscalingV2.HorizontalPodAutoscaler {
    /// Upstream has them behind a gate that is off.
    fileprivate var hasTolerances: Bool {
        spec.behavior?.scaleUp?.tolerance != nil || spec.behavior?.scaleDown?.tolerance != nil
    }

    fileprivate mutating func dropTolerances() {
        guard hasTolerances else { return }
        spec.behavior?.scaleUp?.tolerance = nil
        spec.behavior?.scaleDown?.tolerance = nil
    }
}

/// Autoscalers as autoscaling/v1 has them: the same objects, with annotations for what it has no fields for.
package struct OlderAutoscalerStrategy: KindStrategy {
    package typealias Older = APIAutoscaling.HorizontalPodAutoscaler
    package typealias Current = APIAutoscalingV2.HorizontalPodAutoscaler

    package let info: ResourceInfo = AutoscalerKinds.info(Older.gvk)

    package init() {}

    package var isStorageVersion: Bool { false }
    package var parts: ObjectParts<Older> { ObjectParts(uncounted: \Older.spec, status: \Older.status) }

    package func load(_ snapshot: Snapshot) throws(StatusError) -> Older {
        do throws(JSONError) {
            return Older(try snapshot.decode(Current.self))
        } catch {
            throw StatusError.internalError("failed to decode autoscaler \(snapshot.name): \(error.message)")
        }
    }

    package func store(_ autoscaler: Older) -> [UInt8] {
        SnapshotCoding.encode(Self.current(autoscaler))
    }

    private static func current(_ autoscaler: Older) -> Current {
        var current = Current(autoscaler)
        current.setDefaults()
        return current
    }

    package func setDefaults(_ autoscaler: inout Older) { autoscaler.setDefaults() }

    /// A new object has no status, and so none in its annotations.
    package func prepareForCreate(_ autoscaler: inout Older, context: RequestContext) {
        var current: Current = Self.current(autoscaler)
        AutoscalerKinds.current.prepareForCreate(&current, context: context)
        autoscaler = Older(current)
    }

    package func prepareForUpdate(_ autoscaler: inout Older, old: Older, context: RequestContext) {
        var current: Current = Self.current(autoscaler)
        AutoscalerKinds.current.prepareForUpdate(&current, old: Self.current(old), context: context)
        autoscaler = Older(current)
    }

    package func prepareForStatusUpdate(_ autoscaler: inout Older, old: Older, context: RequestContext) {
        var current: Current = Self.current(autoscaler)
        AutoscalerKinds.current.prepareForStatusUpdate(&current, old: Self.current(old), context: context)
        autoscaler = Older(current)
    }

    package func validateCreate(_ autoscaler: Older, context: RequestContext) -> FieldErrors {
        Self.current(autoscaler).validate()
    }

    package func validateUpdate(_ autoscaler: Older, old: Older, context: RequestContext) -> FieldErrors {
        Self.current(autoscaler).validateUpdate(of: Self.current(old))
    }

    package func validateStatusUpdate(_ autoscaler: Older, old: Older, context: RequestContext) -> FieldErrors {
        Self.current(autoscaler).validateStatus()
    }

    package var table: TableDefinition<Older> { AutoscalerTable.definition { Current($0) } }
}
