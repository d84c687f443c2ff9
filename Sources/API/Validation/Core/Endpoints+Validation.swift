package import APICore
package import APIDiscovery
package import APIMachinery
import Codec

extension Endpoints {
    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        for (index, subset) in subsets.enumerated() {
            let place: FieldPath = FieldPath("subsets").index(index)
            if subset.addresses.isEmpty, subset.notReadyAddresses.isEmpty {
                errors.append(.required(place, "must specify `addresses` or `notReadyAddresses`"))
            }
            for (number, address) in subset.addresses.enumerated() {
                errors += Self.address(address, place.child("addresses").index(number))
            }
            for (number, address) in subset.notReadyAddresses.enumerated() {
                errors += Self.address(address, place.child("notReadyAddresses").index(number))
            }
            for (number, port) in subset.ports.enumerated() {
                let field: FieldPath = place.child("ports").index(number)
                if port.name.isEmpty {
                    if subset.ports.count > 1 { errors.append(.required(field.child("name"))) }
                } else {
                    errors += Rule.label(port.name, field.child("name"))
                }
                errors += Rule.portNumber(port.port, field.child("port"))
                errors += Rule.choice(port.protocol, PortRules.protocols, field.child("protocol"))
                if let name = port.appProtocol { errors += Rule.qualifiedName(name, field.child("appProtocol")) }
            }
        }
        return errors
    }

    private static func address(_ address: EndpointAddress, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = NameRules.ipAddress(address.ip, at: path.child("ip"))
        if !address.hostname.isEmpty { errors += Rule.label(address.hostname, path.child("hostname")) }
        if let node = address.nodeName { errors += Rule.subdomain(node, path.child("nodeName")) }
        if errors.isEmpty { errors += AddressRules.notSpecial(address.ip, path.child("ip")) }
        return errors
    }
}

extension EndpointSlice {
    private static let endpointLimit = 1_000
    private static let addressLimit = 100
    private static let portLimit = 20_000

    package func validate() -> FieldErrors {
        var errors: FieldErrors = Rule.choice(addressType, ["FQDN", "IPv4", "IPv6"], FieldPath("addressType"))
        let path = FieldPath("endpoints")
        if endpoints.count > Self.endpointLimit {
            errors.append(.tooMany(path, actual: endpoints.count, limit: Self.endpointLimit))
        } else {
            for (index, endpoint) in endpoints.enumerated() { errors += validate(endpoint, path.index(index)) }
        }
        errors += validatePorts(FieldPath("ports"))
        return errors
    }

    private func validate(_ endpoint: Endpoint, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let field: FieldPath = path.child("addresses")
        if endpoint.addresses.isEmpty {
            errors.append(.required(field, "must contain at least 1 address"))
        } else if endpoint.addresses.count > Self.addressLimit {
            errors.append(.tooMany(field, actual: endpoint.addresses.count, limit: Self.addressLimit))
        }
        for (index, address) in endpoint.addresses.enumerated() {
            let place: FieldPath = field.index(index)
            switch addressType {
            case "IPv4":
                if IPAddress(address)?.family != .v4 || address.contains(":") {
                    errors.append(.invalid(place, address, "must be a valid IPv4 address"))
                } else {
                    errors += AddressRules.notSpecial(address, place)
                }
            case "IPv6":
                if IPAddress(address)?.family != .v6 {
                    errors.append(.invalid(place, address, "must be a valid IPv6 address"))
                } else {
                    errors += AddressRules.notSpecial(address, place)
                }
            case "FQDN": errors += Rule.subdomain(address, place)
            default: break
            }
        }
        if let node = endpoint.nodeName { errors += Rule.subdomain(node, path.child("nodeName")) }
        if let name = endpoint.hostname { errors += Rule.label(name, path.child("hostname")) }
        if let zones = endpoint.hints?.forZones {
            if zones.count > 8 {
                errors.append(.tooMany(path.child("hints", "forZones"), actual: zones.count, limit: 8))
            }
            for (index, zone) in zones.enumerated() {
                let place: FieldPath = path.child("hints", "forZones").index(index).child("name")
                errors += Rule.qualifiedName(zone.name, place)
            }
        }
        return errors
    }

    private func validatePorts(_ path: FieldPath) -> FieldErrors {
        if ports.count > Self.portLimit { return [.tooMany(path, actual: ports.count, limit: Self.portLimit)] }
        var errors = FieldErrors()
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let place: FieldPath = path.index(index)
            let name: String = port.name ?? ""
            if !name.isEmpty { errors += Rule.label(name, place.child("name")) }
            if !names.insert(name).inserted { errors.append(.duplicate(place.child("name"), name)) }
            if let kind = port.protocol {
                errors += Rule.oneOf(kind, PortRules.protocols, place.child("protocol"))
            } else {
                errors.append(.required(place.child("protocol")))
            }
            if let number = port.port { errors += Rule.portNumber(number, place.child("port")) }
            if let name = port.appProtocol { errors += Rule.qualifiedName(name, place.child("appProtocol")) }
        }
        return errors
    }

    package func validateUpdate(of old: EndpointSlice) -> FieldErrors {
        var errors: FieldErrors = validate()
        errors += Validation.immutable(addressType, old.addressType, at: FieldPath("addressType"))
        return errors
    }
}
