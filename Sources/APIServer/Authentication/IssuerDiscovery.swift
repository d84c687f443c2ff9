package import APIMachinery
import Codec

/// What verifiers of our tokens outside the cluster need: the discovery document and the public keys (OpenID Connect
/// Discovery 1.0, RFC 7517).
package struct IssuerDiscovery: NonResourceHandler {
    private static let configurationPath: String = "/.well-known/openid-configuration"
    private static let keysPath: String = "/openid/v1/jwks"

    private let document: [UInt8]
    private let keys: [UInt8]

    /// - Parameter address: where this server is reached from outside: `https://192.0.2.1:6443`; the document's
    ///   `jwks_uri` begins with it.
    package init(
        issuer: String = ServiceAccountAuthenticator.defaultIssuer, address: String, verifier: any TokenVerifier
    ) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("issuer")
        writer.string(issuer)
        writer.key("jwks_uri")
        writer.string(address + Self.keysPath)
        Self.write("response_types_supported", "id_token", &writer)
        Self.write("subject_types_supported", "public", &writer)
        Self.write("id_token_signing_alg_values_supported", "ES256", &writer)
        writer.endObject()
        document = writer.finish()
        keys = verifier.keySet()
    }

    private static func write(_ key: StaticString, _ only: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.beginArray()
        writer.element()
        writer.string(only)
        writer.endArray()
    }

    package var paths: [String] { [Self.configurationPath, Self.keysPath] }

    package func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            throw StatusError(.methodNotAllowed, "Method Not Allowed")
        }
        let fields: [(name: String, value: String)] = [("cache-control", "public, max-age=3600")]
        return request.path == Self.keysPath
            ? NonResourceResponse(contentType: "application/jwk-set+json", fields: fields, body: keys)
            : NonResourceResponse(fields: fields, body: document)
    }
}
