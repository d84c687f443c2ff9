package import API
import APICore
import APIDiscovery
package import APIMachinery
package import Client

/// Copies Endpoints that somebody keeps by hand into EndpointSlices, which is what proxies read.
package struct SliceMirroringReconciler: Reconciler {
    package static let manager: String = "endpointslicemirroring-controller.k8s.io"
    static let skipLabel: String = "endpointslice.kubernetes.io/skip-mirror"
    /// Endpoints of one subset that are mirrored.
    static let limit: Int = 1000

    private let endpoints: ObjectCache<Endpoints>
    private let services: ObjectCache<Service>
    private let slices: ObjectCache<EndpointSlice>

    /// - Parameter slices: with the index `EndpointSliceReconciler.byService`.
    package init(
        endpoints: ObjectCache<Endpoints>, services: ObjectCache<Service>, slices: ObjectCache<EndpointSlice>
    ) {
        self.endpoints = endpoints
        self.services = services
        self.slices = slices
    }

    /// - Parameter key: of Endpoints, and of their service.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        let existing: [EndpointSlice] = slices.list(EndpointSliceReconciler.byService, key.description).filter {
            $0.metadata.labels[EndpointSliceReconciler.managerLabel] == Self.manager
                && $0.metadata.deletionTimestamp == nil
        }
        guard let source = endpoints[key], Self.isMirrored(source), let service = services[key],
            service.spec.selector.isEmpty, service.spec.type != "ExternalName"
        else {
            var result = Reconciliation()
            result.write(existing.map { Write.delete($0) }, .parallel)
            return result
        }
        let groups: [SlicePlanner.Group] = [false, true].flatMap { isIPv6 in
            source.subsets.map { group($0, isIPv6: isIPv6) }
        }
        let plan = SlicePlanner(existing: existing, template: template(source)).plan(merged(groups), placeholder: nil)
        var result = Reconciliation()
        result.write(plan.writes, .parallel)
        return result
    }

    package func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        guard let source = endpoints[key],
            let error = outcomes.compactMap(\.error).first(where: { !$0.isConflict })
        else { return nil }
        let message: String = "Error updating mirrored Endpoint Slices for Endpoints \(key): \(error.message)"
        return Reconciliation([.event(source, .warning, reason: "FailedToUpdateEndpointSlices", message)])
    }

    private static func isMirrored(_ source: Endpoints) -> Bool {
        source.metadata.labels[skipLabel] != "true" && source.metadata.deletionTimestamp == nil
            && source.metadata.annotations["control-plane.alpha.kubernetes.io/leader"] == nil
    }

    private func group(_ subset: EndpointSubset, isIPv6: Bool) -> SlicePlanner.Group {
        let ports: [APIDiscovery.EndpointPort] = subset.ports.map { port in
            APIDiscovery.EndpointPort.with {
                $0.name = port.name
                $0.port = port.port
                $0.protocol = port.protocol.isEmpty ? "TCP" : port.protocol
                $0.appProtocol = port.appProtocol
            }
        }
        let all: [Endpoint] =
            subset.addresses.map { endpoint($0, isReady: true) }
            + subset.notReadyAddresses.map { endpoint($0, isReady: false) }
        let family: [Endpoint] = all.filter { $0.addresses[0].contains(":") == isIPv6 }
        return SlicePlanner.Group(
            ports: ports, endpoints: Array(family.prefix(Self.limit)), isIPv6: isIPv6, limit: Self.limit)
    }

    /// Subsets may share their ports; a slice's ports then hold for both.
    private func merged(_ groups: [SlicePlanner.Group]) -> [SlicePlanner.Group] {
        var result: [SlicePlanner.Group] = []
        for group in groups {
            if let index = result.firstIndex(where: { $0.ports == group.ports && $0.isIPv6 == group.isIPv6 }) {
                result[index].endpoints += group.endpoints
            } else {
                result.append(group)
            }
        }
        return result
    }

    private func endpoint(_ address: EndpointAddress, isReady: Bool) -> Endpoint {
        Endpoint.with {
            $0.addresses = [address.ip]
            $0.conditions.ready = isReady
            $0.conditions.serving = isReady
            $0.conditions.terminating = false
            $0.targetRef = address.targetRef
            $0.nodeName = address.nodeName
            if !address.hostname.isEmpty { $0.hostname = address.hostname }
        }
    }

    private func template(_ source: Endpoints) -> ObjectMeta {
        ObjectMeta.with { metadata in
            metadata.generateName = source.metadata.name + "-"
            metadata.namespace = source.metadata.namespace
            metadata.labels = source.metadata.labels
            metadata.labels[EndpointSliceReconciler.serviceLabel] = source.metadata.name
            metadata.labels[EndpointSliceReconciler.managerLabel] = Self.manager
            metadata.annotations = source.metadata.annotations.filter {
                $0.key != "kubectl.kubernetes.io/last-applied-configuration"
                    && $0.key != "endpoints.kubernetes.io/last-change-trigger-time"
            }
            metadata.ownerReferences = [.controller(source)]
        }
    }
}
