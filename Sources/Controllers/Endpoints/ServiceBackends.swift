import API
import APICore
import APIMachinery
import Client

/// Which pods serve a service, and on which ports; what both endpoint controllers agree on.
enum ServiceBackends {
    /// Ended pods, and those without an address, serve nobody.
    static func canServe(_ pod: Pod) -> Bool {
        !pod.hasEnded && !(pod.status.podIP.isEmpty && pod.status.podIPs.isEmpty)
    }

    /// The pod's addresses of one family.
    static func addresses(_ pod: Pod, isIPv6: Bool) -> [String] {
        let all: [String] = pod.status.podIPs.isEmpty ? [pod.status.podIP] : pod.status.podIPs.map(\.ip)
        return all.filter { !$0.isEmpty && $0.contains(":") == isIPv6 }
    }

    /// The number of a service's port on that pod; nil if the pod has no port of that name.
    static func port(_ port: ServicePort, on pod: Pod) -> Int? {
        switch port.targetPort {
        case .int(let number): return number == 0 ? port.port : number
        case .string(let name):
            // Init containers that stay beside the others serve as well.
            let sidecars: [Container] = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
            let wanted: String = port.protocol.isEmpty ? "TCP" : port.protocol
            for container in pod.spec.containers + sidecars {
                for candidate in container.ports where candidate.name == name {
                    let offered: String = candidate.protocol.isEmpty ? "TCP" : candidate.protocol
                    if offered == wanted { return candidate.containerPort }
                }
            }
            return nil
        }
    }

    /// The name under which the pod is found below the service's.
    static func hostname(_ pod: Pod, _ service: Service) -> String? {
        guard !pod.spec.hostname.isEmpty, pod.spec.subdomain == service.metadata.name else { return nil }
        return pod.spec.hostname
    }

    static func reference(_ pod: Pod) -> ObjectReference {
        ObjectReference.with {
            $0.kind = "Pod"
            $0.namespace = pod.metadata.namespace
            $0.name = pod.metadata.name
            $0.uid = pod.metadata.uid
        }
    }

    static func isHeadless(_ service: Service) -> Bool {
        service.spec.clusterIP.isEmpty || service.spec.clusterIP == "None"
    }

    static func usesIPv6(_ service: Service) -> [Bool] {
        if !service.spec.ipFamilies.isEmpty { return service.spec.ipFamilies.map { $0 == "IPv6" } }
        // Made before services had families.
        return [service.spec.clusterIP.contains(":")]
    }

    static func selects(_ service: Service, _ labels: StringMap<String>) -> Bool {
        !service.spec.selector.isEmpty && service.spec.selector.allSatisfy { labels[$0.key] == $0.value }
    }

    /// The services that a change of a pod concerns.
    static func services(_ event: InformerEvent<Pod>, _ services: ObjectCache<Service>) -> [ObjectKey] {
        let pod: Pod = event.object
        if let old = event.old, event.kind == .updated, !differs(old, pod) { return [] }
        return services.list(namespace: pod.metadata.namespace) { service in
            selects(service, pod.metadata.labels) || event.old.map { selects(service, $0.metadata.labels) } ?? false
        }.map(\.key)
    }

    /// In anything that endpoints show.
    private static func differs(_ old: Pod, _ new: Pod) -> Bool {
        old.metadata.labels != new.metadata.labels || old.isReady != new.isReady
            || old.metadata.deletionTimestamp != new.metadata.deletionTimestamp || old.hasEnded != new.hasEnded
            || old.status.podIP != new.status.podIP || old.status.podIPs != new.status.podIPs
            || old.spec.nodeName != new.spec.nodeName || old.spec.hostname != new.spec.hostname
            || old.metadata.uid != new.metadata.uid
    }
}

extension Pod {
    var isTerminating: Bool { metadata.deletionTimestamp != nil }
}
