import Client
import Codec

/// A kubeconfig file: clusters, users, and contexts that join them.
package struct Kubeconfig: Sendable, Equatable {
    /// Relative paths in the file start here.
    private let folder: String
    private let document: JSONValue

    /// - Parameter folder: of the file; relative paths in it start there.
    package init(_ bytes: [UInt8], folder: String = "") throws(ConfigurationError) {
        do throws(YAMLError) {
            document = try YAML.decode(bytes).first ?? .null
        } catch {
            throw ConfigurationError("failed to read the kubeconfig: \(error.message)")
        }
        guard document.isNull || document["kind"]?.string ?? "Config" == "Config" else {
            throw ConfigurationError("the kubeconfig is of another kind: \(document["kind"]?.string ?? "")")
        }
        self.folder = folder
    }

    /// Reads a file. Blocks.
    package init(file path: String) throws(ConfigurationError) {
        let folder: Substring = path.lastIndex(of: "/").map { path[..<$0] } ?? ""
        try self.init(try FileBytes.read(path), folder: String(folder))
    }

    package var currentContext: String { document["current-context"]?.string ?? "" }

    package var contexts: [String] { names("contexts") }

    private func names(_ list: String) -> [String] {
        (document[list]?.array ?? []).compactMap { $0["name"]?.string }
    }

    private func entry(_ list: String, _ member: String, _ name: String) throws(ConfigurationError) -> JSONValue {
        guard let entry = (document[list]?.array ?? []).first(where: { $0["name"]?.string == name }) else {
            throw ConfigurationError("\(member) \"\(name)\" does not exist")
        }
        return entry[member] ?? .emptyObject
    }

    /// How to reach the cluster of a context.
    ///
    /// - Parameter context: empty: the current one.
    package func configuration(context name: String = "") throws(ConfigurationError) -> ClientConfiguration {
        let wanted: String = name.isEmpty ? currentContext : name
        guard !wanted.isEmpty else { throw ConfigurationError("the kubeconfig has no current context") }
        let context: JSONValue = try entry("contexts", "context", wanted)
        let cluster: JSONValue = try entry("clusters", "cluster", context["cluster"]?.string ?? "")
        guard let server = cluster["server"]?.string, !server.isEmpty else {
            throw ConfigurationError("the cluster of context \"\(wanted)\" has no server")
        }
        var result = try ClientConfiguration(server: server)
        if cluster["insecure-skip-tls-verify"]?.bool == true {
            result.trust = .anything
        } else if let source = try source(cluster, "certificate-authority") {
            result.trust = .authorities(source)
        }
        result.serverName = cluster["tls-server-name"]?.string ?? ""
        result.namespace = context["namespace"]?.string ?? ""
        if let user = context["user"]?.string, !user.isEmpty {
            result.credential = try credential(try entry("users", "user", user), user)
        }
        return result
    }

    private func credential(
        _ user: JSONValue, _ name: String
    ) throws(ConfigurationError) -> ClientConfiguration.Credential {
        if let chain = try source(user, "client-certificate") {
            guard let key = try source(user, "client-key") else {
                throw ConfigurationError("user \"\(name)\" has a client certificate, but no key")
            }
            return .certificate(chain: chain, key: key)
        }
        // The file wins, because it may be newer.
        if let path = user["tokenFile"]?.string, !path.isEmpty { return .token(.file(absolute(path))) }
        if let token = user["token"]?.string, !token.isEmpty { return .token(.bytes(Array(token.utf8))) }
        if let login = user["username"]?.string, !login.isEmpty {
            return .basic(user: login, password: user["password"]?.string ?? "")
        }
        for plugin in ["exec", "auth-provider"] where user[plugin]?.object != nil {
            throw ConfigurationError("user \"\(name)\" needs an \(plugin) plugin, which is not supported")
        }
        return .none
    }

    /// `<name>-data` in Base64, or the file `<name>`.
    private func source(
        _ value: JSONValue, _ name: String
    ) throws(ConfigurationError) -> ClientConfiguration.Source? {
        if let data = value[name + "-data"]?.string, !data.isEmpty {
            guard let bytes = Base64.decode(data) else {
                throw ConfigurationError("\(name)-data in the kubeconfig is not Base64")
            }
            return .bytes(bytes)
        }
        if let path = value[name]?.string, !path.isEmpty { return .file(absolute(path)) }
        return nil
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path
    }
}

extension ClientConfiguration {
    /// The folder in which a pod finds its service account.
    package static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The cluster in which we run as a pod.
    ///
    /// - Parameter environment: looks up an environment variable.
    package static func inCluster(
        environment: (String) -> String?, folder: String = serviceAccountFolder
    ) throws(ConfigurationError) -> ClientConfiguration {
        guard let host = environment("KUBERNETES_SERVICE_HOST"), !host.isEmpty,
            let port = environment("KUBERNETES_SERVICE_PORT"), !port.isEmpty
        else { throw ConfigurationError("not in a cluster: KUBERNETES_SERVICE_HOST and _PORT are not set") }
        let name: String = host.utf8.contains(0x3A) ? "[" + host + "]" : host
        var result = try ClientConfiguration(
            server: "https://\(name):\(port)", trust: .authorities(.file(folder + "/ca.crt")),
            credential: .token(.file(folder + "/token")))
        result.namespace = String(decoding: try FileBytes.read(folder + "/namespace"), as: UTF8.self)
        return result
    }
}
