import APICore
import APIMachinery
import APIValidation
import Codec

/// Warnings about pod templates, given when they are new or changed.
enum TemplateWarnings {
    static func of(
        _ template: PodTemplateSpec, replacing old: PodTemplateSpec?, generation: (ObjectMeta, ObjectMeta?),
        _ context: RequestContext, at path: FieldPath = FieldPath("spec").child("template")
    ) -> [String] {
        guard context.subresource.isEmpty else { return [] }
        if let before = generation.1, before.generation == generation.0.generation { return [] }
        return template.warnings(replacing: old, at: path)
    }
}
