/// Writes kubeconfig files with everything embedded.
package enum Kubeconfig {
    /// YAML for one cluster, one user with a client certificate, and one context that is current.
    package static func encode(
        server: String, authority: [UInt8], user: String, client: CertifiedKey, cluster: String = "swiftlet"
    ) -> [UInt8] {
        let context: String = "\(user)@\(cluster)"
        let text: String = """
            apiVersion: v1
            kind: Config
            clusters:
            - name: \(quoted(cluster))
              cluster:
                certificate-authority-data: \(Base64.encode(authority))
                server: \(quoted(server))
            contexts:
            - name: \(quoted(context))
              context:
                cluster: \(quoted(cluster))
                user: \(quoted(user))
            current-context: \(quoted(context))
            preferences: {}
            users:
            - name: \(quoted(user))
              user:
                client-certificate-data: \(Base64.encode(client.certificate))
                client-key-data: \(Base64.encode(client.key))

            """
        return Array(text.utf8)
    }

    /// Writes a file with mode 0600, atomically; its directory is made if it lacks.
    package static func write(_ bytes: [UInt8], to path: String) throws(PKIError) {
        let directory: Substring = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        if !directory.isEmpty { try KeyFile.makeDirectory(String(directory)) }
        try KeyFile.write(bytes, to: path, isSecret: true)
    }

    /// A YAML double-quoted scalar.
    private static func quoted(_ text: String) -> String {
        var out: String = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where character.value < 0x20:
                out +=
                    "\\x" + (character.value < 16 ? "0" : "")
                    + String(character.value, radix: 16)
            default: out.unicodeScalars.append(character)
            }
        }
        return out + "\""
    }
}
