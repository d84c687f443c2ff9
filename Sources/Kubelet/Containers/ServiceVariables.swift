package import API
package import Codec

/// Services as environment variables: upstream's own form, and the one of Docker links.
package enum ServiceVariables {
    package static func of(_ services: [Service]) -> StringMap<String> {
        var result: StringMap<String> = [:]
        for service in services {
            let address: String = service.spec.clusterIP
            guard !address.isEmpty, address != "None", let first = service.spec.ports.first else { continue }
            let name: String = variable(service.metadata.name)
            result["\(name)_SERVICE_HOST"] = address
            result["\(name)_SERVICE_PORT"] = String(first.port)
            for port in service.spec.ports where !port.name.isEmpty {
                result["\(name)_SERVICE_PORT_\(variable(port.name))"] = String(port.port)
            }
            links(name, address, service.spec.ports, into: &result)
        }
        return result
    }

    private static func links(
        _ name: String, _ address: String, _ ports: [ServicePort], into result: inout StringMap<String>
    ) {
        let host: String = address.contains(":") ? "[\(address)]" : address
        for (index, port) in ports.enumerated() {
            let upper: String = port.protocol.isEmpty ? "TCP" : port.protocol
            let lower: String = upper.lowercased()
            let url: String = "\(lower)://\(host):\(port.port)"
            if index == 0 { result["\(name)_PORT"] = url }
            let prefix: String = "\(name)_PORT_\(port.port)_\(upper)"
            result[prefix] = url
            result["\(prefix)_PROTO"] = lower
            result["\(prefix)_PORT"] = String(port.port)
            result["\(prefix)_ADDR"] = address
        }
    }

    private static func variable(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}
