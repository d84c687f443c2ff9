import APICore
package import APIMachinery
import Codec

/// `componentstatuses`: whether the components of the control plane are well. Made when it is asked for, never stored.
package struct ComponentStatusResource: VirtualResource {
    /// One component, and how to ask it.
    package struct Component: Sendable {
        package var name: String
        /// Nil: all is well; else why not.
        package var failure: @Sendable () -> String?

        package init(_ name: String, failure: @escaping @Sendable () -> String?) {
            self.name = name
            self.failure = failure
        }
    }

    private static let deprecation: String = "v1 ComponentStatus is deprecated in v1.19+"

    private let components: [Component]

    /// - Parameter components: those beside the store, which the server knows itself.
    package init(_ components: [Component] = []) {
        self.components = components.sorted { $0.name < $1.name }
    }

    package let info = ResourceInfo(
        ComponentStatus.gvk, resource: "componentstatuses", singular: "componentstatus", shortNames: ["cs"],
        namespaced: false, verbs: [.get, .list])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        let feed: CacheFeed = call.server.services.feed
        let all: [Component] = components + [Component("etcd-0") { feed.failure }]
        if call.request.verb == .get {
            guard let component = all.first(where: { $0.name == call.request.name }) else {
                throw .notFound(info.gvr, call.request.name)
            }
            return APIResponse(
                code: 200, body: .json(Self.status(component).jsonBytes), warnings: [Self.deprecation])
        }
        let options: ListOptions = try ListOptions(query: call.request.query)
        let list = ComponentStatusList.with { list in
            list.items = all.map { Self.status($0) }.filter { status in
                options.labels.matches(status.metadata.labels)
                    && options.fields.matches { $0 == "metadata.name" ? status.metadata.name : "" }
            }
        }
        return APIResponse(code: 200, body: .json(list.jsonBytes), warnings: [Self.deprecation])
    }

    private static func status(_ component: Component) -> ComponentStatus {
        let failure: String? = component.failure()
        return ComponentStatus.with { status in
            status.metadata.name = component.name
            status.conditions = [
                ComponentCondition.with {
                    $0.type = "Healthy"
                    $0.status = failure == nil ? "True" : "False"
                    $0.message = failure == nil ? "ok" : ""
                    $0.error = failure ?? ""
                }
            ]
        }
    }
}
