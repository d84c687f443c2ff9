package import APIExtensions
import APIMachinery
package import APIRegistration

extension APIService {
    package mutating func setDefaults() {
        if spec.service != nil, spec.service?.port == nil { spec.service?.port = 443 }
    }
}

extension CustomResourceDefinition {
    package mutating func setDefaults() {
        if status.storedVersions.isEmpty {
            status.storedVersions = spec.versions.filter { $0.storage }.map { $0.name }
        }
        if spec.names.singular.isEmpty { spec.names.singular = spec.names.kind.lowercased() }
        if spec.names.listKind.isEmpty, !spec.names.kind.isEmpty { spec.names.listKind = spec.names.kind + "List" }
        if spec.conversion == nil { spec.conversion = CustomResourceConversion.with { $0.strategy = "None" } }
        if spec.conversion?.webhook?.clientConfig?.service != nil,
            spec.conversion?.webhook?.clientConfig?.service?.port == nil
        {
            spec.conversion?.webhook?.clientConfig?.service?.port = 443
        }
    }
}
