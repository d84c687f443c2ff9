package import APICore
import APIMachinery
import Codec

/// What ordinary and ephemeral containers have in common, as far as defaults go.
protocol DefaultedContainer {
    var image: String { get }
    var imagePullPolicy: String { get set }
    var terminationMessagePath: String { get set }
    var terminationMessagePolicy: String { get set }
    var ports: [ContainerPort] { get set }
    var env: [EnvVar] { get set }
    var resources: ResourceRequirements { get set }
    var livenessProbe: Probe? { get set }
    var readinessProbe: Probe? { get set }
    var startupProbe: Probe? { get set }
    var lifecycle: Lifecycle? { get set }
}

extension Container: DefaultedContainer {}
extension EphemeralContainer: DefaultedContainer {}

extension DefaultedContainer {
    mutating func setDefaults() {
        if imagePullPolicy.isEmpty { imagePullPolicy = ImageReference.defaultPullPolicy(image) }
        if terminationMessagePath.isEmpty { terminationMessagePath = "/dev/termination-log" }
        if terminationMessagePolicy.isEmpty { terminationMessagePolicy = "File" }
        for index in ports.indices where ports[index].protocol.isEmpty { ports[index].protocol = "TCP" }
        for index in env.indices where env[index].valueFrom != nil { env[index].valueFrom?.setDefaults() }
        resources.limits.roundUpToMilli()
        resources.requests.roundUpToMilli()
        if livenessProbe != nil { livenessProbe?.setDefaults() }
        if readinessProbe != nil { readinessProbe?.setDefaults() }
        if startupProbe != nil { startupProbe?.setDefaults() }
        if lifecycle?.postStart?.httpGet != nil { lifecycle?.postStart?.httpGet?.setDefaults() }
        if lifecycle?.preStop?.httpGet != nil { lifecycle?.preStop?.httpGet?.setDefaults() }
    }
}

extension EnvVarSource {
    mutating func setDefaults() {
        if fieldRef != nil { fieldRef?.setDefaults() }
        if fileKeyRef != nil, fileKeyRef?.optional == nil { fileKeyRef?.optional = false }
    }
}

extension ObjectFieldSelector {
    mutating func setDefaults() {
        if apiVersion.isEmpty { apiVersion = "v1" }
    }
}

extension Probe {
    mutating func setDefaults() {
        if timeoutSeconds == 0 { timeoutSeconds = 1 }
        if periodSeconds == 0 { periodSeconds = 10 }
        if successThreshold == 0 { successThreshold = 1 }
        if failureThreshold == 0 { failureThreshold = 3 }
        if httpGet != nil { httpGet?.setDefaults() }
        if grpc != nil, grpc?.service == nil { grpc?.service = "" }
    }
}

extension HTTPGetAction {
    mutating func setDefaults() {
        if path.isEmpty { path = "/" }
        if scheme.isEmpty { scheme = "HTTP" }
    }
}

extension StringMap<Quantity> {
    /// Nothing finer than a thousandth is kept of a resource.
    mutating func roundUpToMilli() {
        for (key, value) in self {
            var rounded: Quantity = value
            if !rounded.roundUp(toScale: -3) { self[key] = rounded }
        }
    }

    /// Takes over what it does not have itself.
    mutating func fill(from other: StringMap<Quantity>) {
        for (key, value) in other where !contains(key: key) { self[key] = value }
    }
}
