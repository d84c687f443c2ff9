/// The plugins that upstream runs by default, in its order.
package enum AdmissionPlugins {
    /// `link` must be connected to the server before it answers requests.
    package static func standard(link: ServerLink, environment: ServerEnvironment = ServerEnvironment())
        -> [any AdmissionPlugin]
    {
        let pause: @Sendable (Duration) async -> Void = { duration in
            // Cancelled: the request goes on without waiting.
            try? await Task.sleep(for: duration)
        }
        return [
            NamespaceLifecycle(link: link),
            LimitRanger(),
            ServiceAccountPlugin(link: link, makeName: { environment.name(base: $0) }, pause: pause),
            TaintNodesByCondition(),
            PriorityPlugin(),
            DefaultTolerationSeconds(),
            DefaultStorageClass(),
            StorageObjectInUseProtection(),
            PersistentVolumeClaimResize(),
            RuntimeClassPlugin(),
            DefaultIngressClass(),
            ResourceQuotaPlugin(link: link),
        ]
    }
}
