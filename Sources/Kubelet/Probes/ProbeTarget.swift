package import API

/// Where a probe or hook asks: host, port, path, headers.
package enum ProbeTarget {
    /// nil: there is no address yet, or no such port.
    package static func http(
        _ action: HTTPGetAction, container: Container, address: String, timeout: Duration
    ) -> HTTPProbeRequest? {
        let host: String = action.host.isEmpty ? address : action.host
        guard !host.isEmpty, let port = port(action.port, of: container) else { return nil }
        return HTTPProbeRequest(
            isSecure: action.scheme == "HTTPS", host: host, port: port,
            path: action.path.hasPrefix("/") ? action.path : "/" + action.path,
            headers: action.httpHeaders.map { ($0.name, $0.value) }, timeout: timeout)
    }

    /// A number, or the name of one of the container's ports.
    package static func port(_ port: IntOrString, of container: Container) -> Int? {
        let number: Int
        switch port {
        case .int(let value): number = value
        case .string(let name):
            let named: Int? = container.ports.first { $0.name == name }?.containerPort
            guard let found = named ?? Int(name) else { return nil }
            number = found
        }
        return (1...65535).contains(number) ? number : nil
    }
}
