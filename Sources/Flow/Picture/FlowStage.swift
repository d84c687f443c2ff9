/// The nine steps of a pod's way (DESIGN §1), by who takes them.
package enum FlowStage: Int, Sendable, CaseIterable, Comparable {
    case asked = 1
    case written
    case controlled
    case scheduled
    case noticed
    case sandboxed
    case started
    case reported
    case reachable

    /// What the stage is called in pictures.
    package var title: String {
        switch self {
        case .asked: "asked"
        case .written: "written"
        case .controlled: "controlled"
        case .scheduled: "scheduled"
        case .noticed: "noticed by the kubelet"
        case .sandboxed: "sandbox and network"
        case .started: "image and containers"
        case .reported: "reported"
        case .reachable: "reachable"
        }
    }

    package static func < (left: FlowStage, right: FlowStage) -> Bool { left.rawValue < right.rawValue }

    /// Which stage a step belongs to: by its component, and for the API server's writes by whose they are.
    package init(_ step: Step) {
        switch step.component {
        case "apiserver": self = Self.ofWrite(step)
        case "scheduler": self = .scheduled
        case "kubelet": self = Self.ofKubelet(step.what)
        case "service-proxy", "dns": self = .reachable
        default: self = .controlled
        }
    }

    private static func ofWrite(_ step: Step) -> FlowStage {
        let user: String = step.detail("user") ?? ""
        if user.hasPrefix("system:node:") { return .reported }
        if user == "system:kube-scheduler" { return .scheduled }
        if user.hasPrefix("system:serviceaccount:kube-system:") {
            return user.contains("endpoint") ? .reachable : .controlled
        }
        return .written
    }

    private static func ofKubelet(_ what: String) -> FlowStage {
        if what.hasPrefix("saw") || what.hasPrefix("mounted") { return .noticed }
        if what.contains("sandbox") || what.contains("network") { return .sandboxed }
        if what.contains("probe") || what.contains("status") { return .reported }
        return .started
    }
}

extension Step {
    package func detail(_ name: String) -> String? {
        details.first { $0.name == name }?.value
    }

    /// Who acted, in a word: the component, or for a write the one whose request it was.
    package var actor: String {
        guard component == "apiserver", let user = detail("user") else { return component }
        if user.hasPrefix("system:serviceaccount:") { return String(user.split(separator: ":").last ?? "") }
        if user.hasPrefix("system:node:") { return "kubelet" }
        if user == "system:kube-scheduler" { return "scheduler" }
        return "apiserver"
    }
}
