import APIApps
import APIBatch
import APICore
package import APIMachinery
import Codec

/// Holds pods to the standards that their namespace's labels ask for, and warns about workloads whose pods would be
/// refused.
package struct PodSecurityPlugin: AdmissionPlugin {
    package struct Exemptions: Sendable {
        package var users: Set<String> = []
        package var namespaces: Set<String> = []
        package var runtimeClasses: Set<String> = []

        package init() {}
    }

    /// When a namespace becomes stricter, at most so many of its pods are looked at; upstream's number.
    private static let mostPodsChecked: Int = 3000
    private static let workloads: Set<String> = [
        "/replicationcontrollers", "/podtemplates", "apps/replicasets", "apps/deployments", "apps/statefulsets",
        "apps/daemonsets", "batch/jobs", "batch/cronjobs",
    ]
    /// Subresources of pods that cannot change what a pod may do.
    private static let ignoredSubresources: Set<String> = [
        "exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status",
    ]

    package let name = "PodSecurity"
    private let exemptions: Exemptions
    private let defaults: PodSecurityPolicy

    package init(exemptions: Exemptions = Exemptions(), defaults: PodSecurityPolicy = .privileged) {
        self.exemptions = exemptions
        self.defaults = defaults
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.operation == .create || attributes.operation == .update else { return false }
        let gvr: GroupVersionResource = attributes.info.gvr
        if gvr.group.isEmpty, gvr.resource == "pods" {
            return !Self.ignoredSubresources.contains(attributes.subresource)
        }
        guard attributes.subresource.isEmpty else { return false }
        return attributes.isPlain("namespaces") || Self.workloads.contains("\(gvr.group)/\(gvr.resource)")
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        if let namespace = attributes.object(as: Namespace.self) {
            try check(namespace, attributes)
            return
        }
        if exemptions.namespaces.contains(attributes.namespace) {
            attributes.annotate("pod-security.kubernetes.io/exempt", "namespace")
            return
        }
        if exemptions.users.contains(attributes.user.name) {
            attributes.annotate("pod-security.kubernetes.io/exempt", "user")
            return
        }
        // NamespaceLifecycle has refused what is in no namespace.
        let labels = attributes.caches.get(Namespace.self, namespace: "", name: attributes.namespace)?.metadata.labels
        let (policy, errors): (PodSecurityPolicy, FieldErrors) = PodSecurityPolicy.parse(
            labels ?? [:], defaults: defaults)
        if policy == .privileged, errors.isEmpty { return }
        if let pod = attributes.object(as: Pod.self) {
            if let old = attributes.oldObject(as: Pod.self), !Self.isSignificant(pod, old) { return }
            try evaluate(policy, errors, pod.metadata, pod.spec, attributes, enforces: true)
        } else if let template = attributes.object.flatMap({ Self.template($0) }) {
            try evaluate(policy, errors, template.metadata, template.spec, attributes, enforces: false)
        }
    }

    // MARK: - Pods

    private func evaluate(
        _ policy: PodSecurityPolicy, _ errors: FieldErrors, _ metadata: ObjectMeta, _ spec: PodSpec,
        _ attributes: AdmissionAttributes, enforces: Bool
    ) throws(StatusError) {
        if let handler = spec.runtimeClassName, exemptions.runtimeClasses.contains(handler) {
            attributes.annotate("pod-security.kubernetes.io/exempt", "runtimeClass")
            return
        }
        if !errors.isEmpty {
            attributes.annotate("pod-security.kubernetes.io/error", "Failed to parse policy: \(errors.description)")
        }
        var refusal: StatusError?
        if enforces {
            attributes.annotate("pod-security.kubernetes.io/enforce-policy", policy.enforce.description)
            let found: [PodSecurityViolation] = PodSecurityEvaluator.evaluate(metadata, spec, against: policy.enforce)
            if !found.isEmpty {
                refusal = attributes.forbidden(
                    "violates PodSecurity \"\(policy.enforce)\": \(found.details)")
            }
        }
        let noted: [PodSecurityViolation] = PodSecurityEvaluator.evaluate(metadata, spec, against: policy.audit)
        if !noted.isEmpty {
            attributes.annotate(
                "pod-security.kubernetes.io/audit-violations",
                "would violate PodSecurity \"\(policy.audit)\": \(noted.details)")
        }
        if let refusal { throw refusal }
        let told: [PodSecurityViolation] = PodSecurityEvaluator.evaluate(metadata, spec, against: policy.warn)
        if !told.isEmpty {
            attributes.warnings.append("would violate PodSecurity \"\(policy.warn)\": \(told.details)")
        }
    }

    /// Whether an update could break what the pod was admitted for.
    static func isSignificant(_ pod: Pod, _ old: Pod) -> Bool {
        func relevant(_ pod: Pod) -> [String] {
            pod.metadata.annotations.filter {
                $0.key.hasPrefix("container.apparmor.security.beta.kubernetes.io/")
                    || $0.key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
                    || $0.key == "seccomp.security.alpha.kubernetes.io/pod"
            }.map { "\($0.key)=\($0.value)" }
        }
        func images(_ pod: Pod) -> [[String]] {
            [
                pod.spec.initContainers.map { $0.image }, pod.spec.containers.map { $0.image },
                pod.spec.ephemeralContainers.map { $0.image },
            ]
        }
        return images(pod) != images(old) || relevant(pod) != relevant(old)
    }

    static func template(_ object: any APIObject) -> PodTemplateSpec? {
        switch object {
        case let object as PodTemplate: object.template
        case let object as ReplicationController: object.spec.template
        case let object as ReplicaSet: object.spec.template
        case let object as Deployment: object.spec.template
        case let object as DaemonSet: object.spec.template
        case let object as StatefulSet: object.spec.template
        case let object as Job: object.spec.template
        case let object as CronJob: object.spec.jobTemplate.spec.template
        default: nil
        }
    }

    // MARK: - Namespaces

    private func check(_ namespace: Namespace, _ attributes: AdmissionAttributes) throws(StatusError) {
        let (policy, errors): (PodSecurityPolicy, FieldErrors) = PodSecurityPolicy.parse(
            namespace.metadata.labels, defaults: defaults)
        guard let old = attributes.oldObject(as: Namespace.self) else {
            guard errors.isEmpty else { throw .invalid(Namespace.gvk, namespace.metadata.name, errors) }
            return
        }
        let (before, oldErrors): (PodSecurityPolicy, FieldErrors) = PodSecurityPolicy.parse(
            old.metadata.labels, defaults: defaults)
        // What was wrong already does not get into the way of other changes.
        guard errors.isEmpty || errors.description == oldErrors.description else {
            throw .invalid(Namespace.gvk, namespace.metadata.name, errors)
        }
        let isExempt: Bool = exemptions.namespaces.contains(namespace.metadata.name)
        if isExempt, policy != before {
            attributes.warnings.append(
                "namespace \"\(namespace.metadata.name)\" is exempt from Pod Security, and the policy "
                    + "(enforce=\(policy.enforce), audit=\(policy.audit), warn=\(policy.warn)) will be ignored")
        }
        let isStricter: Bool =
            policy.enforce != before.enforce && policy.enforce.level != .privileged
            && (policy.enforce.version != before.enforce.version || policy.enforce.level > before.enforce.level)
        if isStricter, !isExempt {
            attributes.warnings += warnings(namespace.metadata.name, policy.enforce, attributes)
        }
    }

    /// About the pods that are there and would not be let in any more.
    private func warnings(_ namespace: String, _ standard: PodSecurityStandard, _ attributes: AdmissionAttributes)
        -> [String]
    {
        let all: [Pod] = attributes.caches.list(Pod.self, namespace: namespace)
        let pods: ArraySlice<Pod> = Self.oneOfEachOwnerFirst(all).prefix(Self.mostPodsChecked)
        var found: [String: (pod: String, others: Int)] = [:]
        for pod in pods {
            if let handler = pod.spec.runtimeClassName, exemptions.runtimeClasses.contains(handler) { continue }
            let violations: [PodSecurityViolation] = PodSecurityEvaluator.evaluate(
                pod.metadata, pod.spec, against: standard)
            guard !violations.isEmpty else { continue }
            if let known = found[violations.reasons] {
                found[violations.reasons] = (known.pod, known.others + 1)
            } else {
                found[violations.reasons] = (pod.metadata.name, 0)
            }
        }
        var warnings: [String] = []
        if pods.count < all.count {
            warnings.append(
                "new PodSecurity enforce level only checked against the first \(pods.count) of \(all.count) existing "
                    + "pods")
        }
        guard !found.isEmpty else { return warnings }
        warnings.append(
            "existing pods in namespace \"\(namespace)\" violate the new PodSecurity enforce level \"\(standard)\"")
        let details: [String] = found.map { reasons, pods in
            switch pods.others {
            case 0: "\(pods.pod): \(reasons)"
            case 1: "\(pods.pod) (and 1 other pod): \(reasons)"
            default: "\(pods.pod) (and \(pods.others) other pods): \(reasons)"
            }
        }
        return warnings + details.sorted()
    }

    /// Pods of one controller are alike: those that show something new come first.
    static func oneOfEachOwnerFirst(_ pods: [Pod]) -> [Pod] {
        var seen: Set<String> = []
        var first: [Pod] = []
        var rest: [Pod] = []
        for pod in pods {
            guard let owner = pod.metadata.ownerReferences.first(where: { $0.controller == true }) else {
                first.append(pod)
                continue
            }
            if seen.insert(owner.uid).inserted { first.append(pod) } else { rest.append(pod) }
        }
        return first + rest
    }
}
