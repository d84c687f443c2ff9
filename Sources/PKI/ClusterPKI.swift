/// The keys and certificates of a cluster, in a directory (`<data-dir>/pki`):
///
///     ca.crt ca.key                         the authority of everything below, 10 years
///     apiserver.crt .key                    the API server's TLS
///     apiserver-kubelet-client.crt .key     the API server as a client of kubelets
///     admin, controller-manager, scheduler, proxy (.crt .key)   clients of the API server
///     kubelet.crt .key                      the node as a client of the API server
///     kubelet-serving.crt .key              the kubelet's TLS
///     sa.key sa.pub                         signs service account tokens
package struct ClusterPKI: Sendable {
    /// The certificates other than the authority's.
    package enum Role: String, Sendable, CaseIterable {
        case apiserver
        case apiserverKubeletClient = "apiserver-kubelet-client"
        case admin
        case controllerManager = "controller-manager"
        case scheduler
        case proxy
        case kubelet
        case kubeletServing = "kubelet-serving"
    }

    /// What `ensure` did to a file, for the log.
    package enum Change: Sendable, Equatable {
        case created(String)
        case renewed(String)
        /// Names or addresses were missing in it.
        case reissued(String)
        /// It is near its end, and only a person can renew it (the authority).
        case nearEnd(String)
    }

    package let directory: String
    package let authority: CertificateAuthority
    package let serviceAccountKey: SigningKey
    private let pairs: [Role: CertifiedKey]

    package func pair(_ role: Role) throws(PKIError) -> CertifiedKey {
        guard let pair = pairs[role] else { throw PKIError(.file, "no certificate for \(role.rawValue)") }
        return pair
    }

    /// Reads what is there, checks that it belongs together, makes what lacks, and renews what has less than a third
    /// of its life left.
    ///
    /// `hostnames` and `ips` are those of the API server and of the node; a serving certificate that lacks one is
    /// issued anew. `now` in seconds since 1970.
    package static func ensure(
        at directory: String, nodeName: String, hostnames: [String], ips: [String], now: Int
    ) throws(PKIError) -> (pki: ClusterPKI, changes: [Change]) {
        try KeyFile.makeDirectory(directory)
        var changes: [Change] = []
        let authority: CertificateAuthority = try ensureAuthority(directory, now: now, changes: &changes)
        var pairs: [Role: CertifiedKey] = [:]
        for role in Role.allCases {
            let profile: CertificateProfile = profile(role, nodeName: nodeName, hostnames: hostnames, ips: ips)
            pairs[role] = try ensure(
                "\(directory)/\(role.rawValue)", profile, authority: authority, now: now, changes: &changes)
        }
        let key: SigningKey = try ensureServiceAccountKey(directory, changes: &changes)
        let pki: ClusterPKI = ClusterPKI(
            directory: directory, authority: authority, serviceAccountKey: key, pairs: pairs)
        return (pki, changes)
    }

    /// Whom a certificate names: upstream's users and groups, which the default RBAC roles are bound to.
    static func profile(
        _ role: Role, nodeName: String, hostnames: [String], ips: [String]
    ) -> CertificateProfile {
        switch role {
        case .apiserver: .server("kube-apiserver", dnsNames: hostnames, ipAddresses: ips)
        case .apiserverKubeletClient: .client(user: "kube-apiserver-kubelet-client", groups: ["system:masters"])
        case .admin: .client(user: "kubernetes-admin", groups: ["system:masters"])
        case .controllerManager: .client(user: "system:kube-controller-manager")
        case .scheduler: .client(user: "system:kube-scheduler")
        case .proxy: .client(user: "system:kube-proxy")
        case .kubelet: .client(user: "system:node:\(nodeName)", groups: ["system:nodes"])
        case .kubeletServing:
            .server(
                "system:node:\(nodeName)", dnsNames: hostnames.contains(nodeName) ? hostnames : hostnames + [nodeName],
                ipAddresses: ips)
        }
    }

    private static func ensureAuthority(
        _ directory: String, now: Int, changes: inout [Change]
    ) throws(PKIError) -> CertificateAuthority {
        let path: String = "\(directory)/ca"
        let certificate: [UInt8]? = try KeyFile.read(path + ".crt")
        let key: [UInt8]? = try KeyFile.read(path + ".key")
        switch (certificate, key) {
        case (nil, nil):
            let authority: CertificateAuthority = try .create(commonName: "swiftlet-ca", at: now)
            // The key first: a certificate without its key could never be completed.
            try KeyFile.write(authority.keyPEM, to: path + ".key", isSecret: true)
            try KeyFile.write(authority.certificatePEM, to: path + ".crt", isSecret: false)
            changes.append(.created("ca"))
            return authority
        case (let certificate?, let key?):
            let authority: CertificateAuthority
            do {
                authority = try CertificateAuthority(certificatePEM: certificate, keyPEM: key)
            } catch {
                throw PKIError(error.code, "\(path).crt and .key: \(error.message); put back the pair from a backup")
            }
            let identity: PeerIdentity = try authority.identity
            if identity.isExpired(at: now) {
                throw PKIError(
                    .expired,
                    "\(path).crt has expired; remove the directory \(directory) to make a new authority, "
                        + "and give its clients new kubeconfig files")
            }
            if identity.needsRenewal(at: now) { changes.append(.nearEnd("ca")) }
            return authority
        case (_, nil):
            throw PKIError(.file, "\(path).key is missing while \(path).crt is there; put it back from a backup")
        case (nil, _):
            throw PKIError(.file, "\(path).crt is missing while \(path).key is there; put it back from a backup")
        }
    }

    private static func ensure(
        _ path: String, _ profile: CertificateProfile, authority: CertificateAuthority, now: Int,
        changes: inout [Change]
    ) throws(PKIError) -> CertifiedKey {
        let name: String = String(path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...])
        if let certificate = try KeyFile.read(path + ".crt"), let key = try KeyFile.read(path + ".key") {
            let pair: CertifiedKey = CertifiedKey(certificate: certificate, key: key)
            let identity: PeerIdentity = try check(pair, path, authority)
            if identity.needsRenewal(at: now) {
                changes.append(.renewed(name))
            } else if isEnough(identity, for: profile) {
                return pair
            } else {
                changes.append(.reissued(name))
            }
        } else {
            changes.append(.created(name))
        }
        let pair: CertifiedKey = try authority.issue(profile, at: now)
        // Were we stopped between the two writes, the old certificate would not fit the new key: remove it first.
        try KeyFile.remove(path + ".crt")
        try KeyFile.write(pair.key, to: path + ".key", isSecret: true)
        try KeyFile.write(pair.certificate, to: path + ".crt", isSecret: false)
        return pair
    }

    private static func check(
        _ pair: CertifiedKey, _ path: String, _ authority: CertificateAuthority
    ) throws(PKIError) -> PeerIdentity {
        do throws(PKIError) {
            guard try CertificateAuthority.matches(pair) else {
                throw PKIError(.mismatch, "the key does not belong to the certificate")
            }
            guard try authority.signed(certificatePEM: pair.certificate) else {
                throw PKIError(.mismatch, "the certificate was not signed by ca.crt")
            }
            return try PeerIdentity(certificatePEM: pair.certificate)
        } catch {
            throw PKIError(
                error.code, "\(path).crt and .key: \(error.message); remove both files to have them issued anew")
        }
    }

    private static func isEnough(_ identity: PeerIdentity, for profile: CertificateProfile) -> Bool {
        let addresses: Set<String> = Set(profile.ipAddresses.map { IPText.text(IPText.bytes($0) ?? []) })
        return identity.commonName == profile.commonName
            && identity.organizations.sorted() == profile.organizations.sorted()
            && Set(profile.dnsNames).isSubset(of: identity.dnsNames) && addresses.isSubset(of: identity.ipAddresses)
    }

    private static func ensureServiceAccountKey(
        _ directory: String, changes: inout [Change]
    ) throws(PKIError) -> SigningKey {
        let path: String = "\(directory)/sa.key"
        if let pem = try KeyFile.read(path) {
            do {
                return try SigningKey(pem: pem)
            } catch {
                throw PKIError(error.code, "\(path): \(error.message); put it back, or remove it (tokens end then)")
            }
        }
        let key: SigningKey = .generate()
        try KeyFile.write(key.pem, to: path, isSecret: true)
        try KeyFile.write(key.verifyingKey.pem, to: "\(directory)/sa.pub", isSecret: false)
        changes.append(.created("sa"))
        return key
    }
}
