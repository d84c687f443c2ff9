import APIDefaults
import APIMachinery
import APIRegistration
import APIValidation
import Codec

/// API services: which server answers for which group and version.
enum APIServiceKinds {
    static let services = PlainStrategy<APIService>(
        ResourceInfo(
            APIService.gvk, resource: "apiservices", categories: ["api-extensions"], namespaced: false,
            subresources: [ResourceInfo.status(of: APIService.gvk)]),
        parts: ObjectParts(uncounted: \APIService.spec, status: \APIService.status),
        table: TableDefinition([.name, TableColumn("Service"), TableColumn("Available"), .age]) { service, now in
            [
                .string(service.metadata.name),
                .string(service.spec.service.map { $0.namespace + "/" + $0.name } ?? "Local"),
                .string(availability(service)), CellText.age(service.metadata, now),
            ]
        }
    ) { strategy in
        strategy.nameRule = .custom
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.onCreate = { service, context in
            // What this server answers itself is there from the first moment.
            if service.spec.service == nil { service.status.conditions = [localCondition(context.now)] }
        }
        strategy.onStatus = { service, old, _ in service.keepMetadata(of: old) }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { service, _ in service.validate() }
        strategy.checkStatus = { service, _ in service.validateStatus() }
    }

    private static func localCondition(_ now: Time) -> APIServiceCondition {
        APIServiceCondition.with {
            $0.type = "Available"
            $0.status = "True"
            $0.lastTransitionTime = now
            $0.reason = "Local"
            $0.message = "Local APIServices are always available"
        }
    }

    private static func availability(_ service: APIService) -> String {
        guard let condition = service.status.conditions.first(where: { $0.type == "Available" }) else {
            return "Unknown"
        }
        return condition.status == "True" ? "True" : "\(condition.status) (\(condition.reason))"
    }
}
