import APICore
import APIMachinery
import APIValidation
import Codec

/// Warnings about workloads: their names when they are new, their pod templates when those are new or changed.
enum TemplateWarnings {
    static func of(
        _ template: PodTemplateSpec, _ metadata: ObjectMeta, old: ObjectMeta?, _ context: RequestContext,
        at path: FieldPath = FieldPath("spec").child("template"), warnsOfName: Bool = true
    ) -> [String] {
        guard context.subresource.isEmpty else { return [] }
        if let old, old.generation == metadata.generation { return [] }
        let names: [String] = old == nil && warnsOfName ? NameWarnings.owner(metadata.name) : []
        return names + template.warnings(at: path)
    }
}
