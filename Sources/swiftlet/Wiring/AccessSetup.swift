import APIMachinery
import APIServer
import APIServerAudit
import APIServerEncryption
import APIServerOIDC
import ArgumentParser
import Client
import NodeSetup

/// What the options under "Access" say; files are read at the start.
struct AccessConfiguration: Sendable {
    /// `--encryption-provider-config`.
    var encryptionConfig: String?
    /// `--audit-policy-file`; without it nothing is kept.
    var auditPolicy: String?
    /// `--audit-log-path` and the options beside it.
    var auditLog = AuditLogConfiguration()
    /// `--anonymous-auth`.
    var allowsAnonymous: Bool = true
    /// `--enable-bootstrap-token-auth`.
    var takesBootstrapTokens: Bool = false
    /// `--token-auth-file`.
    var tokenFile: String?
    /// `--oidc-issuer-url` and the options beside it.
    var openID: OpenIDConfiguration?
}

/// An OpenID Connect issuer whose tokens are taken.
struct OpenIDConfiguration: Sendable {
    var claims: OIDCAuthenticator.Configuration
    var algorithms: Set<String>
    /// PEM of the issuer's authorities; nil: the machine's.
    var authorities: String?
}

/// The audit log's file.
struct AuditLogConfiguration: Sendable {
    var path: String = "-"
    var maxSize: Int = 0
    var maxBackups: Int = 0
    var maxAge: Int = 0
}

/// Makes the parts that guard the API server of what the command line says.
enum AccessSetup {
    /// Which resources are encrypted in the store.
    static func protection(_ configuration: AccessConfiguration) throws -> ProtectionRules {
        guard let path = configuration.encryptionConfig else { return { _ in nil } }
        let bytes: [UInt8] = try read(path)
        do throws(EncryptionConfigurationError) {
            return ProviderChain.rules(try EncryptionConfiguration(yaml: bytes))
        } catch {
            throw ValidationError("\(path): \(error)")
        }
    }

    /// The audit log, and the file that is to be closed at the end; nil if nothing is to be kept.
    static func audit(_ configuration: AccessConfiguration, log: Log) throws -> (log: AuditLog, file: AuditFile)? {
        guard let path = configuration.auditPolicy else { return nil }
        let bytes: [UInt8] = try read(path)
        let policy: AuditPolicy
        do throws(AuditPolicyError) {
            policy = try AuditPolicy(yaml: bytes)
        } catch {
            throw ValidationError("\(path): \(error)")
        }
        var settings = AuditFile.Settings(path: configuration.auditLog.path)
        settings.maxSize = configuration.auditLog.maxSize
        settings.maxBackups = configuration.auditLog.maxBackups
        settings.maxAge = configuration.auditLog.maxAge
        do throws(AuditFile.Failure) {
            let file = try AuditFile(settings, clock: SystemWallClock()) { text in
                log.error("failed to keep the audit log", [("error", text)])
            }
            return (AuditLog(policy: policy, sink: file), file)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// Completes what authenticates requests; the source of the issuer's keys is to be run.
    static func authentication(
        _ configuration: AccessConfiguration, _ settings: inout ClusterAccess.Configuration, log: Log
    )
        throws -> IssuerKeySource?
    {
        settings.takesBootstrapTokens = configuration.takesBootstrapTokens
        if let path = configuration.tokenFile {
            let bytes: [UInt8] = try read(path)
            do throws(StaticTokens.Problem) {
                settings.staticTokens = try StaticTokens(csv: bytes)
            } catch {
                throw ValidationError("\(path), line \(error.line): \(error.message)")
            }
        }
        guard let issuer = configuration.openID else { return nil }
        let source = IssuerKeySource(
            issuer: issuer.claims.issuer, algorithms: issuer.algorithms,
            fetcher: HTTPSFetcher(authorities: try issuer.authorities.map { try read($0) }),
            clock: SystemMonotonicClock(), log: log)
        settings.openID = ClusterAccess.OpenIDIssuer(configuration: issuer.claims, keys: source)
        return source
    }

    private static func read(_ path: String) throws -> [UInt8] {
        do throws(SystemError) {
            return try Files.read(path)
        } catch {
            throw ValidationError("failed to read \(path): \(error)")
        }
    }
}
