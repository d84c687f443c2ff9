import API
import APIDiscovery
import APIMachinery
import Client
import Codec

/// Fits endpoints into slices of at most so many, changing as few slices as it can: each changed slice is sent to every
/// node of the cluster.
///
///     1. Endpoints that a slice has stay in it; those no longer wanted leave it.
///     2. New ones fill up slices that changed anyway.
///     3. What is left goes into one other slice that has room, or else into new ones.
struct SlicePlanner {
    /// Upstream's default.
    static let maximum: Int = 100

    /// The endpoints that share a list of ports.
    struct Group {
        var ports: [APIDiscovery.EndpointPort]
        var endpoints: [Endpoint]
        var isIPv6: Bool
        /// Endpoints a slice may hold.
        var limit: Int = SlicePlanner.maximum
    }

    struct Plan {
        var create: [EndpointSlice] = []
        var update: [EndpointSlice] = []
        var delete: [EndpointSlice] = []

        mutating func add(_ other: Plan) {
            create += other.create
            update += other.update
            delete += other.delete
        }

        var writes: [Write] {
            create.map { Write.create($0).ignoring(.namespaceTerminating) } + update.map { Write.update($0) }
                + delete.map { Write.delete($0) }
        }
    }

    let existing: [EndpointSlice]
    /// Name prefix, labels, annotations and owner of each slice.
    let template: ObjectMeta

    /// - Parameter placeholder: keeps one empty slice when there are no endpoints, so that readers know that somebody
    ///   looked; nil for none.
    func plan(_ groups: [Group], placeholder: Bool?) -> Plan {
        var plan = Plan()
        var spare: [String: [EndpointSlice]] = Dictionary(grouping: existing) {
            Self.key($0.ports, isIPv6: $0.addressType == "IPv6")
        }
        for group in groups where !group.endpoints.isEmpty {
            let slices: [EndpointSlice] = spare.removeValue(forKey: Self.key(group.ports, isIPv6: group.isIPv6)) ?? []
            fit(group, slices.sorted { $0.metadata.name < $1.metadata.name }, &plan)
        }
        let surplus: [EndpointSlice] = spare.sorted { $0.key < $1.key }.flatMap(\.value)
        plan.delete += surplus
        if let isIPv6 = placeholder, plan.create.isEmpty, plan.delete.count == existing.count {
            let empty: EndpointSlice = make(Group(ports: [], endpoints: [], isIPv6: isIPv6), [])
            if let index = plan.delete.firstIndex(where: {
                $0.endpoints.isEmpty && $0.ports.isEmpty && $0.addressType == empty.addressType
            }) {
                let kept: EndpointSlice = plan.delete.remove(at: index)
                if let changed = labelled(kept) { plan.update.append(changed) }
            } else {
                plan.create.append(empty)
            }
        }
        return plan
    }

    private func fit(_ group: Group, _ slices: [EndpointSlice], _ plan: inout Plan) {
        var wanted: [String: Endpoint] = [:]
        for endpoint in group.endpoints { wanted[Self.key(endpoint)] = endpoint }
        var changed: [EndpointSlice] = []
        var untouched: [EndpointSlice] = []
        for slice in slices {
            var new: EndpointSlice = labelled(slice) ?? slice
            new.endpoints = slice.endpoints.compactMap { wanted.removeValue(forKey: Self.key($0)) }
            if new.endpoints.isEmpty && !wanted.isEmpty || new.endpoints != slice.endpoints {
                changed.append(new)
            } else if new != slice {
                changed.append(new)
            } else {
                untouched.append(slice)
            }
        }
        // In the order given, so that plans repeat exactly.
        var rest: [Endpoint] = group.endpoints.filter { wanted.removeValue(forKey: Self.key($0)) != nil }
        for index in changed.indices.sorted(by: { changed[$0].endpoints.count > changed[$1].endpoints.count }) {
            let room: Int = max(0, group.limit - changed[index].endpoints.count)
            changed[index].endpoints += rest.prefix(room)
            rest.removeFirst(min(room, rest.count))
        }
        if !rest.isEmpty, rest.count < group.limit,
            let index = untouched.indices.filter({ untouched[$0].endpoints.count + rest.count <= group.limit })
                .max(by: { untouched[$0].endpoints.count < untouched[$1].endpoints.count })
        {
            var filled: EndpointSlice = untouched[index]
            filled.endpoints += rest
            changed.append(filled)
            rest = []
        }
        while !rest.isEmpty {
            plan.create.append(make(group, Array(rest.prefix(group.limit))))
            rest.removeFirst(min(group.limit, rest.count))
        }
        plan.delete += changed.filter(\.endpoints.isEmpty)
        plan.update += changed.filter { !$0.endpoints.isEmpty }
    }

    private func make(_ group: Group, _ endpoints: [Endpoint]) -> EndpointSlice {
        EndpointSlice.with {
            $0.metadata = template
            $0.addressType = group.isIPv6 ? "IPv6" : "IPv4"
            $0.ports = group.ports
            $0.endpoints = endpoints
        }
    }

    /// The slice with the labels and annotations it should have; nil if it has them.
    private func labelled(_ slice: EndpointSlice) -> EndpointSlice? {
        var changed: EndpointSlice = slice
        changed.metadata.labels = template.labels
        for (key, value) in template.annotations { changed.metadata.annotations[key] = value }
        return changed == slice ? nil : changed
    }

    /// What makes it the same endpoint, whatever its state.
    private static func key(_ endpoint: Endpoint) -> String {
        (endpoint.targetRef?.uid ?? "") + "/" + endpoint.addresses.sorted().joined(separator: ",")
    }

    private static func key(_ ports: [APIDiscovery.EndpointPort], isIPv6: Bool) -> String {
        let texts: [String] = ports.map { port in
            let number: String = port.port.map { String($0) } ?? "*"
            return "\(port.name ?? "")|\(port.protocol ?? "TCP")|\(number)|\(port.appProtocol ?? "")"
        }
        return (isIPv6 ? "6;" : "4;") + texts.sorted().joined(separator: ";")
    }
}
