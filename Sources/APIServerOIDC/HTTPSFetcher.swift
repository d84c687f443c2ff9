import APIMachinery
import ClientHTTP

/// Gets an issuer's documents over TLS.
package struct HTTPSFetcher: IssuerFetcher {
    private static let timeout: Duration = .seconds(10)
    private static let longest: Int = 1 << 20

    /// PEM; nil: the CAs of the machine.
    private let authorities: [UInt8]?

    package init(authorities: [UInt8]?) {
        self.authorities = authorities
    }

    package func get(_ url: String) async throws(IssuerFetchError) -> [UInt8] {
        guard url.hasPrefix("https://") else { throw IssuerFetchError("\(url) is no https address") }
        let rest: Substring = url.dropFirst(8)
        let slash: Substring.Index = rest.firstIndex(of: "/") ?? rest.endIndex
        let trust: ClientConfiguration.Trust =
            authorities.map { ClientConfiguration.Trust.authorities(.bytes($0)) } ?? .system
        var configuration: ClientConfiguration
        do throws(ConfigurationError) {
            configuration = try ClientConfiguration(server: "https://" + rest[..<slash], trust: trust)
        } catch {
            throw IssuerFetchError("\(error)")
        }
        configuration.requestTimeout = Self.timeout
        let transport = HTTPTransport(configuration)
        defer { transport.close() }
        do throws(StatusError) {
            let path: String = slash == rest.endIndex ? "/" : String(rest[slash...])
            let response: RawResponse = try await transport.send(RawRequest("GET", path))
            guard response.body.count <= Self.longest else { throw StatusError.internalError("too long an answer") }
            return response.body
        } catch {
            throw IssuerFetchError("failed to get \(url): \(error.message)")
        }
    }
}
