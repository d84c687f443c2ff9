import Client
import Codec
import NIOPosix
import Synchronization

/// The value of the `Authorization` field. Tokens in files are rotated under us: they are read again after a
/// minute, and
/// when the server refuses one.
final class TokenSource: Sendable {
    static let lifetime: Duration = .seconds(60)

    private let credential: ClientConfiguration.Credential
    private let clock: any MonotonicClock
    private let known: Mutex<(value: String, readAt: Duration)?> = Mutex(nil)

    init(_ credential: ClientConfiguration.Credential, clock: any MonotonicClock) {
        self.credential = credential
        self.clock = clock
    }

    /// Whether asking again may give another value.
    var isFile: Bool {
        if case .token(.file) = credential { true } else { false }
    }

    /// Nil without such a credential.
    func authorization(fresh: Bool = false) async throws(ConfigurationError) -> String? {
        switch credential {
        case .none, .certificate:
            return nil
        case .basic(let user, let password):
            return "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
        case .token(.bytes(let bytes)):
            return "Bearer " + Self.trimmed(bytes)
        case .token(.file(let path)):
            if !fresh, let known = known.withLock({ $0 }), clock.now < known.readAt + Self.lifetime {
                return known.value
            }
            let bytes: [UInt8]
            do {
                bytes = try await NIOThreadPool.singleton.runIfActive { try FileBytes.read(path) }
            } catch let error as ConfigurationError {
                // Better an old token than none: the file may be in the middle of its rotation.
                if let known = known.withLock({ $0 }) { return known.value }
                throw error
            } catch {
                throw ConfigurationError("failed to read \(path): \(error)")
            }
            let value: String = "Bearer " + Self.trimmed(bytes)
            known.withLock { $0 = (value, clock.now) }
            return value
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        var bytes: ArraySlice<UInt8> = bytes[...]
        while let last = bytes.last, last <= 0x20 { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
