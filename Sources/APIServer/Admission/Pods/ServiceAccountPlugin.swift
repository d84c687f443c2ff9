import APICore
package import APIMachinery
import Codec

/// Gives pods a service account, and their containers its token.
package struct ServiceAccountPlugin: AdmissionPlugin {
    package static let tokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
    package static let tokenVolumePrefix = "kube-api-access-"
    package static let defaultAccount = "default"
    /// A little more than an hour, upstream's number: tells these tokens from those that somebody asked for.
    package static let tokenSeconds: Int = 3607
    /// How often the default account of a namespace is looked for; a controller makes it soon after the namespace.
    private static let attempts: Int = 20
    private static let pauseBetween: Duration = .milliseconds(50)
    private static let mirrorAnnotation = "kubernetes.io/config.mirror"
    private static let enforceAnnotation = "kubernetes.io/enforce-mountable-secrets"

    package let name = "ServiceAccount"
    private let link: ServerLink
    private let makeName: @Sendable (String) -> String
    private let pause: @Sendable (Duration) async -> Void

    /// `makeName` completes a base to a random name; `pause` waits.
    package init(
        link: ServerLink, makeName: @escaping @Sendable (String) -> String,
        pause: @escaping @Sendable (Duration) async -> Void
    ) {
        self.link = link
        self.makeName = makeName
        self.pause = pause
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        if attributes.creates("pods") { return true }
        return attributes.operation == .update && attributes.subresource == "ephemeralcontainers"
            && attributes.info.gvr.resource == "pods"
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard attributes.operation == .create, let pod = attributes.object(as: Pod.self), !Self.isMirror(pod) else {
            return
        }
        let accountName: String =
            pod.spec.serviceAccountName.isEmpty ? Self.defaultAccount : pod.spec.serviceAccountName
        let account: ServiceAccount = try await account(accountName, attributes)
        let makeName: @Sendable (String) -> String = makeName
        try attributes.mutate(Pod.self) { (pod: inout Pod) throws(StatusError) -> Void in
            pod.spec.serviceAccountName = accountName
            pod.spec.serviceAccount = accountName
            if pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true {
                Self.mountToken(&pod, makeName)
            }
            if pod.spec.imagePullSecrets.isEmpty { pod.spec.imagePullSecrets = account.imagePullSecrets }
        }
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let pod = attributes.object(as: Pod.self) else { return }
        if Self.isMirror(pod), attributes.operation == .create {
            try checkMirror(pod, attributes)
            return
        }
        guard !pod.spec.serviceAccountName.isEmpty else { return }
        // What was there when the pod was created may be gone when it is updated.
        guard
            let account = attributes.caches.get(
                ServiceAccount.self, namespace: attributes.namespace, name: pod.spec.serviceAccountName),
            account.metadata.annotations[Self.enforceAnnotation] == "true"
        else { return }
        try MountableSecrets(account: account).check(pod, attributes)
    }

    private static func isMirror(_ pod: Pod) -> Bool { pod.metadata.annotations.contains(key: mirrorAnnotation) }

    // MARK: - The account

    private func account(_ name: String, _ attributes: AdmissionAttributes)
        async throws(StatusError) -> ServiceAccount
    {
        let namespace: String = attributes.namespace
        if let found = attributes.caches.get(ServiceAccount.self, namespace: namespace, name: name) { return found }
        let attempts: Int = name == Self.defaultAccount ? Self.attempts : 1
        for attempt in 0..<attempts {
            if attempt > 0 { await pause(Self.pauseBetween) }
            try await link.waitUntilFresh()
            if let found = attributes.caches.get(ServiceAccount.self, namespace: namespace, name: name) {
                return found
            }
        }
        throw attributes.forbidden(
            "error looking up service account \(namespace)/\(name): serviceaccount \(GoText.quoted(name)) not found")
    }

    // MARK: - The token

    private static func mountToken(_ pod: inout Pod, _ makeName: (String) -> String) {
        let present: String? = pod.spec.volumes.first { $0.name.hasPrefix(tokenVolumePrefix) }?.name
        let volumeName: String = present ?? makeName(tokenVolumePrefix)
        let mount = VolumeMount.with {
            $0.name = volumeName
            $0.readOnly = true
            $0.mountPath = tokenMountPath
        }
        var isNeeded: Bool = false
        for index in pod.spec.initContainers.indices where !hasMount(pod.spec.initContainers[index]) {
            pod.spec.initContainers[index].volumeMounts.append(mount)
            isNeeded = true
        }
        for index in pod.spec.containers.indices where !hasMount(pod.spec.containers[index]) {
            pod.spec.containers[index].volumeMounts.append(mount)
            isNeeded = true
        }
        if isNeeded, present == nil { pod.spec.volumes.append(tokenVolume(volumeName)) }
    }

    /// Whoever mounts something there himself does not want the token.
    private static func hasMount(_ container: Container) -> Bool {
        container.volumeMounts.contains { $0.mountPath == tokenMountPath }
    }

    private static func tokenVolume(_ name: String) -> Volume {
        let token = VolumeProjection.with { projection in
            projection.serviceAccountToken = .with {
                $0.expirationSeconds = tokenSeconds
                $0.path = "token"
            }
        }
        let authority = VolumeProjection.with { projection in
            projection.configMap = .with { map in
                map.name = "kube-root-ca.crt"
                map.items = [
                    KeyToPath.with {
                        $0.key = "ca.crt"
                        $0.path = "ca.crt"
                    }
                ]
            }
        }
        let namespace = VolumeProjection.with { projection in
            let file = DownwardAPIVolumeFile.with { file in
                file.path = "namespace"
                file.fieldRef = .with {
                    $0.apiVersion = "v1"
                    $0.fieldPath = "metadata.namespace"
                }
            }
            projection.downwardAPI = .with { $0.items = [file] }
        }
        return Volume.with { volume in
            volume.name = name
            volume.projected = .with {
                $0.defaultMode = 0o644
                $0.sources = [token, authority, namespace]
            }
        }
    }

    // MARK: - Refusals

    /// A mirror pod is a kubelet's own: it runs whether or not the server likes it, so it gets nothing from it.
    private func checkMirror(_ pod: Pod, _ attributes: AdmissionAttributes) throws(StatusError) {
        if !pod.spec.serviceAccountName.isEmpty {
            throw attributes.forbidden("a mirror pod may not reference service accounts")
        }
        if !PodSecrets.names(in: pod).isEmpty { throw attributes.forbidden("a mirror pod may not reference secrets") }
        let projections: [VolumeProjection] = pod.spec.volumes.flatMap { $0.projected?.sources ?? [] }
        if projections.contains(where: { $0.serviceAccountToken != nil }) {
            throw attributes.forbidden("a mirror pod may not use ServiceAccountToken volume projections")
        }
    }
}
