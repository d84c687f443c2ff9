package import APICore
package import APIMachinery

/// What a pod does that a standard forbids.
package struct PodSecurityViolation: Sendable, Equatable {
    package var reason: String
    package var detail: String

    package init(_ reason: String, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

extension [PodSecurityViolation] {
    /// `privileged, hostPort`.
    package var reasons: String { map { $0.reason }.joined(separator: ", ") }

    /// `privileged (container "c" must not …), hostPort (…)`.
    package var details: String {
        map { $0.detail.isEmpty ? $0.reason : "\($0.reason) (\($0.detail))" }.joined(separator: ", ")
    }
}

/// Tells whether a pod meets a standard. Pure.
package enum PodSecurityEvaluator {
    /// A rule, and from which minor release on.
    struct Version: Sendable {
        let since: Int
        let run: @Sendable (PodSecuritySubject) -> PodSecurityViolation?

        init(_ since: Int, _ run: @escaping @Sendable (PodSecuritySubject) -> PodSecurityViolation?) {
            self.since = since
            self.run = run
        }
    }

    struct Check: Sendable {
        /// Upstream's; checks of a level run in the order of these.
        var id: String
        var level: PodSecurityLevel
        /// Ascending.
        var versions: [Version]
        /// Checks of the baseline that this one includes, once it counts.
        var replaces: Set<String> = []

        func run(_ minor: Int) -> (@Sendable (PodSecuritySubject) -> PodSecurityViolation?)? {
            versions.last { $0.since <= minor }?.run
        }
    }

    /// Baseline before restricted, each by id.
    static let checks: [Check] = (PodSecurityChecks.baseline + PodSecurityChecks.restricted).sorted { left, right in
        left.level == right.level ? left.id < right.id : left.level < right.level
    }

    /// All that is wrong, in upstream's order.
    package static func evaluate(_ metadata: ObjectMeta, _ spec: PodSpec, against standard: PodSecurityStandard)
        -> [PodSecurityViolation]
    {
        guard standard.level != .privileged else { return [] }
        let minor: Int = standard.version.minor
        let active: [Check] = checks.filter { $0.level <= standard.level && $0.run(minor) != nil }
        let replaced: Set<String> = active.reduce(into: []) { $0.formUnion($1.replaces) }
        let subject = PodSecuritySubject(metadata, spec)
        return active.compactMap { replaced.contains($0.id) ? nil : $0.run(minor)?(subject) }
    }
}

/// A pod as the checks see it.
struct PodSecuritySubject: Sendable {
    /// What the checks look at, of a container of whatever sort.
    struct Unit: Sendable {
        var name: String
        var security: SecurityContext?
        var ports: [ContainerPort]
        var probes: [Probe]
        var lifecycle: Lifecycle?
    }

    let metadata: ObjectMeta
    let spec: PodSpec
    let units: [Unit]

    init(_ metadata: ObjectMeta, _ spec: PodSpec) {
        self.metadata = metadata
        self.spec = spec
        var units: [Unit] = (spec.initContainers + spec.containers).map { container in
            Unit(
                name: container.name, security: container.securityContext, ports: container.ports,
                probes: [container.livenessProbe, container.readinessProbe, container.startupProbe].compactMap { $0 },
                lifecycle: container.lifecycle)
        }
        units += spec.ephemeralContainers.map { container in
            Unit(
                name: container.name, security: container.securityContext, ports: container.ports,
                probes: [container.livenessProbe, container.readinessProbe, container.startupProbe].compactMap { $0 },
                lifecycle: container.lifecycle)
        }
        self.units = units
    }

    var security: PodSecurityContext? { spec.securityContext }
    var isWindows: Bool { spec.os?.name == "windows" }

    /// The names of the containers for which this is so.
    func names(where isSo: (Unit) -> Bool) -> [String] {
        units.filter(isSo).map { $0.name }
    }
}
