import API
import APIServer
import Codec
import Foundation
import Testing

/// Upstream's published documents; nil, where `../shared` is missing.
enum Upstream {
    /// The folder of the whole tree.
    static let tree: URL = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let folder: String? = {
        let folder: String = tree.deletingLastPathComponent().appendingPathComponent("shared/upstream").path
        return FileManager.default.fileExists(atPath: folder + "/swagger.json") ? folder : nil
    }()

    static let missing: Comment = "../shared/upstream is missing: there is nothing to compare with"

    /// `api/v1` → its document of version 3.
    static func version3(_ name: String) throws -> JSONValue? {
        let parts: [String] = name.split(separator: "/").map { String($0) }
        let file: String = "openapi-v3/\(parts[0])__\(parts.dropFirst().joined(separator: "__"))_openapi.json"
        return try document(file)
    }

    static func document(_ file: String) throws -> JSONValue? {
        guard let folder, let data = FileManager.default.contents(atPath: "\(folder)/\(file)") else { return nil }
        return try JSONReader.decode(JSONValue.self, from: [UInt8](data))
    }
}

/// What this tree serves.
enum Ours {
    static let registry = ResourceRegistry(KindRegistrations.all())

    /// Resources that are answered, not stored.
    static let virtualResources: [any VirtualResource] = {
        let authorizer = AlwaysAllowAuthorizer()
        return [
            BindingResource(), ComponentStatusResource(), TokenReviewResource(tokens: UnionTokenAuthenticator([])),
            SelfSubjectReviewResource(),
            LocalSubjectAccessReviewResource(authorizer: authorizer),
            SelfSubjectAccessReviewResource(authorizer: authorizer),
            SelfSubjectRulesReviewResource(resolver: UnionRuleResolver([])),
            SubjectAccessReviewResource(authorizer: authorizer),
        ]
    }()

    static let resources: [OpenAPIResource] = OpenAPIHandler.resources(registry, virtualResources)

    static let documents = OpenAPIDocuments(resources, version: "v1.34.0")

    static func version3(_ name: String) throws -> JSONValue {
        try JSONReader.decode(JSONValue.self, from: try #require(documents.version3(name)))
    }
}

extension JSONValue {
    /// The member at a path of keys and indices.
    func at(_ path: String...) -> JSONValue? {
        var value: JSONValue? = self
        for part in path {
            if let index = Int(part), let array = value?.array {
                value = index < array.count ? array[index] : nil
            } else {
                value = value?[part]
            }
        }
        return value
    }

    var names: Set<String> { Set(object.map { Array($0.keys) } ?? []) }
    var words: [String] { (array ?? []).compactMap { $0.string } }
}
