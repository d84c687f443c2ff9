package import APIMachinery

/// The resources that a server serves, found by where and by what they are.
package final class ResourceRegistry: Sendable {
    /// In the order given, which discovery keeps within a group.
    package let resources: [any ServedResource]
    private let byResource: [GroupVersionResource: any ServedResource]
    private let byKind: [GroupVersionKind: any ServedResource]

    package init(_ strategies: [any ResourceStrategy], protection: ProtectionRules = { _ in nil }) {
        // Kinds that share values (both APIs of events) share their protection.
        var byPrefix: [String: any ValueProtection] = [:]
        for strategy in strategies where byPrefix[strategy.info.storagePrefix] == nil {
            byPrefix[strategy.info.storagePrefix] = protection(strategy.info.gvr)
        }
        let resources: [any ServedResource] = strategies.map { Self.serve($0, byPrefix[$0.info.storagePrefix]) }
        var byResource: [GroupVersionResource: any ServedResource] = [:]
        var byKind: [GroupVersionKind: any ServedResource] = [:]
        for resource in resources {
            precondition(byResource[resource.info.gvr] == nil, "\(resource.info.gvr) is served twice")
            byResource[resource.info.gvr] = resource
            byKind[resource.info.gvk] = resource
        }
        self.resources = resources
        self.byResource = byResource
        self.byKind = byKind
    }

    private static func serve<Strategy: ResourceStrategy>(
        _ strategy: Strategy, _ protection: (any ValueProtection)?
    ) -> any ServedResource {
        TypedResource(strategy, protection: protection)
    }

    package func resource(_ gvr: GroupVersionResource) -> (any ServedResource)? { byResource[gvr] }
    package func resource(kind: GroupVersionKind) -> (any ServedResource)? { byKind[kind] }
}

/// Reads the watch caches by type.
package struct RegistryReader: CacheReader {
    private let registry: ResourceRegistry

    package init(_ registry: ResourceRegistry) {
        self.registry = registry
    }

    package func get<Object: APIObject>(_ type: Object.Type, namespace: String, name: String) -> Object? {
        guard let resource = registry.resource(kind: Object.gvk) else { return nil }
        let key: [UInt8] = resource.info.key(namespace: namespace, name: name)
        return try? resource.cache.get(key)?.snapshot.decode(type)
    }

    package func list<Object: APIObject>(_ type: Object.Type, namespace: String) -> [Object] {
        guard let resource = registry.resource(kind: Object.gvk) else { return [] }
        let prefix: [UInt8] = resource.info.keyPrefix(namespace: namespace)
        return resource.cache.view().objects.objects(prefix: prefix).compactMap { try? $0.snapshot.decode(type) }
    }

    package func changeNumber<Object: APIObject>(_ type: Object.Type) -> Int64 {
        registry.resource(kind: Object.gvk)?.cache.lastChange ?? 0
    }

    package func snapshot(_ resource: GroupVersionResource, namespace: String, name: String) -> Snapshot? {
        guard let resource = registry.resource(resource) else { return nil }
        return resource.cache.get(resource.info.key(namespace: namespace, name: name))?.snapshot
    }
}
