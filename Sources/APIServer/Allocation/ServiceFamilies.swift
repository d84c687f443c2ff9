import APICore
import APIMachinery

/// Fills `ipFamilies` and `ipFamilyPolicy` from what the client says and what the cluster has.
struct ServiceFamilies {
    /// `IPv4` and `IPv6` as far as the cluster has ranges for them, the preferred one first; not empty.
    let configured: [String]

    private static let single = "SingleStack"
    private static let preferDual = "PreferDualStack"
    private static let requireDual = "RequireDualStack"

    func fill(_ service: inout Service) throws(StatusError) {
        guard !service.spec.isExternalName else { return }
        var errors = FieldErrors()
        let isBare: Bool = service.spec.isHeadless && service.spec.selector.isEmpty
        if service.spec.ipFamilyPolicy == nil {
            let isDual: Bool = service.spec.clusterIPs.count == 2 || service.spec.ipFamilies.count == 2
            service.spec.ipFamilyPolicy = isDual || isBare ? Self.requireDual : Self.single
        }
        inferFromAddresses(&service.spec, &errors)
        if isBare {
            try refuse(errors, service)
            fillBare(&service.spec)
            return
        }
        if service.spec.ipFamilyPolicy == Self.requireDual, configured.count < 2 {
            let why: String = "this cluster is not configured for dual-stack services"
            errors.append(
                .invalid(FieldPath("spec").child("ipFamilyPolicy"), service.spec.ipFamilyPolicy ?? "", why))
        }
        for (index, family) in service.spec.ipFamilies.enumerated() where !configured.contains(family) {
            errors.append(
                .invalid(
                    FieldPath("spec").child("ipFamilies").index(index), family, "not configured on this cluster"))
        }
        try refuse(errors, service)
        if service.spec.ipFamilies.isEmpty { service.spec.ipFamilies = Array(configured.prefix(1)) }
        if service.spec.ipFamilyPolicy != Self.single { addMissingFamily(&service.spec) }
        if service.spec.ipFamilyPolicy == Self.single {
            service.spec.ipFamilies = Array(service.spec.ipFamilies.prefix(1))
            service.spec.clusterIPs = Array(service.spec.clusterIPs.prefix(1))
        }
    }

    private func refuse(_ errors: FieldErrors, _ service: Service) throws(StatusError) {
        guard errors.isEmpty else { throw .invalid(Service.gvk, service.metadata.name, errors) }
    }

    /// Addresses that the client asks for tell their family.
    private func inferFromAddresses(_ spec: inout ServiceSpec, _ errors: inout FieldErrors) {
        for (index, text) in spec.clusterIPs.enumerated() where index >= spec.ipFamilies.count {
            guard let address = IPAddress(text) else { return }
            let family: String = address.family == .v4 ? "IPv4" : "IPv6"
            if configured.contains(family) {
                spec.ipFamilies.append(family)
            } else {
                let why: String = "may not use \(family) on a cluster which is not configured for it"
                errors.append(.invalid(FieldPath("spec").child("clusterIPs").index(index), text, why))
            }
        }
    }

    /// Headless without selector: somebody else writes its endpoints, which may be of both families on any cluster.
    private func fillBare(_ spec: inout ServiceSpec) {
        if spec.ipFamilies.isEmpty { spec.ipFamilies = Array(configured.prefix(1)) }
        guard spec.ipFamilies.count < 2, spec.ipFamilyPolicy != Self.single else { return }
        spec.ipFamilies.append(spec.ipFamilies.first == "IPv4" ? "IPv6" : "IPv4")
    }

    private func addMissingFamily(_ spec: inout ServiceSpec) {
        guard configured.count > 1, spec.ipFamilies.count == 1, let first = spec.ipFamilies.first else { return }
        spec.ipFamilies.append(first == "IPv4" ? "IPv6" : "IPv4")
    }
}
