package import APIMachinery
package import Codec

/// What a namespace asks of its pods, by its labels `pod-security.kubernetes.io/<mode>[-version]`.
package struct PodSecurityPolicy: Sendable, Equatable {
    /// What is not met is refused.
    package var enforce: PodSecurityStandard
    /// What is not met is noted in the audit log.
    package var audit: PodSecurityStandard
    /// What is not met is told to the client.
    package var warn: PodSecurityStandard

    /// For namespaces without labels.
    package static let privileged = PodSecurityPolicy(
        enforce: PodSecurityStandard(.privileged), audit: PodSecurityStandard(.privileged),
        warn: PodSecurityStandard(.privileged))

    package init(enforce: PodSecurityStandard, audit: PodSecurityStandard, warn: PodSecurityStandard) {
        self.enforce = enforce
        self.audit = audit
        self.warn = warn
    }

    private static let prefix: String = "pod-security.kubernetes.io/"

    /// The policy, and what is wrong with the labels. As upstream, an unknown level enforces `restricted`, but neither
    /// warns nor audits; an unknown version is the latest.
    package static func parse(_ labels: StringMap<String>, defaults: PodSecurityPolicy = .privileged)
        -> (policy: PodSecurityPolicy, errors: FieldErrors)
    {
        var policy: PodSecurityPolicy = defaults
        var errors: FieldErrors = []
        guard !labels.isEmpty else { return (policy, errors) }
        var known: Set<String> = []
        func read(_ mode: String, _ standard: inout PodSecurityStandard, otherwise: PodSecurityLevel) {
            let path = FieldPath("metadata").child("labels")
            if let text = labels[prefix + mode] {
                if let level = PodSecurityLevel(rawValue: text) {
                    standard.level = level
                    known.insert(mode)
                } else {
                    standard.level = otherwise
                    errors.append(
                        .invalid(
                            path.key(prefix + mode), text, "must be one of privileged, baseline, restricted"))
                }
            }
            guard let text = labels[prefix + mode + "-version"] else { return }
            known.insert(mode + "-version")
            if let version = PodSecurityVersion(text) {
                standard.version = version
            } else {
                standard.version = .latest
                errors.append(
                    .invalid(
                        path.key(prefix + mode + "-version"), text, "must be \"latest\" or \"v1.x\""))
            }
        }
        read("enforce", &policy.enforce, otherwise: .restricted)
        read("audit", &policy.audit, otherwise: .privileged)
        read("warn", &policy.warn, otherwise: .privileged)
        // Who enforces wants to be told about workloads, too, whose pods would be refused later.
        if labels[prefix + "warn"] == nil, known.contains("enforce"), policy.enforce.level > policy.warn.level {
            policy.warn.level = policy.enforce.level
            if !known.contains("warn-version") { policy.warn.version = policy.enforce.version }
        }
        return (policy, errors)
    }
}
