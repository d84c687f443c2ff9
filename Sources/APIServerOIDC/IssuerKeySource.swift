package import APIServer
package import Client
import Codec
import PKI
import Synchronization

/// Gets documents of an issuer. The only thing here that waits.
package protocol IssuerFetcher: Sendable {
    /// The body of what is at `https://…`.
    func get(_ url: String) async throws(IssuerFetchError) -> [UInt8]
}

package struct IssuerFetchError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// An issuer's keys, found through its discovery document (OpenID Connect Discovery 1.0) and remembered.
///
/// They are fetched at the start, and again when a token names a key that is not known, at most every ten seconds:
/// that token is refused, the next one is not. Until the first fetch succeeds all tokens are refused.
package final class IssuerKeySource: IssuerKeys {
    private static let pause: Duration = .seconds(10)
    /// An issuer has a handful; more is a mistake.
    private static let mostKeys: Int = 64

    private let issuer: String
    private let algorithms: Set<String>
    private let fetcher: any IssuerFetcher
    private let clock: any MonotonicClock
    private let log: Log
    private let verifier = Mutex<IssuerTokenVerifier?>(nil)
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation

    package init(
        issuer: String, algorithms: Set<String>, fetcher: any IssuerFetcher, clock: any MonotonicClock, log: Log
    ) {
        self.issuer = issuer
        self.algorithms = algorithms
        self.fetcher = fetcher
        self.clock = clock
        self.log = log
        (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        wish.yield()
    }

    package func verify(_ token: String) -> TokenVerification {
        guard let known = verifier.withLock({ $0 }) else { return .refused("authenticator not initialized") }
        do throws(JWTError) {
            return .payload(try known.verify(token))
        } catch {
            switch error {
            case .tooLarge: return .refused("the token is too large")
            case .malformed: return .refused("the token is malformed")
            case .unsupportedAlgorithm: return .refused("the token's algorithm is not supported")
            case .unknownKey:
                wish.yield()
                return .refused("the token was signed with an unknown key")
            case .badSignature: return .refused("failed to verify signature")
            }
        }
    }

    /// Fetches keys whenever they are wanted, until the task is cancelled.
    package func run() async {
        for await _ in wishes {
            do throws(IssuerFetchError) {
                let keys: [IssuerKey] = try await fetch()
                verifier.withLock { $0 = IssuerTokenVerifier(keys, algorithms: algorithms) }
            } catch {
                log.warning("failed to get the keys of the issuer", [("issuer", issuer), ("error", "\(error)")])
                wish.yield()
            }
            await clock.sleep(for: Self.pause)
        }
    }

    private func fetch() async throws(IssuerFetchError) -> [IssuerKey] {
        var base: Substring = issuer[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        let discovery: JSONValue = try Self.parse(try await fetcher.get(base + "/.well-known/openid-configuration"))
        guard discovery["issuer"]?.string == issuer else {
            throw IssuerFetchError("the discovery document is of another issuer: \(discovery["issuer"]?.string ?? "")")
        }
        guard let address = discovery["jwks_uri"]?.string, address.hasPrefix("https://") else {
            throw IssuerFetchError("the discovery document names no https address of keys")
        }
        let set: JSONValue = try Self.parse(try await fetcher.get(address))
        let keys: [IssuerKey] = (set["keys"]?.array ?? []).prefix(Self.mostKeys).compactMap { Self.key($0) }
        guard !keys.isEmpty else { throw IssuerFetchError("the issuer has no key that can be used") }
        return keys
    }

    private static func parse(_ bytes: [UInt8]) throws(IssuerFetchError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw IssuerFetchError("not JSON: \(error.message)")
        }
    }

    /// Nil for keys of other kinds and for other uses.
    private static func key(_ value: JSONValue) -> IssuerKey? {
        guard value["use"]?.string ?? "sig" == "sig" else { return nil }
        let id: String = value["kid"]?.string ?? ""
        switch value["kty"]?.string {
        case "EC" where value["crv"]?.string == "P-256":
            return IssuerKey(id: id, x: value["x"]?.string ?? "", y: value["y"]?.string ?? "")
        case "RSA": return IssuerKey(id: id, modulus: value["n"]?.string ?? "", exponent: value["e"]?.string ?? "")
        default: return nil
        }
    }
}
