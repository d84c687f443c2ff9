import APIAuthentication
import APIAuthorization
import APIAutoscaling
import APICore
import APIMachinery
import APIPolicy
import Codec

/// Protobuf of answers that are no objects of a stored resource: statuses, scales, reviews, discovery.
enum ProtobufForms {
    /// The envelope of a finished JSON document; nil for kinds that have no protobuf form here.
    static func encode(json: [UInt8]) throws(StatusError) -> [UInt8]? {
        do throws(JSONError) {
            let type: PartialObject = try PartialObject.type(of: json)
            return try encode(json, GroupVersionKind(apiVersion: type.apiVersion, kind: type.kind))
        } catch {
            throw .internalError("failed to convert an answer to protobuf: \(error.message)")
        }
    }

    private static func encode(_ json: [UInt8], _ gvk: GroupVersionKind) throws(JSONError) -> [UInt8]? {
        switch gvk {
        case Status.gvk: try convert(json, Status.self)
        case APIVersions.gvk: try convert(json, APIVersions.self)
        case APIGroupList.gvk: try convert(json, APIGroupList.self)
        case APIGroup.gvk: try convert(json, APIGroup.self)
        case APIResourceList.gvk: try convert(json, APIResourceList.self)
        case Scale.gvk: try convert(json, Scale.self)
        case Eviction.gvk: try convert(json, Eviction.self)
        case Binding.gvk: try convert(json, Binding.self)
        case TokenRequest.gvk: try convert(json, TokenRequest.self)
        case TokenReview.gvk: try convert(json, TokenReview.self)
        case SelfSubjectReview.gvk: try convert(json, SelfSubjectReview.self)
        case SubjectAccessReview.gvk: try convert(json, SubjectAccessReview.self)
        case LocalSubjectAccessReview.gvk: try convert(json, LocalSubjectAccessReview.self)
        case SelfSubjectAccessReview.gvk: try convert(json, SelfSubjectAccessReview.self)
        case SelfSubjectRulesReview.gvk: try convert(json, SelfSubjectRulesReview.self)
        default: nil
        }
    }

    private static func convert<Kind: APIKind>(_ json: [UInt8], _ type: Kind.Type) throws(JSONError) -> [UInt8] {
        ProtobufEnvelope.encode(try JSONReader.decode(type, from: json))
    }
}
