package import APIValidation

/// The strategies of all built-in kinds.
package enum KindRegistrations {
    /// Group by group, within a group by letter, as discovery shows them.
    package static func all(
        services: any ServiceAllocator = NoServiceAllocator(),
        certificates: any CertificateInspector = OutlineInspector()
    ) -> [any ResourceStrategy] {
        let groups: [[any ResourceStrategy]] = [
            core(services: services), apps, batch, networking, rbac, storage, others,
            [SigningRequestStrategy(inspector: certificates)], flowControl, autoscaling, admission, extensions,
            devices,
        ]
        return groups.flatMap { $0 }
    }

    private static func core(services: any ServiceAllocator) -> [any ResourceStrategy] {
        [
            ConfigurationKinds.configMaps, EndpointsKinds.endpoints, EventKinds.core, QuotaKinds.limitRanges,
            NamespaceStrategy(), NodeStrategy(), VolumeKinds.claims, VolumeKinds.volumes, PodStrategy(),
            TemplateKinds.podTemplates, ReplicationControllerStrategy(), QuotaKinds.quotas,
            ConfigurationKinds.secrets, ConfigurationKinds.serviceAccounts, ServiceStrategy(allocator: services),
        ]
    }

    private static var apps: [any ResourceStrategy] {
        [
            RevisionKinds.controllerRevisions, DaemonSetStrategy(), DeploymentsStrategy(), ReplicaSetStrategy(),
            StatefulSetStrategy(),
        ]
    }

    private static var batch: [any ResourceStrategy] { [CronJobStrategy(), JobStrategy()] }

    private static var networking: [any ResourceStrategy] {
        [
            NetworkingKinds.ingressClasses, NetworkingKinds.ingresses, NetworkingKinds.addresses,
            NetworkingKinds.networkPolicies, NetworkingKinds.serviceRanges,
        ]
    }

    private static var rbac: [any ResourceStrategy] {
        [RBACKinds.clusterRoleBindings, RBACKinds.clusterRoles, RBACKinds.roleBindings, RBACKinds.roles]
    }

    private static var storage: [any ResourceStrategy] {
        [
            StorageKinds.drivers, StorageKinds.nodes, StorageKinds.capacities, StorageKinds.classes,
            StorageKinds.attachments, StorageKinds.attributesClasses,
        ]
    }

    private static var others: [any ResourceStrategy] {
        [
            CoordinationKinds.leases, EndpointsKinds.slices, EventsEventStrategy(), PolicyKinds.disruptionBudgets,
            PolicyKinds.priorityClasses, PolicyKinds.runtimeClasses,
        ]
    }

    private static var flowControl: [any ResourceStrategy] { [FlowControlKinds.schemas, FlowControlKinds.levels] }

    private static var autoscaling: [any ResourceStrategy] { [OlderAutoscalerStrategy(), AutoscalerKinds.current] }

    private static var admission: [any ResourceStrategy] {
        [
            AdmissionKinds.mutatingWebhooks, AdmissionKinds.policies, AdmissionKinds.bindings,
            AdmissionKinds.validatingWebhooks,
        ]
    }

    private static var extensions: [any ResourceStrategy] {
        [CustomResourceDefinitionKinds.definitions, APIServiceKinds.services]
    }

    private static var devices: [any ResourceStrategy] {
        [DeviceKinds.classes, DeviceKinds.claims, DeviceKinds.templates, DeviceKinds.slices]
    }
}
