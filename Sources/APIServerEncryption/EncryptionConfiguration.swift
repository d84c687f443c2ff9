package import APIMachinery
import Codec
import PKI

/// What `--encryption-provider-config` says: apiserver.config.k8s.io/v1, kind EncryptionConfiguration.
package struct EncryptionConfiguration: Sendable, Equatable {
    package struct Key: Sendable, Equatable {
        package var name: String
        package var secret: [UInt8]
    }

    package enum Provider: Sendable, Equatable {
        /// Plain.
        case identity
        case aesgcm([Key])
        case aescbc([Key])
    }

    package struct Rule: Sendable, Equatable {
        /// `secrets`, `deployments.apps`, `*.apps`, `*.` (all of the core group), `*.*`.
        package var resources: [String]
        /// The first one writes, all of them read.
        package var providers: [Provider]
    }

    package var rules: [Rule]

    /// The rule of a resource: the first that names it, as upstream has it.
    package func rule(for resource: GroupVersionResource) -> Rule? {
        let names: [String] = [
            resource.group.isEmpty ? resource.resource : resource.resource + "." + resource.group,
            "*." + resource.group, "*.*",
        ]
        return rules.first { rule in rule.resources.contains { names.contains($0) } }
    }
}

/// Never has a key in its text.
package struct EncryptionConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension EncryptionConfiguration {
    private static let keySizes: Set<Int> = [16, 24, 32]

    package init(yaml: [UInt8]) throws(EncryptionConfigurationError) {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.decode(yaml)
        } catch {
            throw EncryptionConfigurationError("not YAML: \(error)")
        }
        guard documents.count == 1, let root = documents.first else {
            throw EncryptionConfigurationError("one document is wanted, not \(documents.count)")
        }
        guard root["apiVersion"]?.string == "apiserver.config.k8s.io/v1",
            root["kind"]?.string == "EncryptionConfiguration"
        else {
            throw EncryptionConfigurationError("kind EncryptionConfiguration of apiserver.config.k8s.io/v1 is wanted")
        }
        guard let entries = root["resources"]?.array, !entries.isEmpty else {
            throw EncryptionConfigurationError("resources: Required value: at least one resource must be specified")
        }
        rules = []
        for (index, entry) in entries.enumerated() {
            rules.append(try Self.rule(entry, at: "resources[\(index)]"))
        }
    }

    private static func rule(_ entry: JSONValue, at path: String) throws(EncryptionConfigurationError) -> Rule {
        let resources: [String] = (entry["resources"]?.array ?? []).compactMap { $0.string }
        guard !resources.isEmpty, resources.count == entry["resources"]?.array?.count else {
            throw EncryptionConfigurationError("\(path).resources: Required value: at least one resource is wanted")
        }
        for resource in resources where resource == "*" || resource.contains("/") || resource != resource.lowercased() {
            throw EncryptionConfigurationError(
                "\(path).resources: Invalid value: \"\(resource)\": a resource is named resource or resource.group; "
                    + "use *.* for all")
        }
        let entries: [JSONValue] = entry["providers"]?.array ?? []
        guard !entries.isEmpty else {
            throw EncryptionConfigurationError("\(path).providers: Required value: at least one provider is wanted")
        }
        var providers: [Provider] = []
        for (index, entry) in entries.enumerated() {
            providers.append(try provider(entry, at: "\(path).providers[\(index)]"))
        }
        return Rule(resources: resources, providers: providers)
    }

    private static func provider(_ entry: JSONValue, at path: String) throws(EncryptionConfigurationError) -> Provider {
        guard let object = entry.object, object.count == 1, let (name, value) = object.first.map({ ($0.key, $0.value) })
        else {
            throw EncryptionConfigurationError("\(path): Invalid value: exactly one provider is wanted")
        }
        switch name {
        case "identity": return .identity
        case "aesgcm": return .aesgcm(try keys(value, at: "\(path).aesgcm"))
        case "aescbc": return .aescbc(try keys(value, at: "\(path).aescbc"))
        case "secretbox", "kms":
            throw EncryptionConfigurationError(
                "\(path).\(name): not supported here; use aesgcm (or aescbc, or identity)")
        default: throw EncryptionConfigurationError("\(path): Invalid value: unknown provider \"\(name)\"")
        }
    }

    private static func keys(_ value: JSONValue, at path: String) throws(EncryptionConfigurationError) -> [Key] {
        let entries: [JSONValue] = value["keys"]?.array ?? []
        guard !entries.isEmpty else {
            throw EncryptionConfigurationError("\(path).keys: Required value: at least one key is wanted")
        }
        var keys: [Key] = []
        for (index, entry) in entries.enumerated() {
            let at: String = "\(path).keys[\(index)]"
            guard let name = entry["name"]?.string, !name.isEmpty, !name.contains(":") else {
                throw EncryptionConfigurationError("\(at).name: Required value: a name without colons is wanted")
            }
            guard !keys.contains(where: { $0.name == name }) else {
                throw EncryptionConfigurationError("\(at).name: Duplicate value: \"\(name)\"")
            }
            guard let secret = (entry["secret"]?.string).flatMap({ decode($0) }) else {
                throw EncryptionConfigurationError("\(at).secret: Invalid value: the secret must be base64")
            }
            guard keySizes.contains(secret.count) else {
                throw EncryptionConfigurationError(
                    "\(at).secret: Invalid value: secret is not of the expected length, got \(secret.count), expected "
                        + "one of [16 24 32]")
            }
            keys.append(Key(name: name, secret: secret))
        }
        return keys
    }

    private static func decode(_ text: String) -> [UInt8]? {
        let trimmed: [UInt8] = Array(text.utf8).filter { ![0x20, 0x0A, 0x0D, 0x3D].contains($0) }
        return Base64.decodeURL(
            trimmed.map { byte in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                case UInt8(ascii: "-"), UInt8(ascii: "_"): 0
                default: byte
                }
            })
    }
}
