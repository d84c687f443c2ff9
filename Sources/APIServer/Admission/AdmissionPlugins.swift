/// The plugins that upstream runs by default, in its order.
package enum AdmissionPlugins {
    /// `link` must be connected to the server before it answers requests. `protectsStorage`: somebody runs the
    /// controllers that take the protection of volumes and claims away; without them, nothing protected ever goes.
    /// `certificates`: who may approve and sign, and the groups that a certificate request in PEM asks for; without,
    /// nobody looks after such requests.
    package static func standard(
        link: ServerLink, environment: ServerEnvironment = ServerEnvironment(), protectsStorage: Bool = false,
        certificates: (authorizer: any Authorizer, groups: @Sendable ([UInt8]) -> [String]?)? = nil
    ) -> [any AdmissionPlugin] {
        let pause: @Sendable (Duration) async -> Void = { duration in
            // Cancelled: the request goes on without waiting.
            try? await Task.sleep(for: duration)
        }
        let protection: [any AdmissionPlugin] = protectsStorage ? [StorageObjectInUseProtection()] : []
        let first: [any AdmissionPlugin] = [
            NamespaceLifecycle(link: link),
            LimitRanger(),
            ServiceAccountPlugin(link: link, makeName: { environment.name(base: $0) }, pause: pause),
            TaintNodesByCondition(),
            PodSecurityPlugin(),
            PriorityPlugin(),
            DefaultTolerationSeconds(),
            DefaultStorageClass(),
        ]
        let last: [any AdmissionPlugin] = [
            PersistentVolumeClaimResize(),
            RuntimeClassPlugin(),
        ]
        var signing: [any AdmissionPlugin] = []
        if let certificates {
            signing = [
                CertificateApproval(authorizer: certificates.authorizer),
                CertificateSigning(authorizer: certificates.authorizer),
                CertificateSubjectRestriction(groups: certificates.groups),
            ]
        }
        return first + protection + last + signing + [DefaultIngressClass(), ResourceQuotaPlugin(link: link)]
    }
}
