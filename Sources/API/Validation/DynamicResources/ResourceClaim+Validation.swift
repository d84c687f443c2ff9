package import APIDynamicResources
package import APIMachinery
import Codec

extension DeviceClass {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = DeviceRules.selectors(spec.selectors, path.child("selectors"))
        errors += DeviceRules.list(spec.config, limit: DeviceRules.mostConfigurations, path.child("config")) {
            DeviceRules.configuration($0.opaque, $1)
        }
        if let name = spec.extendedResourceName, !ResourceRules.isExtended(name) {
            errors.append(.invalid(path.child("extendedResourceName"), name, "must be a valid extended resource name"))
        }
        return errors
    }
}

extension ResourceClaimTemplate {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        let metadata: FieldPath = path.child("metadata")
        return Validation.annotations(spec.metadata.annotations, at: metadata.child("annotations"))
            + Validation.labels(spec.metadata.labels, at: metadata.child("labels"))
            + spec.spec.devices.validate(path.child("spec").child("devices"))
    }

    package func validateUpdate(of old: ResourceClaimTemplate) -> FieldErrors {
        Validation.immutable(spec, old.spec, at: FieldPath("spec"))
    }
}

extension ResourceClaim {
    private static let mostConsumers = 256

    package func validate() -> FieldErrors { spec.devices.validate(FieldPath("spec").child("devices")) }

    package func validateUpdate(of old: ResourceClaim) -> FieldErrors {
        Validation.immutable(spec, old.spec, at: FieldPath("spec"))
    }

    package func validateStatus(replacing old: ResourceClaim) -> FieldErrors {
        let path = FieldPath("status")
        let field: FieldPath = path.child("reservedFor")
        var errors: FieldErrors = DeviceRules.set(
            status.reservedFor, limit: Self.mostConsumers, key: { $0.uid }, field
        ) { consumer, path in
            Rule.required(consumer.resource, path.child("resource"))
                + Rule.required(consumer.name, path.child("name")) + Rule.required(consumer.uid, path.child("uid"))
        }
        let allocated: Set<String> = Set(
            (status.allocation?.devices.results ?? []).map {
                Self.identity($0.driver, $0.pool, $0.device, $0.shareID)
            })
        errors += DeviceRules.set(
            status.devices, limit: .max, key: { Self.identity($0.driver, $0.pool, $0.device, $0.shareID) },
            path.child("devices")
        ) { device, path in
            let identity: String = Self.identity(device.driver, device.pool, device.device, device.shareID)
            let isAllocated: FieldErrors =
                allocated.contains(identity)
                ? [] : [.invalid(path, identity, "must be an allocated device in the claim")]
            return device.validate(path) + isAllocated
        }
        if !status.reservedFor.isEmpty {
            if status.allocation == nil {
                errors.append(.forbidden(field, "may not be specified when `allocated` is not set"))
            } else if metadata.deletionTimestamp != nil,
                !status.reservedFor.allSatisfy({ old.status.reservedFor.contains($0) })
            {
                let text: String =
                    "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
                errors.append(.forbidden(field, text))
            }
        }
        if let allocation = status.allocation {
            let field: FieldPath = path.child("allocation")
            if let before = old.status.allocation {
                errors += Validation.immutable(allocation, before, at: field)
            } else {
                errors += allocation.validate(field, spec.devices)
            }
        }
        return errors
    }

    private static func identity(_ driver: String, _ pool: String, _ device: String, _ share: String?) -> String {
        [driver, pool, device].joined(separator: "/") + (share.map { "/" + $0 } ?? "")
    }
}

// MARK: - What is asked for

extension DeviceClaim {
    private static let mostChoices = 8

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = DeviceRules.set(
            requests, limit: DeviceRules.mostRequests, key: { $0.name }, path.child("requests")
        ) { request, path in
            Self.validate(request, path)
        }
        errors += DeviceRules.list(constraints, limit: DeviceRules.mostRequests, path.child("constraints")) {
            validate($0, $1)
        }
        errors += DeviceRules.list(config, limit: DeviceRules.mostConfigurations, path.child("config")) {
            validate(references: $0.requests, $1.child("requests")) + DeviceRules.configuration($0.opaque, $1)
        }
        return errors
    }

    private static func validate(_ request: DeviceRequest, _ path: FieldPath) -> FieldErrors {
        let errors: FieldErrors = Rule.label(request.name, path.child("name"))
        let text: String = "exactly one of `exactly` or `firstAvailable` is required"
        if request.exactly != nil, !request.firstAvailable.isEmpty {
            let nothing: JSONValue = .null
            return errors + [.invalid(path, nothing, text + ", but multiple fields are set")]
        }
        if let exactly = request.exactly { return errors + exactly.validate(path.child("exactly")) }
        if request.firstAvailable.isEmpty { return errors + [.required(path, text)] }
        return errors
            + DeviceRules.set(
                request.firstAvailable, limit: mostChoices, key: { $0.name }, path.child("firstAvailable")
            ) { choice, path in
                choice.validate(path)
            }
    }

    private func validate(_ constraint: DeviceConstraint, _ path: FieldPath) -> FieldErrors {
        let errors: FieldErrors = validate(references: constraint.requests, path.child("requests"))
        if let attribute = constraint.matchAttribute {
            return errors + DeviceRules.fullyQualifiedName(attribute, path.child("matchAttribute"))
        }
        if let attribute = constraint.distinctAttribute {
            return errors + DeviceRules.fullyQualifiedName(attribute, path.child("distinctAttribute"))
        }
        return errors + [.required(path.child("matchAttribute"))]
    }

    fileprivate func validate(references: [String], _ path: FieldPath) -> FieldErrors {
        DeviceRules.set(references, limit: DeviceRules.mostRequests, key: { $0 }, path) {
            validate(reference: $0, $1)
        }
    }

    /// The name of a request, or of a request and of one of its choices.
    fileprivate func validate(reference: String, _ path: FieldPath) -> FieldErrors {
        let text: String =
            "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
        let parts: [String] = reference.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        if parts.count > 2 { return [.invalid(path, reference, text)] }
        var errors = FieldErrors()
        for part in parts { errors += Rule.label(part, path) }
        let request: DeviceRequest? = requests.first { $0.name == parts[0] }
        let isKnown: Bool =
            request != nil && (parts.count == 1 || request?.firstAvailable.contains { $0.name == parts[1] } == true)
        return isKnown ? errors : errors + [.invalid(path, reference, text)]
    }

    fileprivate static func validate(mode: String, count: Int, _ path: FieldPath) -> FieldErrors {
        switch mode {
        case "All":
            if count == 0 { return [] }
            return [.invalid(path.child("count"), count, "must not be specified when allocationMode is 'All'")]
        case "ExactCount":
            return count > 0 ? [] : [.invalid(path.child("count"), count, "must be greater than zero")]
        default: return [.notSupported(path.child("allocationMode"), mode, ["All", "ExactCount"])]
        }
    }
}

extension ExactDeviceRequest {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        DeviceRules.className(deviceClassName, path.child("deviceClassName"))
            + DeviceRules.selectors(selectors, path.child("selectors"))
            + DeviceClaim.validate(mode: allocationMode, count: count, path)
            + DeviceRules.tolerations(tolerations, path.child("tolerations"))
    }
}

extension DeviceSubRequest {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        Rule.label(name, path.child("name")) + DeviceRules.className(deviceClassName, path.child("deviceClassName"))
            + DeviceRules.selectors(selectors, path.child("selectors"))
            + DeviceClaim.validate(mode: allocationMode, count: count, path)
            + DeviceRules.tolerations(tolerations, path.child("tolerations"))
    }
}

// MARK: - What was given

extension AllocationResult {
    private static let mostResults = 32

    fileprivate func validate(_ path: FieldPath, _ claim: DeviceClaim) -> FieldErrors {
        let field: FieldPath = path.child("devices")
        var errors: FieldErrors = DeviceRules.list(
            devices.results, limit: Self.mostResults, field.child("results")
        ) { result, path in
            var errors: FieldErrors = claim.validate(reference: result.request, path.child("request"))
            errors += DeviceRules.driver(result.driver, path.child("driver"))
            errors += DeviceRules.pool(result.pool, path.child("pool"))
            errors += Rule.label(result.device, path.child("device"))
            errors += DeviceRules.bindingConditions(result.bindingConditions, result.bindingFailureConditions, path)
            if let share = result.shareID { errors += DeviceRules.uid(share, path.child("shareID")) }
            return errors
        }
        errors += DeviceRules.list(
            devices.config, limit: 2 * DeviceRules.mostConfigurations, field.child("config")
        ) { config, path in
            Rule.choice(config.source, ["FromClaim", "FromClass"], path.child("source"))
                + claim.validate(references: config.requests, path.child("requests"))
                + DeviceRules.configuration(config.opaque, path)
        }
        if let nodeSelector { errors += SchedulingRules.nodeSelector(nodeSelector, path.child("nodeSelector")) }
        return errors
    }
}

extension AllocatedDeviceStatus {
    private static let mostConditions = 8
    private static let longestData = 10 * 1_024

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = DeviceRules.driver(driver, path.child("driver"))
        errors += DeviceRules.pool(pool, path.child("pool"))
        errors += Rule.label(device, path.child("device"))
        if let shareID { errors += DeviceRules.uid(shareID, path.child("shareID")) }
        if conditions.count > Self.mostConditions {
            errors.append(.tooMany(path.child("conditions"), actual: conditions.count, limit: Self.mostConditions))
        }
        errors += Validation.conditions(conditions, at: path.child("conditions"))
        if let data { errors += DeviceRules.document(data, longest: Self.longestData, path.child("data")) }
        return errors + (networkData?.validate(path.child("networkData")) ?? [])
    }
}

extension NetworkDeviceData {
    private static let longestInterface = 256
    private static let longestAddress = 128
    private static let mostAddresses = 16

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if interfaceName.utf8.count > Self.longestInterface {
            errors.append(.tooLong(path.child("interfaceName"), limit: Self.longestInterface))
        }
        if hardwareAddress.utf8.count > Self.longestAddress {
            errors.append(.tooLong(path.child("hardwareAddress"), limit: Self.longestAddress))
        }
        return errors
            + DeviceRules.set(ips, limit: Self.mostAddresses, key: { $0 }, path.child("ips")) { address, path in
                let parts: [Substring] = address.split(separator: "/", omittingEmptySubsequences: false)
                let bits: Int? = parts.count == 2 ? Int(parts[1]) : nil
                if let bits, let ip = IPAddress(String(parts[0])), (0...(ip.family == .v6 ? 128 : 32)).contains(bits) {
                    return []
                }
                let text: String =
                    "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
                return [.invalid(path, address, text)]
            }
    }
}
