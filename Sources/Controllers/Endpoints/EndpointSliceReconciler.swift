package import API
import APIDiscovery
package import APIMachinery
package import Client

/// Keeps the EndpointSlices of services with a selector: who serves, where, and in what state.
package struct EndpointSliceReconciler: Reconciler {
    package static let serviceLabel: String = "kubernetes.io/service-name"
    package static let managerLabel: String = "endpointslice.kubernetes.io/managed-by"
    package static let manager: String = "endpointslice-controller.k8s.io"
    package static let headlessLabel: String = "service.kubernetes.io/headless"

    private let services: ObjectCache<Service>
    private let pods: ObjectCache<Pod>
    private let nodes: ObjectCache<Node>
    private let slices: ObjectCache<EndpointSlice>

    /// - Parameter slices: with the index `byService`.
    package init(
        services: ObjectCache<Service>, pods: ObjectCache<Pod>, nodes: ObjectCache<Node>,
        slices: ObjectCache<EndpointSlice>
    ) {
        self.services = services
        self.pods = pods
        self.nodes = nodes
        self.slices = slices
    }

    /// Slices by the service they say they are of.
    package static let byService = ObjectIndex<EndpointSlice>("service") { slice in
        slice.metadata.labels[serviceLabel].map { ["\(slice.metadata.namespace)/\($0)"] } ?? []
    }

    /// - Parameter key: of a service.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        // The slices of a service that is gone belong to the garbage collector.
        guard let service = services[key], service.metadata.deletionTimestamp == nil,
            service.spec.type != "ExternalName", !service.spec.selector.isEmpty
        else { return .done }
        let existing: [EndpointSlice] = slices.list(Self.byService, key.description).filter {
            $0.metadata.labels[Self.managerLabel] == Self.manager && $0.metadata.deletionTimestamp == nil
        }
        var missing: [String] = []
        var refusal: ZoneShares.Refusal?
        var plan = SlicePlanner.Plan()
        let template: ObjectMeta = template(service)
        let families: [Bool] = ServiceBackends.usesIPv6(service)
        for isIPv6 in families {
            var groups: [SlicePlanner.Group] = groups(service, isIPv6: isIPv6, missing: &missing)
            if ZoneShares.areWanted(service) { refusal = spread(&groups) ?? refusal }
            let planner = SlicePlanner(
                existing: existing.filter { ($0.addressType == "IPv6") == isIPv6 }, template: template)
            plan.add(planner.plan(groups, placeholder: isIPv6))
        }
        plan.delete += existing.filter { !families.contains($0.addressType == "IPv6") }
        annotate(&plan, service, existing)
        var result = Reconciliation()
        result.write(plan.writes, .parallel)
        if !plan.writes.isEmpty, let event = event(service, refusal, existing) { result.write(event) }
        if let first = missing.first {
            result.failure = "skipping pods of service \(key): node \(first) not found"
        }
        return result
    }

    package func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        let failed: WriteOutcome? = outcomes.first { outcome in
            outcome.error.map { !$0.isConflict } ?? false
        }
        guard let service = services[key], let error = failed?.error else { return nil }
        let message: String = "Error updating Endpoint Slices for Service \(key): \(error.message)"
        return Reconciliation([.event(service, .warning, reason: "FailedToUpdateEndpointSlices", message)])
    }

    /// Says in every slice that is written since when it should have been.
    private func annotate(_ plan: inout SlicePlanner.Plan, _ service: Service, _ existing: [EndpointSlice]) {
        let changed: [EndpointSlice] = plan.create + plan.update
        guard !changed.isEmpty else { return }
        var trigger = ChangeTrigger()
        if existing.isEmpty { trigger.add(service.metadata.creationTimestamp) }
        var before: [String: Endpoint] = [:]
        for endpoint in existing.flatMap(\.endpoints) { before[Self.key(endpoint)] = endpoint }
        for endpoint in changed.flatMap(\.endpoints) {
            guard let target = endpoint.targetRef, before[Self.key(endpoint)] != endpoint,
                let pod = pods.get(target.namespace, target.name), pod.metadata.uid == target.uid
            else { continue }
            trigger.add(pod)
        }
        for index in plan.create.indices {
            plan.create[index].metadata.annotations[ChangeTrigger.annotation] = trigger.text
        }
        for index in plan.update.indices {
            plan.update[index].metadata.annotations[ChangeTrigger.annotation] = trigger.text
        }
    }

    private static func key(_ endpoint: Endpoint) -> String {
        "\(endpoint.targetRef?.uid ?? "") \(endpoint.addresses.first ?? "")"
    }

    /// Says when zones begin or cease to have endpoints of their own, and why they have none.
    private func event(_ service: Service, _ refusal: ZoneShares.Refusal?, _ existing: [EndpointSlice]) -> Write? {
        guard ZoneShares.areWanted(service) else { return nil }
        let hadHints: Bool = existing.contains { $0.endpoints.contains { $0.hints != nil } }
        if let refusal { return .event(service, .warning, reason: "TopologyAwareHintsDisabled", refusal.message) }
        if hadHints { return nil }
        return .event(
            service, .normal, reason: "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled")
    }

    // MARK: - What there should be

    /// Gives ready endpoints the zones that they are for; none, and why, if that cannot be.
    private func spread(_ groups: inout [SlicePlanner.Group]) -> ZoneShares.Refusal? {
        let places: [(Int, Int)] = groups.indices.flatMap { group in
            groups[group].endpoints.indices.map { (group, $0) }
        }.filter { groups[$0.0].endpoints[$0.1].conditions.ready == true }
        if places.isEmpty { return nil }
        switch ZoneShares(nodes.list()).hints(places.map { groups[$0.0].endpoints[$0.1].zone }) {
        case .failure(let refusal):
            return refusal
        case .success(let zones):
            for (place, zone) in zip(places, zones) {
                var hints = EndpointHints()
                hints.forZones = [ForZone.with { $0.name = zone }]
                groups[place.0].endpoints[place.1].hints = hints
            }
            return nil
        }
    }

    private func groups(_ service: Service, isIPv6: Bool, missing: inout [String]) -> [SlicePlanner.Group] {
        var groups: [SlicePlanner.Group] = []
        for pod in pods.list(namespace: service.metadata.namespace) {
            guard ServiceBackends.selects(service, pod.metadata.labels), ServiceBackends.canServe(pod) else { continue }
            let addresses: [String] = ServiceBackends.addresses(pod, isIPv6: isIPv6)
            guard !addresses.isEmpty else { continue }
            let node: Node? = nodes.get("", pod.spec.nodeName)
            if node == nil && !pod.spec.nodeName.isEmpty {
                missing.append(pod.spec.nodeName)
                continue
            }
            let ports: [APIDiscovery.EndpointPort] = ports(service, pod)
            let endpoint: Endpoint = endpoint(pod, addresses, service, node)
            if let index = groups.firstIndex(where: { $0.ports == ports }) {
                groups[index].endpoints.append(endpoint)
            } else {
                groups.append(SlicePlanner.Group(ports: ports, endpoints: [endpoint], isIPv6: isIPv6))
            }
        }
        return groups
    }

    private func ports(_ service: Service, _ pod: Pod) -> [APIDiscovery.EndpointPort] {
        service.spec.ports.compactMap { port in
            guard let number = ServiceBackends.port(port, on: pod) else { return nil }
            return APIDiscovery.EndpointPort.with {
                $0.name = port.name
                $0.port = number
                $0.protocol = port.protocol.isEmpty ? "TCP" : port.protocol
                $0.appProtocol = port.appProtocol
            }
        }
    }

    private func endpoint(_ pod: Pod, _ addresses: [String], _ service: Service, _ node: Node?) -> Endpoint {
        let zone: String? = node?.metadata.labels["topology.kubernetes.io/zone"]
        let isReady: Bool =
            service.spec.publishNotReadyAddresses || pod.isReady && !pod.isTerminating
        return Endpoint.with { endpoint in
            endpoint.addresses = addresses
            endpoint.conditions.ready = isReady
            endpoint.conditions.serving = pod.isReady
            endpoint.conditions.terminating = pod.isTerminating
            endpoint.targetRef = ServiceBackends.reference(pod)
            endpoint.hostname = ServiceBackends.hostname(pod, service)
            if !pod.spec.nodeName.isEmpty { endpoint.nodeName = pod.spec.nodeName }
            endpoint.zone = zone
            if isReady { endpoint.hints = hints(service, node: pod.spec.nodeName, zone: zone) }
        }
    }

    /// Who should prefer the endpoint, by `trafficDistribution`.
    private func hints(_ service: Service, node: String, zone: String?) -> EndpointHints? {
        let isNode: Bool = service.spec.trafficDistribution == "PreferSameNode"
        let isZone: Bool = ["PreferClose", "PreferSameZone"].contains(service.spec.trafficDistribution ?? "")
        guard isNode || isZone, !ZoneShares.areWanted(service) else { return nil }
        var hints = EndpointHints()
        if let zone { hints.forZones = [ForZone.with { $0.name = zone }] }
        if isNode && !node.isEmpty { hints.forNodes = [ForNode.with { $0.name = node }] }
        return hints.forZones.isEmpty && hints.forNodes.isEmpty ? nil : hints
    }

    private func template(_ service: Service) -> ObjectMeta {
        ObjectMeta.with { metadata in
            metadata.generateName = service.metadata.name + "-"
            metadata.namespace = service.metadata.namespace
            metadata.labels = service.metadata.labels
            metadata.labels[Self.headlessLabel] = ServiceBackends.isHeadless(service) ? "" : nil
            metadata.labels[Self.serviceLabel] = service.metadata.name
            metadata.labels[Self.managerLabel] = Self.manager
            metadata.ownerReferences = [.controller(service)]
        }
    }
}
