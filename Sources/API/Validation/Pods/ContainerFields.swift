import APICore
import APIMachinery
import Codec

/// What all containers have in common, ordinary ones, those that initialize, and ephemeral ones.
protocol ContainerFields {
    var name: String { get }
    var image: String { get }
    var imagePullPolicy: String { get }
    var terminationMessagePolicy: String { get }
    var ports: [ContainerPort] { get }
    var env: [EnvVar] { get }
    var envFrom: [EnvFromSource] { get }
    var volumeMounts: [VolumeMount] { get }
    var volumeDevices: [VolumeDevice] { get }
    var resources: ResourceRequirements { get }
    var resizePolicy: [ContainerResizePolicy] { get }
    var securityContext: SecurityContext? { get }
    var restartPolicy: String? { get }
    var lifecycle: Lifecycle? { get }
    var livenessProbe: Probe? { get }
    var readinessProbe: Probe? { get }
    var startupProbe: Probe? { get }
}

extension Container: ContainerFields {}
extension EphemeralContainer: ContainerFields {}

/// What a container's rules need to know of its pod.
struct ContainerSurroundings {
    var volumes: [String: Volume]
    var hostNetwork: Bool
    /// Nil stands for a pod without any.
    var gracePeriodSeconds: Int
    var hostUsers: Bool?
    /// Of a template, where more is left open.
    var podRestartPolicy: String
}

extension ContainerFields {
    /// The rules for every container.
    func validateCommon(_ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if name.isEmpty {
            errors.append(.required(path.child("name")))
        } else {
            errors += Rule.label(name, path.child("name"))
        }
        errors += validateImage(path.child("image"))
        errors += Rule.choice(
            terminationMessagePolicy, ["File", "FallbackToLogsOnError"], path.child("terminationMessagePolicy"))
        errors += PortRules.containerPorts(ports, path.child("ports"))
        if pod.hostNetwork { errors += PortRules.hostNetwork(ports, path.child("ports")) }
        errors += EnvironmentRules.variables(env, path.child("env"))
        errors += EnvironmentRules.sources(envFrom, path.child("envFrom"))
        errors += MountRules.mounts(self, pod, path.child("volumeMounts"))
        errors += MountRules.devices(self, pod, path.child("volumeDevices"))
        errors += Rule.choice(imagePullPolicy, ["Always", "IfNotPresent", "Never"], path.child("imagePullPolicy"))
        errors += ResourceRules.requirements(resources, path.child("resources"))
        errors += validateResizePolicy(pod, path.child("resizePolicy"))
        if let securityContext {
            errors += SecurityRules.container(securityContext, pod, path.child("securityContext"))
        }
        return errors
    }

    func validateImage(_ path: FieldPath) -> FieldErrors {
        if image.isEmpty { return [.required(path)] }
        if image.first?.isWhitespace == true || image.last?.isWhitespace == true {
            return [.invalid(path, image, "must not have leading or trailing whitespace")]
        }
        return []
    }

    private func validateResizePolicy(_ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for policy in resizePolicy {
            if !seen.insert(policy.resourceName).inserted { errors.append(.duplicate(path, policy.resourceName)) }
            errors += Rule.choice(policy.resourceName, ["cpu", "memory"], path)
            errors += Rule.choice(policy.restartPolicy, ["NotRequired", "RestartContainer"], path)
            if pod.podRestartPolicy == "Never", policy.restartPolicy == "RestartContainer" {
                let text: String = "must be 'NotRequired' when `restartPolicy` is 'Never'"
                errors.append(.invalid(path, policy.restartPolicy, text))
            }
        }
        return errors
    }

    /// Hooks and probes, for containers that may have them.
    func validateLifecycle(_ pod: ContainerSurroundings, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let lifecycle {
            let field: FieldPath = path.child("lifecycle")
            if let hook = lifecycle.postStart {
                errors += ProbeRules.hook(hook, pod.gracePeriodSeconds, field.child("postStart"))
            }
            if let hook = lifecycle.preStop {
                errors += ProbeRules.hook(hook, pod.gracePeriodSeconds, field.child("preStop"))
            }
        }
        errors += ProbeRules.liveness(livenessProbe, path.child("livenessProbe"))
        errors += ProbeRules.readiness(readinessProbe, path.child("readinessProbe"))
        errors += ProbeRules.liveness(startupProbe, path.child("startupProbe"))
        return errors
    }
}
