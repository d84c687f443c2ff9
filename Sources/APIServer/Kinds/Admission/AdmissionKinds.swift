import APIAdmissionRegistration
import APIDefaults
import APIMachinery
import APIValidation
import Codec

/// Webhooks and policies that have a say before an object is stored.
enum AdmissionKinds {
    private static let categories = ["api-extensions"]

    static let mutatingWebhooks = PlainStrategy<MutatingWebhookConfiguration>(
        ResourceInfo(
            MutatingWebhookConfiguration.gvk, resource: "mutatingwebhookconfigurations", categories: categories,
            namespaced: false),
        parts: ObjectParts(spec: \MutatingWebhookConfiguration.webhooks),
        table: webhookTable { $0.webhooks.count }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { configuration, _ in configuration.validate() }
    }

    static let validatingWebhooks = PlainStrategy<ValidatingWebhookConfiguration>(
        ResourceInfo(
            ValidatingWebhookConfiguration.gvk, resource: "validatingwebhookconfigurations", categories: categories,
            namespaced: false),
        parts: ObjectParts(spec: \ValidatingWebhookConfiguration.webhooks),
        table: webhookTable { $0.webhooks.count }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { configuration, _ in configuration.validate() }
    }

    private static func webhookTable<Object: APIObject>(_ count: @escaping @Sendable (Object) -> Int)
        -> TableDefinition<Object>
    {
        TableDefinition([.name, TableColumn("Webhooks", type: "integer"), .age]) { object, now in
            [.string(object.metadata.name), CellText.int(count(object)), CellText.age(object.metadata, now)]
        }
    }

    static let policies = PlainStrategy<ValidatingAdmissionPolicy>(
        ResourceInfo(
            ValidatingAdmissionPolicy.gvk, resource: "validatingadmissionpolicies",
            singular: "validatingadmissionpolicy", categories: categories, namespaced: false,
            subresources: [ResourceInfo.status(of: ValidatingAdmissionPolicy.gvk)]),
        parts: ObjectParts(spec: \ValidatingAdmissionPolicy.spec, status: \ValidatingAdmissionPolicy.status),
        table: TableDefinition([
            .name, TableColumn("Validations", type: "integer"), TableColumn("ParamKind"), .age,
        ]) { policy, now in
            [
                .string(policy.metadata.name), CellText.int(policy.spec.validations.count),
                .string(policy.spec.paramKind.map { $0.apiVersion + "/" + $0.kind } ?? CellText.unset),
                CellText.age(policy.metadata, now),
            ]
        }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { policy, _ in policy.validate() }
        strategy.checkStatus = { policy, _ in policy.validateStatus() }
    }

    static let bindings = PlainStrategy<ValidatingAdmissionPolicyBinding>(
        ResourceInfo(
            ValidatingAdmissionPolicyBinding.gvk, resource: "validatingadmissionpolicybindings",
            categories: categories, namespaced: false),
        parts: ObjectParts(spec: \ValidatingAdmissionPolicyBinding.spec),
        table: TableDefinition([.name, TableColumn("PolicyName"), TableColumn("ParamRef"), .age]) { binding, now in
            [
                .string(binding.metadata.name), .string(binding.spec.policyName),
                .string(parameter(binding.spec.paramRef)), CellText.age(binding.metadata, now),
            ]
        }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { binding, _ in binding.validate() }
    }

    private static func parameter(_ reference: ParamRef?) -> String {
        guard let reference else { return CellText.unset }
        if reference.name.isEmpty { return reference.selector?.formatted ?? CellText.unset }
        return reference.namespace.isEmpty ? reference.name : reference.namespace + "/" + reference.name
    }
}
