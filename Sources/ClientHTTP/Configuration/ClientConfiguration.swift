/// Where an API server is, how to know it, and who we are.
package struct ClientConfiguration: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        case bytes([UInt8])
        /// Read when it is needed, so that a rotated file is noticed.
        case file(String)
    }

    package enum Trust: Sendable, Equatable {
        /// The CAs of the machine.
        case system
        /// PEM.
        case authorities(Source)
        /// Takes any certificate. Only because kubeconfig has it.
        case anything
    }

    package enum Credential: Sendable, Equatable {
        case none
        /// PEM; read again for each new connection.
        case certificate(chain: Source, key: Source)
        /// Trailing white space is cut off.
        case token(Source)
        case basic(user: String, password: String)
    }

    package var scheme: String
    package var host: String
    package var port: Int
    /// What comes before `/api`; empty, or begins with a slash and ends without.
    package var pathPrefix: String
    package var trust: Trust
    /// The name in the server's certificate, where that is not the host.
    package var serverName: String
    package var credential: Credential
    package var userAgent: String
    /// Of a kubeconfig's context, or of the pod we run in; empty: not said.
    package var namespace: String
    /// For everything but watches.
    package var requestTimeout: Duration
    /// Whether HTTP/2 is offered; a proxy in between may not carry it.
    package var allowsHTTP2: Bool

    /// - Parameter server: `https://host:port/prefix`; `host:port` means HTTP, as upstream takes it.
    package init(
        server: String, trust: Trust = .system, credential: Credential = .none, userAgent: String = "swiftlet"
    ) throws(ConfigurationError) {
        var rest: Substring = server[...]
        scheme = "http"
        for known in ["https", "http"] where rest.hasPrefix(known + "://") {
            scheme = known
            rest = rest.dropFirst(known.utf8.count + 3)
            break
        }
        let slash: Substring.Index = rest.firstIndex(of: "/") ?? rest.endIndex
        var prefix: Substring = rest[slash...]
        while prefix.hasSuffix("/") { prefix = prefix.dropLast() }
        pathPrefix = String(prefix)
        let authority: Substring = rest[..<slash]
        guard let (host, port) = Self.parse(authority: authority, scheme: scheme) else {
            throw ConfigurationError("\"\(server)\" is no address of a server")
        }
        self.host = host
        self.port = port
        self.trust = trust
        self.credential = credential
        self.userAgent = userAgent
        serverName = ""
        namespace = ""
        requestTimeout = .seconds(65)
        allowsHTTP2 = true
    }

    /// `host`, `host:port`, `[::1]:port`.
    private static func parse(authority: Substring, scheme: String) -> (host: String, port: Int)? {
        let standard: Int = scheme == "https" ? 443 : 80
        var host: Substring = authority
        var port: Int = standard
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest: Substring = authority[authority.index(after: end)...]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()) else { return nil }
                port = Int(number)
            }
        } else if let colon = authority.lastIndex(of: ":") {
            guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
            host = authority[..<colon]
            port = Int(number)
        }
        return host.isEmpty ? nil : (String(host), port)
    }

    /// `host:port`, with brackets around IPv6 addresses.
    var authority: String {
        let name: String = host.utf8.contains(0x3A) ? "[" + host + "]" : host
        return name + ":" + String(port)
    }
}

/// Why a client cannot be configured.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
