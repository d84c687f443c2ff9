/// The strategies of all built-in kinds.
package enum KindRegistrations {
    /// In upstream's order within each group, as discovery shows them.
    package static func all(services: any ServiceAllocator = NoServiceAllocator()) -> [any ResourceStrategy] {
        core(services: services) + apps + rbac + others
    }

    private static func core(services: any ServiceAllocator) -> [any ResourceStrategy] {
        [
            ConfigurationKinds.configMaps, EndpointsKinds.endpoints, EventKinds.core, NamespaceStrategy(),
            NodeStrategy(), PodStrategy(), ConfigurationKinds.secrets, ConfigurationKinds.serviceAccounts,
            ServiceStrategy(allocator: services),
        ]
    }

    private static var apps: [any ResourceStrategy] { [DeploymentStrategy(), ReplicaSetStrategy()] }

    private static var rbac: [any ResourceStrategy] {
        [RBACKinds.clusterRoleBindings, RBACKinds.clusterRoles, RBACKinds.roleBindings, RBACKinds.roles]
    }

    private static var others: [any ResourceStrategy] {
        [CoordinationKinds.leases, EndpointsKinds.slices, EventsEventStrategy()]
    }
}
