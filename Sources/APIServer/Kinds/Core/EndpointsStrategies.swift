import APICore
import APIDefaults
import APIDiscovery
import APIMachinery
import APIValidation
import Codec

/// Endpoints and EndpointSlices.
enum EndpointsKinds {
    static let endpoints = PlainStrategy<Endpoints>(
        ResourceInfo(
            Endpoints.gvk, resource: "endpoints", singular: "endpoints", shortNames: ["ep"], namespaced: true),
        table: TableDefinition([.name, TableColumn("Endpoints"), .age]) { object, now in
            [.string(object.metadata.name), cell(object), CellText.age(object.metadata, now)]
        }
    ) { strategy in
        strategy.allowsCreateOnUpdate = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
        strategy.warn = { _, _ in ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"] }
    }

    private static func cell(_ object: Endpoints) -> JSONValue {
        var texts: [String] = []
        for subset in object.subsets {
            if subset.ports.isEmpty { texts += subset.addresses.map { $0.ip } }
            for port in subset.ports {
                texts += subset.addresses.map { address in
                    address.ip.contains(":") ? "[\(address.ip)]:\(port.port)" : "\(address.ip):\(port.port)"
                }
            }
        }
        return CellText.firsts(texts, empty: CellText.none)
    }

    static let slices = PlainStrategy<EndpointSlice>(
        ResourceInfo(EndpointSlice.gvk, resource: "endpointslices", namespaced: true), parts: sliceParts,
        table: TableDefinition([
            .name, TableColumn("AddressType"), TableColumn("Ports"), TableColumn("Endpoints"), .age,
        ]) { object, now in
            let ports: [String] = object.ports.map { port in
                if let number = port.port { return String(number) }
                return "*"
            }
            let addresses: [String] = object.endpoints.flatMap { $0.addresses }
            return [
                .string(object.metadata.name), .string(object.addressType),
                CellText.firsts(ports, empty: CellText.unset), CellText.firsts(addresses, empty: CellText.unset),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    private static var sliceParts: ObjectParts<EndpointSlice> {
        var parts = ObjectParts<EndpointSlice>()
        parts.sameSpec = { one, other in
            one.addressType == other.addressType && one.endpoints == other.endpoints && one.ports == other.ports
                && one.metadata.labels == other.metadata.labels
        }
        return parts
    }
}
