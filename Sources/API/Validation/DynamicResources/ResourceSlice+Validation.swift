import APICore
package import APIDynamicResources
package import APIMachinery
import Codec

extension ResourceSlice {
    private static let mostDevices = 128
    private static let mostCounters = 32

    package func validate() -> FieldErrors { spec.validate(FieldPath("spec")) }

    package func validateUpdate(of old: ResourceSlice) -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validate()
        errors += Validation.immutable(spec.pool.name, old.spec.pool.name, at: path.child("pool").child("name"))
        errors += Validation.immutable(spec.driver, old.spec.driver, at: path.child("driver"))
        if spec.nodeName != old.spec.nodeName {
            errors.append(.invalid(path.child("nodeName"), spec.nodeName, ObjectMeta.immutableMessage))
        }
        return errors
    }

    fileprivate static func devices(_ spec: ResourceSliceSpec, _ path: FieldPath) -> FieldErrors {
        DeviceRules.set(spec.devices, limit: mostDevices, key: { $0.name }, path) { device, path in
            device.validate(path, in: spec)
        }
    }

    fileprivate static func counters(_ sets: [CounterSet], _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = DeviceRules.set(sets, limit: .max, key: { $0.name }, path) { set, path in
            let name: FieldErrors =
                set.name.isEmpty ? [.required(path.child("name"))] : Rule.label(set.name, path.child("name"))
            return name + counters(set.counters, path.child("counters"))
        }
        let total: Int = sets.reduce(0) { $0 + $1.counters.count }
        if total > mostCounters {
            errors.append(
                .invalid(path, total, "the total number of shared counters must not exceed \(mostCounters)"))
        }
        return errors
    }

    fileprivate static func counters(_ counters: StringMap<Counter>, _ path: FieldPath) -> FieldErrors {
        if counters.isEmpty { return [.required(path)] }
        var errors = FieldErrors()
        for (name, _) in counters { errors += Rule.label(name, path.key(name)) }
        return errors
    }
}

extension ResourceSliceSpec {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = DeviceRules.driver(driver, path.child("driver"))
        errors += DeviceRules.pool(pool.name, path.child("pool").child("name"))
        if pool.resourceSliceCount <= 0 {
            let field: FieldPath = path.child("pool").child("resourceSliceCount")
            errors.append(.invalid(field, pool.resourceSliceCount, "must be greater than zero"))
        }
        if pool.generation < 0 {
            let field: FieldPath = path.child("pool").child("generation")
            errors.append(.invalid(field, pool.generation, "must be greater than or equal to zero"))
        }
        errors += validatePlace(path)
        errors += ResourceSlice.devices(self, path.child("devices"))
        errors += ResourceSlice.counters(sharedCounters, path.child("sharedCounters"))
        return errors
    }

    private func validatePlace(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var given: [String] = []
        if let nodeName {
            if nodeName.isEmpty {
                let text: String = "must be either unset or set to a non-empty string"
                errors.append(.invalid(path.child("nodeName"), nodeName, text))
            } else {
                given.append("`nodeName`")
                errors += Rule.subdomain(nodeName, path.child("nodeName"))
            }
        }
        if let nodeSelector {
            given.append("`nodeSelector`")
            let field: FieldPath = path.child("nodeSelector")
            errors += SchedulingRules.nodeSelector(nodeSelector, field)
            if nodeSelector.nodeSelectorTerms.count != 1 {
                let text: String = "must have exactly one node selector term"
                errors.append(.invalid(field.child("nodeSelectorTerms"), nodeSelector.nodeSelectorTerms, text))
            }
        }
        for (name, flag) in [("allNodes", allNodes), ("perDeviceNodeSelection", perDeviceNodeSelection)] {
            guard let flag else { continue }
            if flag {
                given.append("`\(name)`")
            } else {
                errors.append(.invalid(path.child(name), flag, "must be either unset or set to true"))
            }
        }
        let text: String =
            "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
        if given.isEmpty { errors.append(.required(path, text)) }
        if given.count > 1 {
            let shown: String = "{" + given.joined(separator: ", ") + "}"
            errors.append(.invalid(path, shown, text + ", but multiple fields are set"))
        }
        return errors
    }
}

extension Device {
    private static let mostValues = 32
    private static let mostTaints = 4
    private static let mostCounters = 32

    fileprivate func validate(_ path: FieldPath, in slice: ResourceSliceSpec) -> FieldErrors {
        var errors: FieldErrors = Rule.label(name, path.child("name"))
        let values: Int = attributes.count + capacity.count
        if values > Self.mostValues {
            let text: String = "the total number of attributes and capacities must not exceed \(Self.mostValues)"
            errors.append(.invalid(path, values, text))
        }
        for (name, attribute) in attributes {
            let field: FieldPath = path.child("attributes").key(name)
            errors += DeviceRules.qualifiedName(name, field) + attribute.validate(field)
        }
        for (name, capacity) in capacity {
            let field: FieldPath = path.child("capacity").key(name)
            errors += DeviceRules.qualifiedName(name, field)
            errors += capacity.validate(field, isShared: allowMultipleAllocations == true)
        }
        errors += DeviceRules.list(taints, limit: Self.mostTaints, path.child("taints")) { taint, path in
            var errors: FieldErrors = Rule.qualifiedName(taint.key, path.child("key"))
            if !taint.value.isEmpty {
                errors += Rule.messages(NameRules.labelValue(taint.value), taint.value, path.child("value"))
            }
            return errors + Rule.choice(taint.effect, DeviceRules.taintEffects, path.child("effect"))
        }
        errors += validateCounters(path, slice.sharedCounters)
        errors += validatePlace(path, isPerDevice: slice.perDeviceNodeSelection == true)
        return errors + DeviceRules.bindingConditions(bindingConditions, bindingFailureConditions, path)
    }

    private func validateCounters(_ path: FieldPath, _ sets: [CounterSet]) -> FieldErrors {
        var errors: FieldErrors = DeviceRules.set(
            consumesCounters, limit: .max, key: { $0.counterSet }, path.child("consumesCounters")
        ) { use, path in
            let field: FieldPath = path.child("counterSet")
            if use.counterSet.isEmpty { return [.required(field)] }
            var errors: FieldErrors =
                Rule.label(use.counterSet, field) + ResourceSlice.counters(use.counters, path.child("counters"))
            guard let set = sets.first(where: { $0.name == use.counterSet }) else {
                let text: String = "must reference a counterSet defined in the ResourceSlice sharedCounters"
                errors.append(.invalid(field, use.counterSet, text))
                return errors
            }
            for (name, _) in use.counters where set.counters[name] == nil {
                let text: String = "must reference a counter defined in the ResourceSlice sharedCounters"
                errors.append(.invalid(path.child("counters"), name, text))
            }
            return errors
        }
        let total: Int = consumesCounters.reduce(0) { $0 + $1.counters.count }
        if total > Self.mostCounters {
            errors.append(.invalid(path, total, "the total number of counters must not exceed \(Self.mostCounters)"))
        }
        return errors
    }

    private func validatePlace(_ path: FieldPath, isPerDevice: Bool) -> FieldErrors {
        guard isPerDevice else {
            if nodeName == nil, nodeSelector == nil, allNodes == nil { return [] }
            let text: String =
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true "
                + "in the ResourceSlice spec"
            let nothing: JSONValue = .null
            return [.invalid(path, nothing, text)]
        }
        var errors = FieldErrors()
        var given: [String] = []
        if let nodeName {
            if nodeName.isEmpty {
                errors.append(.invalid(path.child("nodeName"), nodeName, "must not be empty"))
            } else {
                given.append("`nodeName`")
                errors += Rule.subdomain(nodeName, path.child("nodeName"))
            }
        }
        if let nodeSelector {
            given.append("`nodeSelector`")
            errors += SchedulingRules.nodeSelector(nodeSelector, path.child("nodeSelector"))
        }
        if let allNodes {
            if allNodes {
                given.append("`allNodes`")
            } else {
                errors.append(.invalid(path.child("allNodes"), allNodes, "must be either unset or set to true"))
            }
        }
        let text: String =
            "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set "
            + "to true in the ResourceSlice spec"
        if given.isEmpty { errors.append(.required(path, text)) }
        if given.count > 1 { errors.append(.invalid(path, "{" + given.joined(separator: ", ") + "}", text)) }
        return errors
    }
}

extension DeviceAttribute {
    private static let longestText = 64

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let string, string.utf8.count > Self.longestText {
            errors.append(.tooLong(path.child("string"), limit: Self.longestText))
        }
        if let version {
            if !SemanticVersion.isValid(version) {
                let text: String = "must be a string compatible with semver.org spec 2.0.0"
                errors.append(.invalid(path.child("version"), version, text))
            }
            if version.utf8.count > Self.longestText {
                errors.append(.tooLong(path.child("version"), limit: Self.longestText))
            }
        }
        let values: Int = [bool != nil, int != nil, string != nil, version != nil].count { $0 }
        if values == 0 { errors.append(.invalid(path, "", "exactly one value must be specified")) }
        if values > 1 { errors.append(.invalid(path, self, "exactly one value must be specified")) }
        return errors
    }
}

/// The form of semver.org, version 2.0.0.
enum SemanticVersion {
    static func isValid(_ text: String) -> Bool {
        let build: [Substring] = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        if build.count == 2, !parts(build[1]).allSatisfy({ isIdentifier($0) }) { return false }
        let release: [Substring] = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        if release.count == 2 {
            let isGood: Bool = parts(release[1]).allSatisfy { part in
                isIdentifier(part) && (!part.utf8.allSatisfy(isDigit) || isNumber(part))
            }
            if !isGood { return false }
        }
        let numbers: [Substring] = parts(release[0])
        return numbers.count == 3 && numbers.allSatisfy { isNumber($0) }
    }

    private static func parts(_ text: Substring) -> [Substring] {
        text.split(separator: ".", omittingEmptySubsequences: false)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isDigit) && (text == "0" || !text.hasPrefix("0"))
    }

    private static func isIdentifier(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                isDigit(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-")
            }
    }
}

extension DeviceCapacity {
    private static let mostValues = 10

    fileprivate func validate(_ path: FieldPath, isShared: Bool) -> FieldErrors {
        guard let policy = requestPolicy else { return [] }
        let field: FieldPath = path.child("requestPolicy")
        guard isShared else { return [.forbidden(field, "allowMultipleAllocations must be true")] }
        if !policy.validValues.isEmpty, policy.validRange != nil {
            let text: String =
                "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time"
            return [.forbidden(field, text)]
        }
        if !policy.validValues.isEmpty {
            guard let usual = policy.default else {
                return [.required(field.child("default"), "required when validValues is defined")]
            }
            return validate(policy.validValues, usual, field.child("validValues"))
        }
        guard let range = policy.validRange else { return [] }
        guard let usual = policy.default else {
            return [.required(field.child("default"), "required when validRange is defined")]
        }
        return validate(range, usual, field.child("validRange"))
    }

    private func validate(_ values: [Quantity], _ usual: Quantity, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for index in values.indices.dropFirst() where values[index - 1] > values[index] {
            let text: String = "values must be sorted in ascending order"
            errors.append(.invalid(path.index(index), values[index].description, text))
        }
        errors += DeviceRules.set(values, limit: Self.mostValues, key: { $0.description }, path) { option, path in
            if option <= value { return [] }
            return [.invalid(path, option.description, "option is larger than capacity value: \(value)")]
        }
        if !values.contains(usual) {
            let text: String = "default value is not valid according to the requestPolicy"
            errors.append(.invalid(path, usual.description, text))
        }
        return errors
    }

    private func validate(_ range: CapacityRequestPolicyRange, _ usual: Quantity, _ path: FieldPath) -> FieldErrors {
        guard let least = range.min else {
            return [.required(path.child("min"), "required when validRange is defined")]
        }
        var errors = FieldErrors()
        func check(_ isWrong: Bool, _ field: String, _ shown: Quantity, _ text: String) {
            if isWrong { errors.append(.invalid(path.child(field), shown.description, text)) }
        }
        check(least > value, "min", least, "min is larger than capacity value: \(value)")
        check(usual < least, "min", usual, "default is less than min: \(least)")
        if let most = range.max {
            check(least > most, "max", least, "min is larger than max: \(most)")
            check(most > value, "max", most, "max is larger than capacity value: \(value)")
            check(usual > most, "max", usual, "default is more than max: \(most)")
        }
        guard let step = range.step, step.sign > 0 else { return errors }
        let first: Quantity = least + step
        check(first > value, "step", step, "one step \(first) is larger than capacity value: \(value)")
        for one in [usual, range.max].compactMap({ $0 }) {
            let text: String = "value is not a multiple of a given step (\(step)) from (\(least))"
            check((one.value - least.value) % max(1, step.value) != 0, "step", one, text)
        }
        return errors
    }
}
