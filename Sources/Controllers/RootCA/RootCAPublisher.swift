package import API
package import APIMachinery
package import Client

/// Puts the certificate of the cluster's authority into every namespace, as the ConfigMap `kube-root-ca.crt`, from
/// where it is projected into pods so that they can trust the API server.
package struct RootCAPublisher: Reconciler {
    package static let configMapName: String = "kube-root-ca.crt"
    package static let dataKey: String = "ca.crt"
    static let descriptionKey: String = "kubernetes.io/description"
    /// What users of any cluster read on this ConfigMap.
    static let description: String =
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
        + "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
        + "Kubernetes clusters."

    private let namespaces: ObjectCache<Namespace>
    private let maps: ObjectCache<ConfigMap>
    private let certificate: String

    /// - Parameter certificate: PEM; one or several certificates.
    package init(namespaces: ObjectCache<Namespace>, maps: ObjectCache<ConfigMap>, certificate: String) {
        self.namespaces = namespaces
        self.maps = maps
        self.certificate = certificate
    }

    /// - Parameter key: of a namespace.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let namespace = namespaces[key], namespace.isActive else { return .done }
        let wanted: StringMap<String> = [Self.dataKey: certificate]
        guard var map = maps.get(key.name, Self.configMapName) else {
            let map = ConfigMap.with {
                $0.metadata.name = Self.configMapName
                $0.metadata.namespace = key.name
                $0.metadata.annotations[Self.descriptionKey] = Self.description
                $0.data = wanted
            }
            return Reconciliation([Write.create(map).ignoring([.alreadyExists, .notFound, .namespaceTerminating])])
        }
        let isDescribed: Bool = !(map.metadata.annotations[Self.descriptionKey] ?? "").isEmpty
        guard map.data != wanted || !isDescribed else { return .done }
        map.data = wanted
        if !isDescribed { map.metadata.annotations[Self.descriptionKey] = Self.description }
        return Reconciliation([Write.update(map).ignoring(.notFound)])
    }
}
