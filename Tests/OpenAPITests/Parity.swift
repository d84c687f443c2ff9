import API
import APIServer
import Codec

/// Compares what this tree publishes with what upstream publishes.
///
/// A gap is one line of words that names what upstream has and we lack, or have otherwise. What we have more of is
/// no gap.
struct Parity {
    /// What is compared, in the order of the table's columns.
    enum Category: String, CaseIterable {
        case paths, verbs, operations, definitions, fields, types, formats, defaults
        /// List types and their keys.
        case lists
        /// Map types.
        case maps
        /// Strategies and keys of strategic merge patches.
        case patches
        /// Values that upstream enumerates. Its documents name none, so neither may ours.
        case enums
        /// Kinds, unions and what else stands beside a type.
        case kinds
        case discovery
    }

    struct Row {
        var group: String
        var same: [Category: Int] = [:]
        var gaps: [Category: Int] = [:]
    }

    private(set) var gaps: [String] = []
    private(set) var rows: [Row] = []
    private var counted: [String: Int] = [:]

    /// Notes what is the same (no gap) or differs, in a cell of the table.
    private mutating func count(_ group: String, _ category: Category, _ gap: String?) {
        let index: Int
        if let known = counted[group] {
            index = known
        } else {
            index = rows.count
            counted[group] = index
            rows.append(Row(group: group))
        }
        if let gap {
            rows[index].gaps[category, default: 0] += 1
            gaps.append(gap)
        } else {
            rows[index].same[category, default: 0] += 1
        }
    }

    private mutating func compare(
        _ group: String, _ category: Category, _ what: String, _ ours: JSONValue?, _ upstream: JSONValue?
    ) {
        guard let upstream else { return }
        guard let ours else {
            return count(group, category, "\(what): lacking, upstream has \(Self.text(upstream))")
        }
        count(
            group, category, ours == upstream ? nil : "\(what): \(Self.text(ours)), upstream \(Self.text(upstream))")
    }

    /// As `compare`, and what upstream does not have we may not have either.
    private mutating func compareBoth(
        _ group: String, _ category: Category, _ what: String, _ ours: JSONValue?, _ upstream: JSONValue?
    ) {
        if upstream == nil, let ours {
            count(group, category, "\(what): \(Self.text(ours)), upstream none")
        } else {
            compare(group, category, what, ours, upstream)
        }
    }

    /// Without order; each difference is a gap.
    private mutating func compare(
        _ group: String, _ category: Category, _ what: String, _ ours: [String], _ upstream: [String]
    ) {
        let (own, other): (Set<String>, Set<String>) = (Set(ours), Set(upstream))
        if own == other { return count(group, category, nil) }
        for text in other.subtracting(own).sorted() { count(group, category, "\(what): lacks \(text)") }
        for text in own.subtracting(other).sorted() { count(group, category, "\(what): has \(text)") }
    }

    private static func text(_ value: JSONValue) -> String {
        var writer = JSONWriter()
        value.write(json: &writer)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    /// One line per group: how much is the same in each category, and after a `!` how much is not.
    var table: String {
        let heads: [String] = Category.allCases.map { $0.rawValue }
        var lines: [[String]] = [["group"] + heads + ["gaps"]]
        for row in rows {
            let cells: [String] = Category.allCases.map { category in
                let gaps: Int = row.gaps[category] ?? 0
                return String(row.same[category] ?? 0) + (gaps == 0 ? "" : "!\(gaps)")
            }
            lines.append([row.group] + cells + [String(row.gaps.values.reduce(0, +))])
        }
        let widths: [Int] = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).enumerated().map { index, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: " ")
        }.joined(separator: "\n")
    }

    // MARK: - OpenAPI

    /// One document of version 3. Resources that we do not serve are gaps of discovery, not of each of their paths.
    mutating func compareDocument(_ group: String, ours: JSONValue, upstream: JSONValue) {
        let served: Set<String> = Set((ours["paths"]?.names ?? []).map { Self.resource($0) })
        for (path, item) in upstream["paths"]?.object?.sorted ?? [] where served.contains(Self.resource(path)) {
            comparePath(group, path, ours["paths"]?[path], item)
        }
        let schemas: JSONValue? = ours.at("components", "schemas")
        let wanted: Set<String> = Self.closure(upstream, served)
        for (name, schema) in upstream.at("components", "schemas")?.object?.sorted ?? [] where wanted.contains(name) {
            guard let own = schemas?[name] else {
                count(group, .definitions, "schema \(name): lacking")
                continue
            }
            count(group, .definitions, nil)
            compareSchema(group, Self.shortName(name), own, schema)
        }
    }

    /// `/api/v1/watch/namespaces/{namespace}/pods/{name}/status` → `pods`
    private static func resource(_ path: String) -> String {
        var parts: [Substring] = path.split(separator: "/")
        parts.removeFirst(min(parts.count, parts.first == "api" ? 2 : 3))
        if parts.first == "watch" { parts.removeFirst() }
        if parts.count > 2, parts[0] == "namespaces", parts[1] == "{namespace}" { parts.removeFirst(2) }
        return parts.first.map { String($0) } ?? ""
    }

    private static func shortName(_ name: String) -> String {
        name.split(separator: ".").last.map { String($0) } ?? name
    }

    /// The schemas that the paths of served resources need.
    private static func closure(_ document: JSONValue, _ served: Set<String>) -> Set<String> {
        var found: Set<String> = []
        var waiting: [JSONValue] = (document["paths"]?.object?.sorted ?? []).filter {
            served.contains(resource($0.key))
        }
        .map { $0.value }
        while let value = waiting.popLast() {
            switch value {
            case .array(let items): waiting += items
            case .object(let members):
                for (key, member) in members {
                    guard key == "$ref", let reference = member.string else {
                        waiting.append(member)
                        continue
                    }
                    let name: String = String(reference.dropFirst("#/components/schemas/".count))
                    if found.insert(name).inserted, let schema = document.at("components", "schemas", name) {
                        waiting.append(schema)
                    }
                }
            default: break
            }
        }
        return found
    }

    private mutating func comparePath(_ group: String, _ path: String, _ ours: JSONValue?, _ upstream: JSONValue) {
        guard let ours else { return count(group, .paths, "path \(path): lacking") }
        count(group, .paths, nil)
        for (method, operation) in upstream.object?.sorted ?? [] where method != "parameters" {
            let what: String = "\(method) \(path)"
            guard let own = ours[method] else {
                count(group, .verbs, "\(what): lacking")
                continue
            }
            count(group, .verbs, nil)
            for key in ["operationId", "x-kubernetes-action", "x-kubernetes-group-version-kind", "tags"] {
                compare(group, .operations, "\(what) \(key)", own[key], operation[key])
            }
            compare(
                group, .operations, "\(what) parameters", Self.parameters(own, ours),
                Self.parameters(operation, upstream))
            compare(
                group, .operations, "\(what) body", Self.body(own["requestBody"]), Self.body(operation["requestBody"]))
            compare(group, .operations, "\(what) responses", Self.responses(own), Self.responses(operation))
        }
    }

    /// `query pretty string` and so on, sorted, of the operation and its path together.
    private static func parameters(_ operation: JSONValue, _ item: JSONValue) -> [String] {
        let all: [JSONValue] = (item["parameters"]?.array ?? []) + (operation["parameters"]?.array ?? [])
        return all.map { one in
            let words: [String?] = [one["in"]?.string, one["name"]?.string, one.at("schema", "type")?.string]
            return words.compactMap { $0 }.joined(separator: " ")
        }
    }

    /// Content types and what they hold. CBOR is none of ours.
    private static func content(_ content: JSONValue?) -> [String] {
        (content?.object?.sorted ?? []).filter { !$0.key.contains("cbor") }.map { type, media in
            let schema: JSONValue? = media["schema"]
            return "\(type) \(schema?["$ref"]?.string ?? schema?["type"]?.string ?? "")"
        }
    }

    private static func body(_ body: JSONValue?) -> [String] {
        guard let body else { return ["none"] }
        return content(body["content"]) + ["required \(body["required"]?.bool ?? false)"]
    }

    private static func responses(_ operation: JSONValue) -> [String] {
        let all: [JSONObject.Element] = operation["responses"]?.object?.sorted ?? []
        return all.flatMap { code, response in [code] + content(response["content"]).map { "\(code) \($0)" } }
    }

    /// Version 2: what we have of it.
    mutating func compareVersion2(ours: JSONValue, upstream: JSONValue) {
        for (name, definition) in ours["definitions"]?.object?.sorted ?? [] {
            guard let wanted = upstream["definitions"]?[name] else {
                count("version 2", .definitions, "definition \(name): unknown to upstream")
                continue
            }
            count("version 2", .definitions, nil)
            compareSchema("version 2", Self.shortName(name), definition, wanted)
        }
        for (path, item) in ours["paths"]?.object?.sorted ?? [] {
            for (method, operation) in item.object?.sorted ?? [] where method != "parameters" {
                let row: String = "version 2"
                let what: String = "version 2 \(method) \(path)"
                guard let wanted = upstream["paths"]?[path]?[method] else {
                    count(row, .verbs, "\(what): unknown to upstream")
                    continue
                }
                for key in ["operationId", "x-kubernetes-action", "x-kubernetes-group-version-kind"] {
                    compare(row, .operations, "\(what) \(key)", operation[key], wanted[key])
                }
                let produced: [String] = (wanted["produces"]?.words ?? []).filter { !$0.contains("cbor") }
                compare(row, .operations, "\(what) produces", operation["produces"]?.words ?? [], produced)
                for (code, response) in wanted["responses"]?.object?.sorted ?? [] {
                    compare(
                        row, .operations, "\(what) response \(code)", operation.at("responses", code, "schema"),
                        response["schema"])
                }
            }
        }
    }

    // MARK: - Schemas

    private mutating func compareSchema(_ group: String, _ what: String, _ ours: JSONValue, _ upstream: JSONValue) {
        for (name, field) in upstream["properties"]?.object?.sorted ?? [] {
            guard let own = ours.at("properties", name) else {
                count(group, .fields, "field \(what).\(name): lacking")
                continue
            }
            count(group, .fields, nil)
            compareField(group, "\(what).\(name)", own, field)
        }
        for name in (ours["properties"]?.names ?? []).subtracting(upstream["properties"]?.names ?? []).sorted() {
            count(group, .fields, "field \(what).\(name): unknown to upstream")
        }
        compare(group, .fields, "\(what) required", ours["required"]?.words ?? [], upstream["required"]?.words ?? [])
        let gvk: String = "x-kubernetes-group-version-kind"
        let skipped: Set<String> = ["properties", "required", "description", gvk]
        compareAttributes(group, what, ours, upstream, skipping: skipped)
        // Upstream lists every group that it has ever had.
        guard !["DeleteOptions", "WatchEvent"].contains(what) else { return }
        compareBoth(group, .kinds, "\(what) \(gvk)", ours[gvk], upstream[gvk])
    }

    private static func category(_ key: String) -> Category {
        switch key {
        case "type", "oneOf", "anyOf", "allOf": .types
        case "format": .formats
        case "default": .defaults
        case "enum": .enums
        case "x-kubernetes-list-type", "x-kubernetes-list-map-keys": .lists
        case "x-kubernetes-map-type": .maps
        case "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy": .patches
        default: .kinds
        }
    }

    /// All that stands beside a type, but for what is compared in another way.
    private mutating func compareAttributes(
        _ group: String, _ what: String, _ ours: JSONValue, _ upstream: JSONValue, skipping skipped: Set<String>
    ) {
        let keys: Set<String> = ours.names.union(upstream.names).subtracting(skipped)
        for key in keys.sorted() {
            compareBoth(group, Self.category(key), "\(what) \(key)", ours[key], upstream[key])
        }
    }

    private mutating func compareField(_ group: String, _ what: String, _ ours: JSONValue, _ upstream: JSONValue) {
        compare(group, .types, "\(what) type", Self.type(ours), Self.type(upstream))
        compareAttributes(
            group, what, ours, upstream,
            skipping: ["type", "$ref", "allOf", "description", "items", "additionalProperties"])
        for key in ["items", "additionalProperties"] {
            guard let child = upstream[key] else { continue }
            guard let own = ours[key] else {
                count(group, .types, "\(what) \(key): lacking")
                continue
            }
            compareField(group, "\(what)[]", own, child)
        }
    }

    /// The type, or the schema that is referred to, whether wrapped or not.
    private static func type(_ node: JSONValue) -> JSONValue {
        node["$ref"] ?? node.at("allOf", "0", "$ref") ?? node["type"] ?? .null
    }

    // MARK: - Discovery

    /// Two `APIResourceList`s.
    mutating func compareDiscovery(_ group: String, ours: JSONValue, upstream: JSONValue) {
        let own: [JSONValue] = ours["resources"]?.array ?? []
        for resource in upstream["resources"]?.array ?? [] {
            let name: String = resource["name"]?.string ?? ""
            guard let match = own.first(where: { $0["name"] == resource["name"] }) else {
                // A subresource goes without saying where its parent is lacking.
                let parent: String = name.split(separator: "/").first.map { String($0) } ?? name
                if parent == name || own.contains(where: { $0["name"]?.string == parent }) {
                    count(group, .discovery, "resource \(group) \(name): lacking")
                }
                continue
            }
            for (key, value) in resource.object?.sorted ?? [] where key != "storageVersionHash" {
                let what: String = "resource \(group) \(name) \(key)"
                if value.array != nil {
                    compare(group, .discovery, what, match[key]?.words ?? [], value.words)
                } else {
                    compare(group, .discovery, what, match[key], value)
                }
            }
        }
    }

    /// Upstream's aggregated discovery as the `APIResourceList`s of its versions.
    static func resourceLists(aggregated: JSONValue) -> [(group: String, version: String, list: JSONValue)] {
        var lists: [(group: String, version: String, list: JSONValue)] = []
        for group in aggregated["items"]?.array ?? [] {
            let name: String = group.at("metadata", "name")?.string ?? ""
            for version in group["versions"]?.array ?? [] {
                var resources: [JSONValue] = []
                for resource in version["resources"]?.array ?? [] {
                    let parent: JSONValue? = resource["resource"]
                    var entry: JSONValue = [
                        "name": parent ?? .null, "singularName": resource["singularResource"] ?? .null,
                        "namespaced": .bool(resource["scope"]?.string == "Namespaced"),
                        "kind": resource.at("responseKind", "kind") ?? .null, "verbs": resource["verbs"] ?? .null,
                    ]
                    entry["shortNames"] = resource["shortNames"]
                    entry["categories"] = resource["categories"]
                    resources.append(entry)
                    for subresource in resource["subresources"]?.array ?? [] {
                        let own: String = subresource["subresource"]?.string ?? ""
                        resources.append([
                            "name": .string("\(parent?.string ?? "")/\(own)"),
                            "kind": subresource.at("responseKind", "kind") ?? .null,
                            "verbs": subresource["verbs"] ?? .null,
                        ])
                    }
                }
                lists.append((name, version["version"]?.string ?? "", ["resources": .array(resources)]))
            }
        }
        return lists
    }
}
