package import API
import APICore
package import APIMachinery
package import Client

/// Keeps the older Endpoints object of services with a selector: one per service, addresses grouped by their ports.
package struct EndpointsReconciler: Reconciler {
    /// More addresses are left out, with an annotation that says so.
    static let capacity: Int = 1000
    static let overCapacity: String = "endpoints.kubernetes.io/over-capacity"
    static let managerLabel: String = "endpoints.kubernetes.io/managed-by"

    private let services: ObjectCache<Service>
    private let pods: ObjectCache<Pod>
    private let endpoints: ObjectCache<Endpoints>

    package init(services: ObjectCache<Service>, pods: ObjectCache<Pod>, endpoints: ObjectCache<Endpoints>) {
        self.services = services
        self.pods = pods
        self.endpoints = endpoints
    }

    /// - Parameter key: of a service, and of its Endpoints.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        let existing: Endpoints? = endpoints[key]
        guard let service = services[key] else {
            guard let existing else { return .done }
            return Reconciliation([.delete(existing)])
        }
        guard service.spec.type != "ExternalName", !service.spec.selector.isEmpty else { return .done }
        var packer = SubsetPacker()
        var trigger = ChangeTrigger()
        let before: [String: Bool] = Self.readiness(existing)
        if existing == nil { trigger.add(service.metadata.creationTimestamp) }
        for pod in pods.list(namespace: key.namespace) where ServiceBackends.selects(service, pod.metadata.labels) {
            guard ServiceBackends.canServe(pod),
                !pod.isTerminating || service.spec.publishNotReadyAddresses
            else { continue }
            add(pod, service, &packer)
            if before[pod.metadata.uid] != (service.spec.publishNotReadyAddresses || pod.isReady) { trigger.add(pod) }
        }
        var wanted: Endpoints =
            existing
            ?? Endpoints.with {
                $0.metadata.name = key.name
                $0.metadata.namespace = key.namespace
            }
        let (subsets, isTruncated): ([EndpointSubset], Bool) = packer.subsets(limit: Self.capacity)
        wanted.subsets = subsets
        wanted.metadata.labels = service.metadata.labels
        wanted.metadata.labels[EndpointSliceReconciler.headlessLabel] = ServiceBackends.isHeadless(service) ? "" : nil
        wanted.metadata.labels[Self.managerLabel] = "endpoint-controller"
        wanted.metadata.annotations[Self.overCapacity] = isTruncated ? "truncated" : nil
        guard wanted != existing else { return .done }
        wanted.metadata.annotations[ChangeTrigger.annotation] = trigger.text
        guard existing != nil else {
            return Reconciliation([Write.create(wanted).ignoring([.alreadyExists, .namespaceTerminating])])
        }
        return Reconciliation([.update(wanted)])
    }

    /// Which pods are shown, and whether as ready.
    private static func readiness(_ endpoints: Endpoints?) -> [String: Bool] {
        var shown: [String: Bool] = [:]
        for subset in endpoints?.subsets ?? [] {
            for address in subset.notReadyAddresses { shown[address.targetRef?.uid ?? ""] = false }
            for address in subset.addresses { shown[address.targetRef?.uid ?? ""] = true }
        }
        return shown
    }

    package func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        guard let outcome = outcomes.first(where: { $0.error != nil }), let error = outcome.error,
            !error.isConflict, let service = services[key]
        else { return nil }
        guard case .create = outcome.write.action else {
            let message: String = "Failed to update endpoint \(key): \(error.message)"
            return Reconciliation([.event(service, .warning, reason: "FailedToUpdateEndpoint", message)])
        }
        let message: String = "Failed to create endpoint for service \(key): \(error.message)"
        return Reconciliation([.event(service, .warning, reason: "FailedToCreateEndpoint", message)])
    }

    private func add(_ pod: Pod, _ service: Service, _ packer: inout SubsetPacker) {
        let isIPv6: Bool = ServiceBackends.usesIPv6(service)[0]
        guard let ip = ServiceBackends.addresses(pod, isIPv6: isIPv6).first else { return }
        let address = EndpointAddress.with {
            $0.ip = ip
            $0.hostname = ServiceBackends.hostname(pod, service) ?? ""
            if !pod.spec.nodeName.isEmpty { $0.nodeName = pod.spec.nodeName }
            $0.targetRef = ServiceBackends.reference(pod)
        }
        let isReady: Bool = service.spec.publishNotReadyAddresses || pod.isReady
        if service.spec.ports.isEmpty {
            if ServiceBackends.isHeadless(service) { packer.add(address, nil, isReady: isReady) }
            return
        }
        for port in service.spec.ports {
            guard let number = ServiceBackends.port(port, on: pod) else { continue }
            let offered = APICore.EndpointPort.with {
                $0.name = port.name
                $0.port = number
                $0.protocol = port.protocol.isEmpty ? "TCP" : port.protocol
                $0.appProtocol = port.appProtocol
            }
            packer.add(address, offered, isReady: isReady)
        }
    }
}

/// Groups addresses that have the same ports, in an order that depends on nothing else.
struct SubsetPacker {
    private struct Entry {
        var address: EndpointAddress
        var isReady: Bool
        var ports: [APICore.EndpointPort] = []
    }

    private var entries: [Entry] = []
    private var known: [String: Int] = [:]

    mutating func add(_ address: EndpointAddress, _ port: APICore.EndpointPort?, isReady: Bool) {
        let key: String = "\(address.ip) \(address.targetRef?.uid ?? "") \(isReady)"
        let index: Int
        if let found = known[key] {
            index = found
        } else {
            index = entries.count
            known[key] = index
            entries.append(Entry(address: address, isReady: isReady))
        }
        if let port, !entries[index].ports.contains(port) { entries[index].ports.append(port) }
    }

    func subsets(limit: Int) -> (subsets: [EndpointSubset], isTruncated: Bool) {
        // Ready addresses are worth more when there are too many.
        let ordered: [Entry] = entries.sorted { left, right in
            if left.isReady != right.isReady { return left.isReady }
            return Self.goesBefore(left.address, right.address)
        }
        var subsets: [String: EndpointSubset] = [:]
        for entry in ordered.prefix(limit) {
            let ports: [APICore.EndpointPort] = entry.ports.sorted {
                ($0.name, $0.port, $0.protocol) < ($1.name, $1.port, $1.protocol)
            }
            let key: String = ports.map { "\($0.name)|\($0.port)|\($0.protocol)|\($0.appProtocol ?? "")" }
                .joined(separator: ";")
            var subset: EndpointSubset = subsets[key] ?? EndpointSubset.with { $0.ports = ports }
            if entry.isReady {
                subset.addresses.append(entry.address)
            } else {
                subset.notReadyAddresses.append(entry.address)
            }
            subsets[key] = subset
        }
        return (subsets.sorted { $0.key < $1.key }.map(\.value), entries.count > limit)
    }

    private static func goesBefore(_ left: EndpointAddress, _ right: EndpointAddress) -> Bool {
        (left.ip, left.targetRef?.uid ?? "") < (right.ip, right.targetRef?.uid ?? "")
    }
}
