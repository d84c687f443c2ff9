package import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

/// Gives services what must be unique in the cluster: cluster IPs, node ports, health check ports.
package protocol ServiceAllocator: Sendable {
    /// Takes what the service needs and does not have, writes it into the service (also `ipFamilies` and
    /// `ipFamilyPolicy`), and checks what it asks for. With `old`, gives back (on commit) what is no longer needed.
    func allocate(_ service: inout Service, old: Service?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?
    /// The service is gone.
    func release(_ service: Service)
}

/// Leaves services as they are: for tests of everything else.
package struct NoServiceAllocator: ServiceAllocator {
    package init() {}

    package func allocate(_ service: inout Service, old: Service?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?
    {
        nil
    }

    package func release(_ service: Service) {}
}

package struct ServiceStrategy: KindStrategy {
    package let info = ResourceInfo(
        Service.gvk, resource: "services", shortNames: ["svc"], categories: ["all"], namespaced: true,
        subresources: [
            ResourceInfo.Subresource(
                "proxy", gvk: GroupVersionKind(group: "", version: "v1", kind: "ServiceProxyOptions"),
                verbs: ["create", "delete", "get", "patch", "update"]), ResourceInfo.status(of: Service.gvk),
        ])
    private let allocator: any ServiceAllocator

    package init(allocator: any ServiceAllocator) {
        self.allocator = allocator
    }

    package var parts: ObjectParts<Service> { ObjectParts(uncounted: \Service.spec, status: \Service.status) }
    package var nameRule: NameRule { .dns1035Label }
    package var allowsCreateOnUpdate: Bool { true }
    package var returnsDeletedObject: Bool { true }
    package func setDefaults(_ service: inout Service) { service.setDefaults() }

    package func prepareForCreate(_ service: inout Service, context: RequestContext) {
        applyCreateRules(&service)
        if !service.spec.clusterIP.isEmpty, service.spec.clusterIPs.isEmpty {
            service.spec.clusterIPs = [service.spec.clusterIP]
        }
    }

    package func validateCreate(_ service: Service, context: RequestContext) -> FieldErrors { service.validate() }

    package func prepareForUpdate(_ service: inout Service, old: Service, context: RequestContext) {
        applyUpdateRules(&service, old: old)
        service.spec.keepAllocated(of: old.spec)
        service.spec.alignClusterIPs(with: old.spec)
        service.spec.dropUnneeded(of: old.spec)
        // Nobody else would: who gave the addresses no longer looks at the service.
        if service.spec.type != "LoadBalancer" { service.status.loadBalancer = LoadBalancerStatus() }
    }

    package func validateUpdate(_ service: Service, old: Service, context: RequestContext) -> FieldErrors {
        service.validateUpdate(of: old)
    }

    package func validateStatusUpdate(_ service: Service, old: Service, context: RequestContext) -> FieldErrors {
        service.validateStatus()
    }

    package func allocate(_ service: inout Service, old: Service?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?
    {
        if !context.subresource.isEmpty { return nil }
        return try allocator.allocate(&service, old: old, context: context)
    }

    package func afterDelete(_ service: Service, context: RequestContext) { allocator.release(service) }

    package func warnings(_ service: Service, old: Service?, context: RequestContext) -> [String] {
        context.subresource.isEmpty ? service.warnings : []
    }

    package var selectableFields: [String] { ["spec.clusterIP", "spec.type"] }
    package func selectableValues(_ service: Service) -> [String] { [service.spec.clusterIP, service.spec.type] }

    package var table: TableDefinition<Service> {
        TableDefinition([
            .name, TableColumn("Type"), TableColumn("Cluster-IP"), TableColumn("External-IP"), TableColumn("Port(s)"),
            .age, TableColumn("Selector", priority: 1),
        ]) { service, now in
            [
                .string(service.metadata.name), .string(service.spec.type),
                CellText.orNone(service.spec.clusterIPs.first ?? service.spec.clusterIP),
                .string(service.externalText), CellText.orNone(service.portsText), CellText.age(service.metadata, now),
                CellText.labels(service.spec.selector),
            ]
        }
    }
}

extension Service {
    fileprivate var externalText: String {
        var addresses: [String] = spec.externalIPs
        switch spec.type {
        case "ExternalName": return spec.externalName
        case "LoadBalancer":
            let given: [String] = status.loadBalancer.ingress.map { $0.ip.isEmpty ? $0.hostname : $0.ip }
            addresses = Set(given.filter { !$0.isEmpty }).sorted() + addresses
            return addresses.isEmpty ? "<pending>" : addresses.joined(separator: ",")
        default: return addresses.isEmpty ? CellText.none : addresses.joined(separator: ",")
        }
    }

    fileprivate var portsText: String {
        let texts: [String] = spec.ports.map { port in
            let node: String = port.nodePort > 0 ? ":\(port.nodePort)" : ""
            return "\(port.port)\(node)/\(port.protocol)"
        }
        return texts.joined(separator: ",")
    }
}
