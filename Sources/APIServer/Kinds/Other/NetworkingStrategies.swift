import APIDefaults
import APIMachinery
import APINetworking
import APIValidation
import Codec

enum NetworkingKinds {
    static let networkPolicies = PlainStrategy<NetworkPolicy>(
        ResourceInfo(NetworkPolicy.gvk, resource: "networkpolicies", shortNames: ["netpol"], namespaced: true),
        parts: ObjectParts(spec: \NetworkPolicy.spec),
        table: TableDefinition([.name, TableColumn("Pod-Selector"), .age]) { object, now in
            [
                .string(object.metadata.name), CellText.selector(object.spec.podSelector),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
    }

    static let ingresses = PlainStrategy<Ingress>(
        ResourceInfo(
            Ingress.gvk, resource: "ingresses", shortNames: ["ing"], namespaced: true,
            subresources: [ResourceInfo.status(of: Ingress.gvk)]),
        parts: ObjectParts(spec: \Ingress.spec, status: \Ingress.status),
        table: TableDefinition([
            .name, TableColumn("Class"), TableColumn("Hosts"), TableColumn("Address"), TableColumn("Ports"), .age,
        ]) { object, now in
            let hosts: [String] = object.spec.rules.map { $0.host }.filter { !$0.isEmpty }
            let addresses: [String] = object.status.loadBalancer.ingress.map { $0.ip.isEmpty ? $0.hostname : $0.ip }
            let name: String? = object.spec.ingressClassName ?? object.metadata.annotations[classAnnotation]
            return [
                .string(object.metadata.name), .string(name ?? CellText.none), CellText.firsts(hosts, empty: "*"),
                .string(addresses.filter { !$0.isEmpty }.joined(separator: ",")),
                .string(object.spec.tls.isEmpty ? "80" : "80, 443"), CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.check = { $0.validateCreate() }
        strategy.checkUpdate = { object, _ in object.validate() }
        strategy.checkStatus = { object, _ in object.validateStatus() }
        strategy.warn = { object, old in
            guard old == nil, object.metadata.annotations[classAnnotation] != nil else { return [] }
            return [
                "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
            ]
        }
    }

    private static let classAnnotation = "kubernetes.io/ingress.class"

    static let ingressClasses = PlainStrategy<IngressClass>(
        ResourceInfo(IngressClass.gvk, resource: "ingressclasses", singular: "ingressclass", namespaced: false),
        parts: ObjectParts(spec: \IngressClass.spec),
        table: TableDefinition([.name, TableColumn("Controller"), TableColumn("Parameters"), .age]) { object, now in
            var parameters: String = CellText.none
            if let given = object.spec.parameters {
                parameters = given.kind
                if let group = given.apiGroup { parameters += "." + group }
                parameters += "/" + given.name
            }
            return [
                .string(object.metadata.name), .string(object.spec.controller), .string(parameters),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let addresses = PlainStrategy<APINetworking.IPAddress>(
        ResourceInfo(
            APINetworking.IPAddress.gvk, resource: "ipaddresses", shortNames: ["ip"], namespaced: false),
        table: TableDefinition([.name, TableColumn("ParentRef")]) { object, _ in
            let parent: ParentReference = object.spec.parentRef ?? ParentReference()
            let parts: [String] = [
                parent.group.isEmpty ? parent.resource : parent.resource + "." + parent.group, parent.namespace,
                parent.name,
            ]
            return [
                .string(object.metadata.name), .string(parts.filter { !$0.isEmpty }.joined(separator: "/")),
            ]
        }
    ) { strategy in
        // No subdomain: those of IPv6 have colons.
        strategy.nameRule = .custom
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let serviceRanges = PlainStrategy<ServiceCIDR>(
        ResourceInfo(
            ServiceCIDR.gvk, resource: "servicecidrs", namespaced: false,
            subresources: [ResourceInfo.status(of: ServiceCIDR.gvk)]),
        parts: ObjectParts(uncounted: \ServiceCIDR.spec, status: \ServiceCIDR.status),
        table: TableDefinition([.name, TableColumn("CIDRs"), .age]) { object, now in
            [
                .string(object.metadata.name), .string(object.spec.cidrs.joined(separator: ",")),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }
}
