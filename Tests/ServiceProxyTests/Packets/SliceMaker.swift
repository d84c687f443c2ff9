import API
import APIMachinery
import Controllers
import ServiceProxy
import Testing

@testable import Client

/// The slices that the endpoint slice controller makes of a lab's pods, as the proxy of the node `node` reads them. That
/// node and `near` are in the zone `east`, `far` is elsewhere.
struct SliceMaker {
    private let distribution: String

    /// - Parameter distribution: the service's `trafficDistribution`; empty: none.
    init(_ distribution: String) { self.distribution = distribution }

    /// - Parameter pods: the nodes of pods.
    func slice(pods: [String: String]) throws -> SliceFacts {
        let service = Service.with { service in
            service.metadata.name = "web"
            service.metadata.namespace = "default"
            service.spec.selector = ["app": "web"]
            service.spec.clusterIP = "10.96.0.7"
            service.spec.ipFamilies = ["IPv4"]
            service.spec.trafficDistribution = distribution.isEmpty ? nil : distribution
            service.spec.ports = [("http", "TCP"), ("dns", "UDP")].map { name, transport in
                ServicePort.with {
                    $0.name = name
                    $0.port = 80
                    $0.targetPort = .int(8080)
                    $0.protocol = transport
                }
            }
        }
        let nodes: [Node] = [("node", "east"), ("near", "east"), ("far", "west")].map { name, zone in
            Node.with {
                $0.metadata.name = name
                $0.metadata.labels["topology.kubernetes.io/zone"] = zone
            }
        }
        let reconciler = EndpointSliceReconciler(
            services: cache([service]), pods: cache(pods.sorted { $0.key < $1.key }.map(pod)), nodes: cache(nodes),
            slices: cache([], [EndpointSliceReconciler.byService]))
        let result: Reconciliation = reconciler.reconcile(ObjectKey("default", "web"), now: Time(seconds: 1))
        let written: [EndpointSlice] = result.writes.compactMap { write in
            if case .create(let object) = write.action { object as? EndpointSlice } else { nil }
        }
        let slice: EndpointSlice = try #require(written.first)
        return try #require(SliceFacts(slice, node: "node"))
    }

    private func pod(_ name: String, on node: String) -> Pod {
        Pod.with { pod in
            pod.metadata.name = name
            pod.metadata.namespace = "default"
            pod.metadata.labels = ["app": "web"]
            pod.spec.nodeName = node
            pod.status.phase = "Running"
            pod.status.podIP = PacketLab.address(name)
            pod.status.conditions = [
                PodCondition.with {
                    $0.type = "Ready"
                    $0.status = "True"
                }
            ]
        }
    }

    private func cache<Object: APIObject>(
        _ objects: [Object], _ indices: [ObjectIndex<Object>] = []
    ) -> ObjectCache<Object> {
        let cache = ObjectCache<Object>(indices: indices)
        let snapshots: [Snapshot] = objects.map { object in
            let bytes: [UInt8] = object.jsonBytes
            return Snapshot(
                namespace: object.metadata.namespace, name: object.metadata.name, revision: 1, bytes: bytes,
                slot: bytes.count)
        }
        _ = cache.replace(with: snapshots, revision: 1)
        return cache
    }
}
