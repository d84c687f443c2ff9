/// What a proxied name means: `web-0`, `web-0:8080`, `https:web-0:8443`, and with an empty port `https:web-0:`.
package struct ProxyName: Sendable, Equatable {
    /// `http`, `https`, or empty.
    package var scheme: String = ""
    package var name: String
    /// A number, or for services a name; empty if none was given.
    package var port: String = ""

    /// Nil: not of that form.
    package init?(_ text: String) {
        let parts: [Substring] = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: name = String(parts[0])
        case 2:
            name = String(parts[0])
            port = String(parts[1])
        case 3:
            scheme = String(parts[0])
            name = String(parts[1])
            port = String(parts[2])
        default: return nil
        }
        guard !name.isEmpty, ["", "http", "https"].contains(scheme) else { return nil }
    }
}

/// Where a proxied request goes.
package struct ProxyPlace: Sendable, Equatable {
    package enum Security: Sendable, Equatable {
        case plain
        /// Certificates of pods are nobody's; upstream does not verify them.
        case unverifiedTLS
        /// With the server's own certificate, as all talk with kubelets.
        case kubelet
    }

    package var security: Security
    package var host: String
    package var port: Int

    package init(_ security: Security, host: String, port: Int) {
        self.security = security
        self.host = host
        self.port = port
    }

    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
