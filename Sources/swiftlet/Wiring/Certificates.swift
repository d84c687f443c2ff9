import APIMachinery
import Client
import HTTPServer
import PKI
import StreamConnections
import Synchronization

/// The cluster's certificates, renewed while it runs: servers show the new ones to new connections.
final class Certificates: Sendable {
    /// Certificates are renewed when a third of their life is left, months ahead; a look every hour is plenty.
    private static let look: Duration = .seconds(3600)

    private let configuration: ClusterConfiguration
    private let log: Log
    private let current: Mutex<ClusterPKI>
    /// What the API server shows.
    let server: TLSIdentityBox
    /// What the kubelet shows.
    let kubelet: TLSIdentityBox

    init(_ configuration: ClusterConfiguration, log: Log) throws {
        self.configuration = configuration
        self.log = log
        let pki: ClusterPKI = try Self.ensure(configuration, log)
        current = Mutex(pki)
        server = TLSIdentityBox(try Self.identity(.apiserver, pki))
        kubelet = TLSIdentityBox(try Self.identity(.kubeletServing, pki))
    }

    var pki: ClusterPKI { current.withLock { $0 } }

    /// How the API server shows itself to kubelets, and which certificates it takes for theirs.
    var towardsKubelets: BackendTLS? {
        let pki: ClusterPKI = pki
        guard let pair = try? pki.pair(.apiserverKubeletClient) else { return nil }
        return BackendTLS(
            authorities: pki.authority.certificatePEM, certificateChain: pair.certificate, privateKey: pair.key)
    }

    /// Whether the cluster's authority vouches for a client's certificate, now.
    func accepts(client certificateDER: [UInt8]) -> Bool {
        pki.authority.vouches(forClient: certificateDER, at: Int(SystemWallClock().now.seconds))
    }

    /// Looks and renews until the task is cancelled.
    func run() async {
        let clock = SystemMonotonicClock()
        while !Task.isCancelled {
            await clock.sleep(for: Self.look)
            guard !Task.isCancelled else { return }
            do {
                try renew()
            } catch {
                log.error("failed to look after certificates", [("error", "\(error)")])
            }
        }
    }

    private func renew() throws {
        let before: ClusterPKI = pki
        let pki: ClusterPKI = try Self.ensure(configuration, log)
        guard
            try pki.pair(.apiserver) != before.pair(.apiserver)
                || pki.pair(.kubeletServing) != before.pair(.kubeletServing)
                || pki.pair(.apiserverKubeletClient) != before.pair(.apiserverKubeletClient)
                || pki.pair(.admin) != before.pair(.admin)
        else { return }
        current.withLock { $0 = pki }
        server.replace(with: try Self.identity(.apiserver, pki))
        kubelet.replace(with: try Self.identity(.kubeletServing, pki))
        try writeKubeconfig()
    }

    func writeKubeconfig() throws {
        let pki: ClusterPKI = pki
        let bytes: [UInt8] = PKI.Kubeconfig.encode(
            server: configuration.serverURL, authority: pki.authority.certificatePEM, user: "admin",
            client: try pki.pair(.admin))
        try PKI.Kubeconfig.write(bytes, to: configuration.files.kubeconfig)
    }

    private static func identity(_ role: ClusterPKI.Role, _ pki: ClusterPKI) throws -> TLSIdentity {
        let pair: CertifiedKey = try pki.pair(role)
        return TLSIdentity(
            certificateChain: pair.certificate, privateKey: pair.key,
            clientAuthorities: pki.authority.certificatePEM)
    }

    private static func ensure(_ configuration: ClusterConfiguration, _ log: Log) throws -> ClusterPKI {
        let now: Int = Int(SystemWallClock().now.seconds)
        let (pki, changes) = try ClusterPKI.ensure(
            at: configuration.files.pki, nodeName: configuration.nodeName, hostnames: configuration.serverNames,
            ips: configuration.serverAddresses, now: now)
        for change in changes {
            switch change {
            case .created(let name): log.debug("made certificate", [("file", name)])
            case .renewed(let name): log.info("renewed certificate", [("file", name)])
            case .reissued(let name): log.info("made certificate anew for other names", [("file", name)])
            case .nearEnd(let name): log.warning("certificate is near its end", [("file", name)])
            }
        }
        return pki
    }
}
