import API
package import APICore
package import APIDiscovery
import APIMachinery
import Client
import Netfilter

extension ServiceFacts {
    /// Nil for what has no packets of its own: headless services, names of others, and those that another proxy serves.
    package init?(_ service: Service) {
        let labels: StringMap<String> = service.metadata.labels
        guard service.spec.type != "ExternalName", labels["service.kubernetes.io/service-proxy-name"] == nil else {
            return nil
        }
        let spec: ServiceSpec = service.spec
        guard !spec.clusterIP.isEmpty, spec.clusterIP != "None" else { return nil }
        self.init(ServiceName(service.metadata.namespace, service.metadata.name))
        ports = spec.ports.compactMap { port in
            guard let transport = TransportProtocol(port.protocol), let number = UInt16(exactly: port.port) else {
                return nil
            }
            return Port(
                name: port.name, transport: transport, number: number, nodePort: UInt16(exactly: port.nodePort) ?? 0)
        }
        let addresses: [String] = spec.clusterIPs.isEmpty ? [spec.clusterIP] : spec.clusterIPs
        clusterAddresses = addresses.compactMap { InternetAddress($0) }
        externalAddresses = spec.externalIPs.compactMap { InternetAddress($0) }
        if spec.type == "LoadBalancer" {
            balancerAddresses = service.status.loadBalancer.ingress.compactMap { ingress in
                ingress.ipMode == "Proxy" ? nil : InternetAddress(ingress.ip)
            }
            let ranges: [IPPrefix] = spec.loadBalancerSourceRanges.compactMap { IPPrefix(Self.trimmed($0)) }
            if !spec.loadBalancerSourceRanges.isEmpty { allowedSources = ranges }
        }
        if spec.sessionAffinity == "ClientIP" {
            affinitySeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800
        }
        isInternalLocal = spec.internalTrafficPolicy == "Local"
        isExternalLocal = spec.externalTrafficPolicy == "Local"
        healthCheckPort = UInt16(exactly: spec.healthCheckNodePort) ?? 0
    }

    private static func trimmed(_ text: String) -> String { text.filter { $0 != " " } }
}

extension SliceFacts {
    /// Nil for slices of names, and of headless services.
    package init?(_ slice: EndpointSlice, node: String) {
        guard slice.addressType != "FQDN", slice.metadata.labels["service.kubernetes.io/headless"] == nil else {
            return nil
        }
        let ports: [Port] = slice.ports.compactMap { port in
            guard let transport = TransportProtocol(port.protocol ?? ""),
                let number = port.port.flatMap({ UInt16(exactly: $0) })
            else { return nil }
            return Port(name: port.name ?? "", transport: transport, number: number)
        }
        // Of several addresses of an endpoint only the first counts, as upstream's proxy does.
        let endpoints: [EndpointFacts] = slice.endpoints.compactMap { endpoint in
            guard let address = endpoint.addresses.first.flatMap({ InternetAddress($0) }) else { return nil }
            let isReady: Bool = endpoint.conditions.ready ?? true
            return EndpointFacts(
                address, isReady: isReady, isServing: endpoint.conditions.serving ?? isReady,
                isTerminating: endpoint.conditions.terminating ?? false, isLocal: endpoint.nodeName == node,
                zones: endpoint.hints?.forZones.map(\.name) ?? [], nodes: endpoint.hints?.forNodes.map(\.name) ?? [])
        }
        self.init(ports: ports, endpoints: endpoints)
    }

    /// The service that a slice belongs to.
    static func service(of slice: EndpointSlice) -> ServiceName? {
        slice.metadata.labels["kubernetes.io/service-name"].map { ServiceName(slice.metadata.namespace, $0) }
    }
}
