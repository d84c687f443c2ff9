package import APICore
package import APIMachinery

/// Finds the place that a proxied name means; upstream's rules and words.
package struct ProxyTarget: Sendable {
    /// Which addresses nobody may be led to.
    private let isForbidden: @Sendable (String) -> Bool

    package init(isForbidden: @escaping @Sendable (String) -> Bool = { ProxyTarget.isLocal($0) }) {
        self.isForbidden = isForbidden
    }

    private static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
    private static let services = GroupVersionResource(group: "", version: "v1", resource: "services")
    private static let endpoints = GroupVersionResource(group: "", version: "v1", resource: "endpoints")
    private static let nodes = GroupVersionResource(group: "", version: "v1", resource: "nodes")

    /// A pod at its address: at the port that is named, else at the first that a container tells.
    package func pod(_ text: String, find: (String) -> Pod?) throws(StatusError) -> ProxyPlace {
        guard let wanted = ProxyName(text) else { throw .badRequest("invalid pod request \(GoText.quoted(text))") }
        guard let pod = find(wanted.name) else { throw .notFound(Self.pods, wanted.name) }
        let told: Int? = pod.spec.containers.lazy.compactMap { $0.ports.first?.containerPort }.first
        let isSecure: Bool = wanted.scheme == "https"
        let port: Int? = wanted.port.isEmpty ? told ?? (isSecure ? 443 : 80) : Int(wanted.port)
        let address: String = pod.status.podIPs.first?.ip ?? pod.status.podIP
        guard let port, (1...65535).contains(port) else {
            throw .badRequest("invalid pod request \(GoText.quoted(text))")
        }
        try check(address)
        return ProxyPlace(isSecure ? .unverifiedTLS : .plain, host: address, port: port)
    }

    /// One of a service's ready addresses; `pick` chooses below a bound.
    package func service(
        _ text: String, find: (String) -> Service?, endpoints known: (String) -> Endpoints?, pick: (Int) -> Int
    ) throws(StatusError) -> ProxyPlace {
        guard let wanted = ProxyName(text) else { throw .badRequest("invalid service request \(GoText.quoted(text))") }
        guard let service = find(wanted.name) else { throw .notFound(Self.services, wanted.name) }
        var portName: String = wanted.port
        if let number = Int(wanted.port) {
            guard let port = service.spec.ports.first(where: { $0.port == number }) else {
                throw .serviceUnavailable("no service port \(number) found for service \(GoText.quoted(wanted.name))")
            }
            portName = port.name
        }
        guard let found = known(wanted.name) else { throw .notFound(Self.endpoints, wanted.name) }
        var places: [(address: String, port: Int)] = []
        for subset in found.subsets {
            for port in subset.ports where port.name == portName {
                places += subset.addresses.map { ($0.ip, port.port) }
            }
        }
        guard !places.isEmpty else {
            throw .serviceUnavailable("no endpoints available for service \(GoText.quoted(text))")
        }
        let place: (address: String, port: Int) = places[pick(places.count)]
        try check(place.address)
        return ProxyPlace(wanted.scheme == "https" ? .unverifiedTLS : .plain, host: place.address, port: place.port)
    }

    /// A node's kubelet, or another port of the node.
    package func node(
        _ text: String, find: (String) -> Node?, kubelet: (Node) throws(StatusError) -> KubeletPlace
    ) throws(StatusError) -> ProxyPlace {
        guard let wanted = ProxyName(text) else { throw .badRequest("invalid node request \(GoText.quoted(text))") }
        guard let node = find(wanted.name) else { throw .notFound(Self.nodes, wanted.name) }
        let place: KubeletPlace = try kubelet(node)
        if wanted.port.isEmpty || wanted.port == String(place.port) {
            return ProxyPlace(.kubelet, host: place.host, port: place.port)
        }
        guard let port = Int(wanted.port), (1...65535).contains(port) else {
            throw .badRequest("invalid node request \(GoText.quoted(text))")
        }
        try check(place.host)
        return ProxyPlace(wanted.scheme == "https" ? .unverifiedTLS : .plain, host: place.host, port: port)
    }

    private func check(_ address: String) throws(StatusError) {
        if isForbidden(address) { throw .badRequest("address not allowed") }
    }

    /// Addresses that would lead to the server's own machine or its neighbours only: upstream's list.
    package static func isLocal(_ address: String) -> Bool {
        let lower: String = address.lowercased()
        return address.isEmpty || lower.hasPrefix("127.") || lower == "::1" || lower == "0.0.0.0" || lower == "::"
            || lower.hasPrefix("169.254.") || lower.hasPrefix("fe80:") || lower.hasPrefix("224.")
            || lower.hasPrefix("ff") && lower.contains(":") || lower.hasPrefix("::ffff:127.")
            || lower.hasPrefix("::ffff:169.254.") || lower == "localhost"
    }
}
