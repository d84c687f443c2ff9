package import APICore
package import APIMachinery
import Codec

extension Service {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validateType(path)
        errors += validatePorts(path.child("ports"))
        errors += Validation.labels(spec.selector, at: path.child("selector"))
        errors += validateAffinity(path)
        errors += validateClusterIPs(path)
        for (index, address) in spec.externalIPs.enumerated() {
            let field: FieldPath = path.child("externalIPs").index(index)
            let found: FieldErrors = NameRules.ipAddress(address, at: field)
            errors += found.isEmpty ? AddressRules.notSpecial(address, field) : found
        }
        errors += Rule.choice(
            spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], path.child("type"))
        errors += validateLoadBalancer(path)
        errors += validateTraffic(path)
        return errors
    }

    private var isHeadless: Bool { spec.clusterIP == "None" }

    private func validateType(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if spec.ports.isEmpty, !isHeadless, spec.type != "ExternalName" {
            errors.append(.required(path.child("ports")))
        }
        let first: FieldPath = path.child("clusterIPs").index(0)
        switch spec.type {
        case "LoadBalancer":
            for (index, port) in spec.ports.enumerated() where port.port == 10_250 {
                let text: String = "may not expose port 10250 externally since it is used by kubelet"
                errors.append(.invalid(path.child("ports").index(index), port.port, text))
            }
            if isHeadless {
                errors.append(.invalid(first, "None", "may not be set to 'None' for LoadBalancer services"))
            }
        case "NodePort":
            if isHeadless { errors.append(.invalid(first, "None", "may not be set to 'None' for NodePort services")) }
        case "ExternalName":
            let text: String = "may not be set for ExternalName services"
            if !spec.clusterIPs.isEmpty { errors.append(.forbidden(path.child("clusterIPs"), text)) }
            if !spec.ipFamilies.isEmpty { errors.append(.forbidden(path.child("ipFamilies"), text)) }
            if spec.ipFamilyPolicy != nil { errors.append(.forbidden(path.child("ipFamilyPolicy"), text)) }
            let name: String =
                spec.externalName.hasSuffix(".") ? String(spec.externalName.dropLast()) : spec.externalName
            errors +=
                name.isEmpty
                ? [.required(path.child("externalName"))] : Rule.subdomain(name, path.child("externalName"))
        default: break
        }
        return errors
    }

    private func validatePorts(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var names: Set<String> = []
        var nodePorts: Set<String> = []
        var keys: Set<String> = []
        for (index, port) in spec.ports.enumerated() {
            let place: FieldPath = path.index(index)
            if port.name.isEmpty {
                if spec.ports.count > 1 { errors.append(.required(place.child("name"))) }
            } else {
                errors += Rule.label(port.name, place.child("name"))
                if !names.insert(port.name).inserted { errors.append(.duplicate(place.child("name"), port.name)) }
            }
            errors += Rule.portNumber(port.port, place.child("port"))
            errors += Rule.choice(port.protocol, PortRules.protocols, place.child("protocol"))
            errors += Rule.port(port.targetPort, place.child("targetPort"))
            if let appProtocol = port.appProtocol {
                errors += Rule.qualifiedName(appProtocol, place.child("appProtocol"))
            }
            if port.nodePort != 0 {
                if spec.type == "ClusterIP" {
                    let text: String = "may not be used when `type` is 'ClusterIP'"
                    errors.append(.forbidden(place.child("nodePort"), text))
                }
                if !nodePorts.insert("\(port.protocol)/\(port.nodePort)").inserted {
                    errors.append(.duplicate(place.child("nodePort"), port.nodePort))
                }
            }
            if !keys.insert("\(port.protocol)/\(port.port)").inserted {
                let key = ServicePort.with {
                    $0.protocol = port.protocol
                    $0.port = port.port
                }
                errors.append(.duplicate(place, key))
            }
        }
        return errors
    }

    private func validateAffinity(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.choice(
            spec.sessionAffinity, ["ClientIP", "None"], path.child("sessionAffinity"))
        let field: FieldPath = path.child("sessionAffinityConfig")
        switch spec.sessionAffinity {
        case "ClientIP":
            let timeout: FieldPath = field.child("clientIP", "timeoutSeconds")
            guard let seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds else {
                errors.append(.required(field, "when session affinity type is ClientIP"))
                return errors
            }
            if seconds <= 0 || seconds > 86_400 {
                errors.append(.invalid(timeout, seconds, "must be greater than 0 and less than 86400"))
            }
        case "None":
            if spec.sessionAffinityConfig != nil {
                errors.append(.forbidden(field, "must not be set when session affinity is None"))
            }
        default: break
        }
        return errors
    }

    private func validateClusterIPs(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let field: FieldPath = path.child("clusterIPs")
        if spec.type == "ExternalName" { return [] }
        if !spec.clusterIP.isEmpty, spec.clusterIPs.isEmpty { errors.append(.required(field)) }
        if spec.clusterIP.isEmpty, !spec.clusterIPs.isEmpty {
            errors.append(.invalid(field, spec.clusterIPs, "must be empty when `clusterIP` is not specified"))
        } else if let first = spec.clusterIPs.first, first != spec.clusterIP {
            errors.append(.invalid(field, spec.clusterIPs, "first value must match `clusterIP`"))
        }
        errors += Rule.optionalChoice(
            spec.ipFamilyPolicy, ["SingleStack", "PreferDualStack", "RequireDualStack"], path.child("ipFamilyPolicy"))
        if spec.clusterIPs.count > 2 {
            errors.append(.invalid(field, spec.clusterIPs, "may only hold up to 2 values"))
        }
        for (index, address) in spec.clusterIPs.enumerated() {
            if address == "None" {
                if index > 0 || spec.clusterIPs.count > 1 {
                    errors.append(.invalid(field.index(index), address, "must be a valid IP"))
                }
                continue
            }
            errors += NameRules.ipAddress(address, at: field.index(index))
        }
        var families: Set<String> = []
        for (index, family) in spec.ipFamilies.enumerated() {
            let place: FieldPath = path.child("ipFamilies").index(index)
            errors += Rule.oneOf(family, ["IPv4", "IPv6"], place)
            if !families.insert(family).inserted { errors.append(.duplicate(place, family)) }
        }
        return errors
    }

    private func validateLoadBalancer(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let only: String = "may only be used when `type` is 'LoadBalancer'"
        let ranges: FieldPath = path.child("loadBalancerSourceRanges")
        if spec.type != "LoadBalancer" {
            if !spec.loadBalancerSourceRanges.isEmpty { errors.append(.forbidden(ranges, only)) }
            if spec.allocateLoadBalancerNodePorts != nil {
                errors.append(.forbidden(path.child("allocateLoadBalancerNodePorts"), only))
            }
            if spec.loadBalancerClass != nil { errors.append(.forbidden(path.child("loadBalancerClass"), only)) }
            return errors
        }
        for (index, range) in spec.loadBalancerSourceRanges.enumerated() {
            errors += NameRules.cidr(range.trimmingSpaces, at: ranges.index(index))
        }
        if spec.allocateLoadBalancerNodePorts == nil {
            errors.append(.required(path.child("allocateLoadBalancerNodePorts")))
        }
        if let name = spec.loadBalancerClass { errors += Rule.qualifiedName(name, path.child("loadBalancerClass")) }
        return errors
    }

    private func validateTraffic(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let isReachable: Bool =
            spec.type == "NodePort" || spec.type == "LoadBalancer"
            || (spec.type == "ClusterIP" && !spec.externalIPs.isEmpty)
        let field: FieldPath = path.child("externalTrafficPolicy")
        if isReachable {
            errors += Rule.choice(spec.externalTrafficPolicy, ["Cluster", "Local"], field)
        } else if !spec.externalTrafficPolicy.isEmpty {
            let text: String = "may only be set for externally-accessible services"
            errors.append(.invalid(field, spec.externalTrafficPolicy, text))
        }
        if spec.healthCheckNodePort != 0 {
            let check: FieldPath = path.child("healthCheckNodePort")
            if spec.type != "LoadBalancer" || spec.externalTrafficPolicy != "Local" {
                let text: String =
                    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
                errors.append(.invalid(check, spec.healthCheckNodePort, text))
            } else {
                errors += Rule.portNumber(spec.healthCheckNodePort, check)
            }
        }
        if spec.type != "ExternalName" {
            if let policy = spec.internalTrafficPolicy {
                errors += Rule.oneOf(policy, ["Cluster", "Local"], path.child("internalTrafficPolicy"))
            } else {
                errors.append(.required(path.child("internalTrafficPolicy")))
            }
        }
        errors += Rule.optionalChoice(
            spec.trafficDistribution, ["PreferClose", "PreferSameZone", "PreferSameNode"],
            path.child("trafficDistribution"))
        return errors
    }
}

extension Service {
    package func validateUpdate(of old: Service) -> FieldErrors {
        let path: FieldPath = FieldPath("spec").child("clusterIPs")
        var errors = FieldErrors()
        if spec.type != "ExternalName", old.spec.type != "ExternalName", let before = old.spec.clusterIPs.first {
            if spec.clusterIPs.isEmpty {
                errors.append(.invalid(path.index(0), spec.clusterIPs, "primary clusterIP can not be unset"))
            } else if spec.clusterIPs[0] != before {
                errors.append(.invalid(path.index(0), spec.clusterIPs, "may not change once set"))
            }
            if old.spec.clusterIPs.count > 1, spec.clusterIPs.count > 1, old.spec.clusterIPs[1] != spec.clusterIPs[1] {
                errors.append(.invalid(path.index(1), spec.clusterIPs, "may not change once set"))
            }
        }
        if old.spec.type == "LoadBalancer", spec.type == "LoadBalancer",
            old.spec.loadBalancerClass != spec.loadBalancerClass
        {
            let field: FieldPath = FieldPath("spec").child("loadBalancerClass")
            errors.append(.invalid(field, spec.loadBalancerClass, "may not change once set"))
        }
        errors += validate()
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path: FieldPath = FieldPath("status").child("loadBalancer", "ingress")
        var errors = FieldErrors()
        if spec.type != "LoadBalancer", !status.loadBalancer.ingress.isEmpty {
            errors.append(.forbidden(path, "may only be used when `spec.type` is \"LoadBalancer\""))
            return errors
        }
        for (index, ingress) in status.loadBalancer.ingress.enumerated() {
            let place: FieldPath = path.index(index)
            if !ingress.ip.isEmpty { errors += NameRules.ipAddress(ingress.ip, at: place.child("ip")) }
            if ingress.ip.isEmpty, ingress.ipMode != nil {
                errors.append(.forbidden(place.child("ipMode"), "may not be specified when `ip` is not set"))
            } else if let mode = ingress.ipMode {
                errors += Rule.oneOf(mode, ["Proxy", "VIP"], place.child("ipMode"))
            }
            if !ingress.hostname.isEmpty {
                errors += Rule.subdomain(ingress.hostname, place.child("hostname"))
                if IPAddress(ingress.hostname) != nil {
                    let text: String = "must be a DNS name, not an IP address"
                    errors.append(.invalid(place.child("hostname"), ingress.hostname, text))
                }
            }
        }
        return errors
    }

    package var warnings: [String] {
        var warnings: [String] = []
        let path = FieldPath("spec")
        if !spec.externalIPs.isEmpty, spec.type == "ExternalName" {
            warnings.append("\(path.child("externalIPs")): ignored when `type` is \"ExternalName\"")
        }
        if spec.type != "ExternalName", !spec.externalName.isEmpty {
            warnings.append("\(path.child("externalName")): ignored when `type` is not \"ExternalName\"")
        }
        return warnings
    }
}

/// Addresses that an endpoint or external IP may not have.
enum AddressRules {
    static func notSpecial(_ text: String, _ path: FieldPath) -> FieldErrors {
        guard let address = IPAddress(text) else { return [.invalid(path, text, "must be a valid IP address")] }
        var errors = FieldErrors()
        if address.isUnspecified { errors.append(.invalid(path, text, "may not be unspecified (\(text))")) }
        if address.isLoopback {
            errors.append(.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
        }
        if address.isLinkLocalUnicast {
            let range: String = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
            errors.append(.invalid(path, text, range))
        }
        if address.isLinkLocalMulticast {
            let range: String = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
            errors.append(.invalid(path, text, range))
        }
        return errors
    }
}
