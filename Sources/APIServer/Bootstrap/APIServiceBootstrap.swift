package import APIMachinery
import APIRegistration
import Codec

/// Registers an API service for each group and version that this server answers itself, as upstream does at start.
package struct APIServiceBootstrap: Sendable {
    private static let managed: String = "kube-aggregator.kubernetes.io/automanaged"

    /// The place of a group among all, and of a version within its group: upstream's numbers.
    private static let priorities: [String: (group: Int, version: Int)] = [
        "v1.": (18_000, 1), "v1.apps": (17_800, 15), "v1.events.k8s.io": (17_750, 15),
        "v1.authentication.k8s.io": (17_700, 15), "v1.authorization.k8s.io": (17_600, 15),
        "v1.autoscaling": (17_500, 15), "v2.autoscaling": (17_500, 30), "v1.batch": (17_400, 15),
        "v1.certificates.k8s.io": (17_300, 15), "v1.networking.k8s.io": (17_200, 15), "v1.policy": (17_100, 15),
        "v1.rbac.authorization.k8s.io": (17_000, 15), "v1.storage.k8s.io": (16_800, 15),
        "v1.apiextensions.k8s.io": (16_700, 15), "v1.admissionregistration.k8s.io": (16_700, 15),
        "v1.scheduling.k8s.io": (16_600, 15), "v1.coordination.k8s.io": (16_500, 15), "v1.node.k8s.io": (16_300, 15),
        "v1.discovery.k8s.io": (16_200, 15), "v1.flowcontrol.apiserver.k8s.io": (16_100, 21),
        "v1.resource.k8s.io": (15_900, 15),
    ]

    private let wanted: [APIService]

    /// - Parameter served: what the server serves. Its own group of API services is not registered, as upstream.
    package init(served: [GroupVersionResource]) {
        var seen: Set<String> = []
        wanted = served.compactMap { resource in
            let name: String = resource.version + "." + resource.group
            guard resource.group != APIService.gvk.group, seen.insert(name).inserted else { return nil }
            let priority: (group: Int, version: Int) = Self.priorities[name] ?? (1_000, 15)
            return APIService.with { service in
                service.metadata.name = name
                service.metadata.labels[Self.managed] = "onstart"
                service.spec.group = resource.group
                service.spec.version = resource.version
                service.spec.groupPriorityMinimum = priority.group
                service.spec.versionPriority = priority.version
            }
        }
    }

    /// Makes what lacks, brings what differs up to date, and removes what an earlier version registered.
    ///
    /// - Parameter transport: of `system:masters`.
    /// - Returns: the number of objects written.
    @discardableResult
    package func ensure(over transport: any Transport) async throws(StatusError) -> Int {
        let ensurer = ObjectEnsurer(transport)
        let names: Set<String> = Set(wanted.map { $0.metadata.name })
        return try await ensurer.ensure { () async throws(StatusError) in
            let changes: [ObjectEnsurer.Step] = try await ensurer.differences(wanted, "apiservices") {
                Self.reconciled($0, $1)
            }
            let removals: [ObjectEnsurer.Step] = try await ensurer.removals(APIService.self, "apiservices") {
                $0.metadata.labels[Self.managed] == "onstart" && !names.contains($0.metadata.name)
            }
            return changes + removals
        }
    }

    /// One that somebody pointed at a server of his own is left alone.
    static func reconciled(_ wanted: APIService, _ existing: APIService?) -> APIService? {
        guard let existing else { return wanted }
        guard existing.metadata.labels[managed] != nil else { return nil }
        var result: APIService = existing
        result.metadata.labels[managed] = "onstart"
        result.spec = wanted.spec
        return result == existing ? nil : result
    }
}
