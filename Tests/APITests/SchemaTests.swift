import API
import Codec
import Testing

struct SchemaTests {
    @Test func `merge rules and defaults can be looked up`() throws {
        let spec: Schema = PodSpec.schema
        #expect(spec.name == "io.k8s.api.core.v1.PodSpec")
        let containers = try #require(spec.field("containers"))
        #expect(containers.isRequired)
        #expect(containers.listType == .map)
        #expect(containers.listKeys == ["name"])
        #expect(containers.patchStrategy == ["merge"])
        #expect(containers.patchMergeKey == "name")
        let container = try #require(containers.type.schema)
        #expect(container.shortName == "Container")
        let ports = try #require(container.field("ports"))
        #expect(ports.listKeys == ["containerPort", "protocol"])
        #expect(ports.type.schema?.field("protocol")?.defaultValue == "TCP")
        #expect(spec.field("volumes")?.patchStrategy == ["merge", "retainKeys"])
        #expect(spec.field("nodeSelector")?.isAtomicMap == true)
        #expect(LabelSelector.schema.field("matchLabels")?.isAtomicMap == false)
        #expect(spec.field("kind") == nil)
        #expect(SeccompProfile.schema.union?.discriminator == "type")
        #expect(Deployment.schema.gvk == Deployment.gvk)
    }

    @Test func `every schema is whole`() {
        var names: Set<String> = []
        for schema in APITypes.schemas {
            #expect(names.insert(schema.name).inserted)
        }
        for schema in APITypes.schemas {
            for field in schema.fields {
                if let other = field.type.schema { #expect(names.contains(other.name)) }
                #expect((field.listType == .map) == !field.listKeys.isEmpty, "\(schema.name).\(field.name)")
            }
        }
        #expect(names.count > 400)
    }
}
