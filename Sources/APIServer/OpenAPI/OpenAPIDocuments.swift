import API
import APIMachinery
import Synchronization

/// One resource as it is described to clients.
package struct OpenAPIResource: Sendable {
    package var info: ResourceInfo
    /// What a deletion answers: the object, or a status.
    package var returnsDeletedObject: Bool

    package init(_ info: ResourceInfo, returnsDeletedObject: Bool = false) {
        self.info = info
        self.returnsDeletedObject = returnsDeletedObject
    }
}

/// The documents of a server. Each call makes them anew; `OpenAPIHandler` keeps what is worth it.
package final class OpenAPIDocuments: Sendable {
    /// What `/openapi/v3` has documents of: `api`, `api/v1`, `apis`, `apis/apps`, `apis/apps/v1`, `version`; sorted.
    package let names: [String]
    private let resources: [String: [OpenAPIResource]]
    private let groups: [DiscoveryDocuments.Group]
    private let version: String
    /// Made when first needed, since that parses every schema. Held to take or set it only.
    private let definitions = Mutex<OpenAPIDefinitions?>(nil)

    package init(_ resources: [OpenAPIResource], version: String) {
        var byName: [String: [OpenAPIResource]] = [:]
        for resource in resources {
            byName[Self.name(resource.info.gvr.group, resource.info.gvr.version), default: []].append(resource)
        }
        let groups: [DiscoveryDocuments.Group] = DiscoveryDocuments(resources.map { $0.info }).groups
        var names: Set<String> = Set(byName.keys).union(["api", "apis", "version"])
        for group in groups where !group.name.isEmpty { names.insert("apis/\(group.name)") }
        self.names = names.sorted()
        self.resources = byName
        self.groups = groups
        self.version = version
    }

    private static func name(_ group: String, _ version: String) -> String {
        group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
    }

    private func allDefinitions() -> OpenAPIDefinitions {
        if let made = definitions.withLock({ $0 }) { return made }
        let made = OpenAPIDefinitions(schemas: APITypes.schemas, groupVersions: groupVersions())
        definitions.withLock { $0 = made }
        return made
    }

    private func groupVersions() -> [(group: String, version: String)] {
        var all: [(group: String, version: String)] = []
        for group in groups {
            for version in group.versions { all.append((group.name, version.name)) }
        }
        return all.sorted { ($0.group, $0.version) < ($1.group, $1.version) }
    }

    /// The document of one name as JSON; nil if there is none.
    package func version3(_ name: String) -> [UInt8]? {
        guard names.contains(name) else { return nil }
        let definitions: OpenAPIDefinitions = allDefinitions()
        return OpenAPIWriter.encode(document(paths(name, definitions), definitions), as: .three)
    }

    /// Everything in one document, as JSON.
    package func version2() -> [UInt8] { OpenAPIWriter.encode(whole(), as: .two) }

    /// The same as protobuf.
    package func version2Protobuf() -> [UInt8] { OpenAPIProtobuf.encode(whole()) }

    // MARK: - Parts

    private func whole() -> OpenAPIDocument {
        let definitions: OpenAPIDefinitions = allDefinitions()
        let paths: [OpenAPIPath] = names.flatMap { self.paths($0, definitions) }
        return document(paths.sorted { $0.path < $1.path }, definitions)
    }

    private func document(_ paths: [OpenAPIPath], _ definitions: OpenAPIDefinitions) -> OpenAPIDocument {
        var roots: Set<String> = []
        for operation in paths.flatMap({ $0.operations }) {
            if let body = operation.body { roots.insert(body.schema) }
            for response in operation.responses {
                if case .definition(let name) = response.payload { roots.insert(name) }
            }
        }
        return OpenAPIDocument(version: version, paths: paths, definitions: definitions.closure(of: roots))
    }

    private func paths(_ name: String, _ definitions: OpenAPIDefinitions) -> [OpenAPIPath] {
        if let resources = resources[name], let first = resources.first {
            let operations = OpenAPIOperations(
                group: first.info.gvr.group, version: first.info.gvr.version, definitions: definitions)
            return operations.paths(resources)
        }
        let operation: OpenAPIOperation
        switch name {
        case "api":
            operation = Self.operation(
                "getCoreAPIVersions", "Tells which versions there are.", "core", OpenAPIDefinitions.versions)
        case "apis":
            operation = Self.operation(
                "getAPIVersions", "Tells which groups there are.", "apis", OpenAPIDefinitions.groupList)
        case "version":
            var version: OpenAPIOperation = Self.operation(
                "getCodeVersion", "Tells the version of the server.", "version", OpenAPIDefinitions.versionInfo)
            version.produces = ["application/json"]
            operation = version
        default:
            let group: String = String(name.dropFirst("apis/".count))
            operation = Self.operation(
                "get\(OpenAPIOperations.idPart(group: group))APIGroup", "Tells which versions the group has.",
                OpenAPIOperations.tag(group: group), OpenAPIDefinitions.group)
        }
        return [OpenAPIPath("/\(name)/", [operation])]
    }

    private static func operation(_ id: String, _ description: String, _ tag: String, _ answer: String)
        -> OpenAPIOperation
    {
        OpenAPIOperation(
            method: .get, id: id, description: description, tag: tag,
            responses: [.init(code: 200, payload: .definition(answer))])
    }
}
