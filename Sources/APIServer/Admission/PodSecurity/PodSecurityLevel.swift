/// How much a pod may do, from everything to little. Upstream's Pod Security Standards.
package enum PodSecurityLevel: String, Sendable, Comparable {
    case privileged, baseline, restricted

    private var strictness: Int {
        switch self {
        case .privileged: 0
        case .baseline: 1
        case .restricted: 2
        }
    }

    package static func < (left: PodSecurityLevel, right: PodSecurityLevel) -> Bool {
        left.strictness < right.strictness
    }
}

/// The Kubernetes release whose rules count.
package enum PodSecurityVersion: Sendable, Equatable, CustomStringConvertible {
    case latest
    /// `v1.N`.
    case minor(Int)

    /// The release that this server is compatible with; later ones have its rules.
    package static let newestMinor: Int = 34

    /// Nil: neither `latest` nor `v1.N`.
    package init?(_ text: String) {
        if text == "latest" {
            self = .latest
            return
        }
        let digits: Substring = text.dropFirst(3)
        guard text.hasPrefix("v1."), !digits.isEmpty, digits == "0" || !digits.hasPrefix("0"),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let minor = Int(digits)
        else { return nil }
        self = .minor(minor)
    }

    package var minor: Int {
        switch self {
        case .latest: Self.newestMinor
        case .minor(let number): min(number, Self.newestMinor)
        }
    }

    package var description: String {
        switch self {
        case .latest: "latest"
        case .minor(let number): "v1.\(number)"
        }
    }
}

/// A level as of a release: `restricted:v1.29`.
package struct PodSecurityStandard: Sendable, Equatable, CustomStringConvertible {
    package var level: PodSecurityLevel
    package var version: PodSecurityVersion

    package init(_ level: PodSecurityLevel, _ version: PodSecurityVersion = .latest) {
        self.level = level
        self.version = version
    }

    package var description: String { "\(level.rawValue):\(version)" }
}
