package import APIDynamicResources
import APIMachinery

extension ResourceClaim {
    package mutating func setDefaults() {
        spec.setDefaults()
        guard var allocation = status.allocation else { return }
        for index in allocation.devices.results.indices {
            allocation.devices.results[index].tolerations.setDefaults()
        }
        status.allocation = allocation
    }
}

extension ResourceClaimTemplate {
    package mutating func setDefaults() { spec.spec.setDefaults() }
}

extension ResourceClaimSpec {
    fileprivate mutating func setDefaults() {
        for index in devices.requests.indices {
            if var exactly = devices.requests[index].exactly {
                Self.setMode(&exactly.allocationMode, &exactly.count)
                exactly.tolerations.setDefaults()
                devices.requests[index].exactly = exactly
            }
            for choice in devices.requests[index].firstAvailable.indices {
                var request: DeviceSubRequest = devices.requests[index].firstAvailable[choice]
                Self.setMode(&request.allocationMode, &request.count)
                request.tolerations.setDefaults()
                devices.requests[index].firstAvailable[choice] = request
            }
        }
    }

    private static func setMode(_ mode: inout String, _ count: inout Int) {
        if mode.isEmpty { mode = "ExactCount" }
        if mode == "ExactCount", count == 0 { count = 1 }
    }
}

extension [DeviceToleration] {
    fileprivate mutating func setDefaults() {
        for index in indices where self[index].operator.isEmpty { self[index].operator = "Equal" }
    }
}
