import Codec

/// What is wrong with a policy file.
package struct AuditPolicyError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension AuditPolicy {
    package init(yaml: [UInt8]) throws(AuditPolicyError) {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.decode(yaml)
        } catch {
            throw AuditPolicyError("not YAML: \(error)")
        }
        guard documents.count == 1, let root = documents.first else {
            throw AuditPolicyError("one document is wanted, not \(documents.count)")
        }
        guard root["apiVersion"]?.string == "audit.k8s.io/v1", root["kind"]?.string == "Policy" else {
            throw AuditPolicyError("kind Policy of audit.k8s.io/v1 is wanted")
        }
        let entries: [JSONValue] = root["rules"]?.array ?? []
        guard !entries.isEmpty else { throw AuditPolicyError("rules: Required value: at least one rule is wanted") }
        var rules: [Rule] = []
        for (index, entry) in entries.enumerated() { rules.append(try Self.rule(entry, at: "rules[\(index)]")) }
        self.init(rules: rules)
        omitStages = try Self.stages(root, at: "")
        omitManagedFields = root["omitManagedFields"]?.bool ?? false
    }

    private static let known: Set<String> = [
        "level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages",
        "omitManagedFields",
    ]

    private static func rule(_ entry: JSONValue, at path: String) throws(AuditPolicyError) -> Rule {
        guard let object = entry.object else { throw AuditPolicyError("\(path): Invalid value: an object is wanted") }
        // A rule that was misspelt would match more than it says.
        if let unknown = object.keys.first(where: { !known.contains($0) }) {
            throw AuditPolicyError("\(path).\(unknown): unknown field")
        }
        var rule = Rule()
        guard let text = entry["level"]?.string, let level = AuditLevel(rawValue: text) else {
            throw AuditPolicyError(
                "\(path).level: Unsupported value: \"\(entry["level"]?.string ?? "")\": supported values: \"None\", "
                    + "\"Metadata\", \"Request\", \"RequestResponse\"")
        }
        rule.level = level
        rule.users = try strings(entry, "users", at: path)
        rule.groups = try strings(entry, "userGroups", at: path)
        rule.verbs = try strings(entry, "verbs", at: path)
        rule.namespaces = try strings(entry, "namespaces", at: path)
        rule.nonResourceURLs = try strings(entry, "nonResourceURLs", at: path)
        for url in rule.nonResourceURLs where url != "*" {
            guard url.hasPrefix("/"), !url.dropLast().contains("*") else {
                throw AuditPolicyError(
                    "\(path).nonResourceURLs: Invalid value: \"\(url)\": must begin with a '/', and have a '*' at most "
                        + "at its end")
            }
        }
        for entry in entry["resources"]?.array ?? [] {
            var group = Resources()
            group.group = entry["group"]?.string ?? ""
            group.resources = try strings(entry, "resources", at: "\(path).resources")
            group.resourceNames = try strings(entry, "resourceNames", at: "\(path).resources")
            guard group.resourceNames.isEmpty || !group.resources.isEmpty else {
                throw AuditPolicyError(
                    "\(path).resources.resourceNames: Invalid value: using resourceNames requires at least one resource"
                )
            }
            rule.resources.append(group)
        }
        guard rule.nonResourceURLs.isEmpty || (rule.resources.isEmpty && rule.namespaces.isEmpty) else {
            throw AuditPolicyError(
                "\(path).nonResourceURLs: Invalid value: rules cannot apply to both regular resources and non-resource "
                    + "URLs")
        }
        rule.omitStages = try stages(entry, at: path + ".")
        rule.omitManagedFields = entry["omitManagedFields"]?.bool
        return rule
    }

    private static func strings(_ entry: JSONValue, _ key: String, at path: String)
        throws(AuditPolicyError) -> [String]
    {
        guard let value = entry[key], !value.isNull else { return [] }
        let texts: [String] = (value.array ?? []).compactMap { $0.string }
        guard let count = value.array?.count, texts.count == count else {
            throw AuditPolicyError("\(path).\(key): Invalid value: a list of strings is wanted")
        }
        return texts
    }

    private static func stages(_ entry: JSONValue, at path: String) throws(AuditPolicyError) -> Set<AuditStage> {
        var stages: Set<AuditStage> = []
        for text in try strings(entry, "omitStages", at: path.isEmpty ? "policy" : String(path.dropLast())) {
            guard let stage = AuditStage(rawValue: text) else {
                throw AuditPolicyError(
                    "\(path)omitStages: Invalid value: \"\(text)\": allowed stages are RequestReceived,ResponseStarted,"
                        + "ResponseComplete,Panic")
            }
            stages.insert(stage)
        }
        return stages
    }
}
