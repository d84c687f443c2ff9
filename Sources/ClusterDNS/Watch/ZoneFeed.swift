package import API
import APIDiscovery
package import Client

/// Turns what the API server tells of Services, EndpointSlices and Namespaces into changes of the zone.
package struct ZoneFeed: Sendable {
    private static let serviceLabel: String = "kubernetes.io/service-name"

    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    private let namespaces: Informer<Namespace>
    private let post: @Sendable (ZoneChange) -> Void

    /// - Parameters:
    ///   - informers: not running yet.
    ///   - post: quick, and in order.
    package init(_ informers: InformerSet, post: @escaping @Sendable (ZoneChange) -> Void) {
        services = informers.informer(Service.self)
        slices = informers.informer(EndpointSlice.self, selection: Selection(labelSelector: Self.serviceLabel))
        namespaces = informers.informer(Namespace.self)
        self.post = post
        services.addHandler { event in post(Self.change(event)) }
        slices.addHandler { event in
            for change in Self.changes(event) { post(change) }
        }
        namespaces.addHandler { event in
            post(event.kind == .deleted ? .namespaceGone(event.key.name) : .namespace(event.key.name))
        }
    }

    /// Tells when everything is there. Returns then, or when the task is cancelled.
    package func run() async {
        guard await services.waitUntilSynced(), await slices.waitUntilSynced(), await namespaces.waitUntilSynced()
        else {
            return
        }
        post(.complete)
    }

    package static func change(_ event: InformerEvent<Service>) -> ZoneChange {
        let key = ServiceKey(event.key.namespace, event.key.name)
        guard event.kind != .deleted, let service = zoneService(event.object, key) else {
            return .serviceGone(key, revision: event.revision)
        }
        return .service(service, revision: event.revision)
    }

    /// nil: it has no name.
    private static func zoneService(_ service: Service, _ key: ServiceKey) -> ZoneService? {
        let ports: [ZonePort] = service.spec.ports.map { port in
            ZonePort(name: port.name, transport: transport(port.protocol), number: UInt16(clamping: port.port))
        }
        if service.spec.type == "ExternalName" {
            guard let target = DNSName(service.spec.externalName) else { return nil }
            return ZoneService(key, .alias(target), ports: ports)
        }
        if service.spec.clusterIP == "None" { return ZoneService(key, .headless, ports: ports) }
        let texts: [String] = service.spec.clusterIPs.isEmpty ? [service.spec.clusterIP] : service.spec.clusterIPs
        let addresses: [InternetAddress] = texts.compactMap { InternetAddress($0) }
        return addresses.isEmpty ? nil : ZoneService(key, .clusterAddresses(addresses), ports: ports)
    }

    package static func changes(_ event: InformerEvent<EndpointSlice>) -> [ZoneChange] {
        func service(_ slice: EndpointSlice?) -> ServiceKey? {
            slice?.metadata.labels[serviceLabel].map { ServiceKey(event.key.namespace, $0) }
        }
        let name: String = event.key.name
        let before: ServiceKey? = service(event.old)
        let now: ServiceKey? = event.kind == .deleted ? nil : service(event.object)
        var changes: [ZoneChange] = []
        if let before, before != now {
            changes.append(.sliceGone(name: name, service: before, revision: event.revision))
        }
        if let now { changes.append(.slice(zoneSlice(event.object, of: now), revision: event.revision)) }
        return changes
    }

    private static func zoneSlice(_ slice: EndpointSlice, of service: ServiceKey) -> ZoneSlice {
        let endpoints: [ZoneSlice.Endpoint] = slice.endpoints.map { endpoint in
            let target: ObjectReference? = endpoint.targetRef
            return ZoneSlice.Endpoint(
                endpoint.addresses.compactMap { InternetAddress($0) },
                hostname: endpoint.hostname.flatMap { $0.isEmpty ? nil : $0 },
                // Unknown counts as ready, as the API says.
                isReady: endpoint.conditions.ready ?? true, pod: target?.kind == "Pod" ? target?.name : nil)
        }
        let ports: [ZonePort] = slice.ports.compactMap { port in
            port.port.map {
                ZonePort(
                    name: port.name ?? "", transport: transport(port.protocol ?? ""), number: UInt16(clamping: $0))
            }
        }
        return ZoneSlice(slice.metadata.name, of: service, endpoints, ports: ports)
    }

    private static func transport(_ text: String) -> String { text.isEmpty ? "tcp" : text.lowercased() }
}
