package import APIMachinery

/// Which resource serves a kind, for the kinds that every cluster has. Custom resources are found by discovery.
package enum ResourceTable {
    package struct Entry: Sendable, Hashable {
        package var resource: GroupVersionResource
        package var kind: GroupVersionKind
        package var isNamespaced: Bool
    }

    package static let all: [Entry] = parse(text)

    private static let byKind: [GroupVersionKind: Entry] = Dictionary(
        all.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
    private static let byResource: [GroupVersionResource: Entry] = Dictionary(
        all.map { ($0.resource, $0) }, uniquingKeysWith: { first, _ in first })

    package static func find(_ kind: GroupVersionKind) -> Entry? { byKind[kind] }
    package static func find(_ resource: GroupVersionResource) -> Entry? { byResource[resource] }

    private static func parse(_ text: String) -> [Entry] {
        var entries: [Entry] = []
        var group: String = ""
        var version: String = ""
        for line in text.split(separator: "\n") {
            guard line.hasPrefix(" ") else {
                (group, version) = GroupVersionKind.parse(String(line))
                continue
            }
            let words: [String] = line.split(separator: " ").map { String($0) }
            entries.append(
                Entry(
                    resource: GroupVersionResource(group: group, version: version, resource: words[0]),
                    kind: GroupVersionKind(group: group, version: version, kind: words[1]),
                    isNamespaced: words.count == 2))
        }
        return entries
    }

    /// API version; below it resource, kind, and `cluster` where there are no namespaces.
    private static let text: String = """
        v1
          bindings Binding
          componentstatuses ComponentStatus cluster
          configmaps ConfigMap
          endpoints Endpoints
          events Event
          limitranges LimitRange
          namespaces Namespace cluster
          nodes Node cluster
          persistentvolumeclaims PersistentVolumeClaim
          persistentvolumes PersistentVolume cluster
          pods Pod
          podtemplates PodTemplate
          replicationcontrollers ReplicationController
          resourcequotas ResourceQuota
          secrets Secret
          serviceaccounts ServiceAccount
          services Service
        apiregistration.k8s.io/v1
          apiservices APIService cluster
        apps/v1
          controllerrevisions ControllerRevision
          daemonsets DaemonSet
          deployments Deployment
          replicasets ReplicaSet
          statefulsets StatefulSet
        events.k8s.io/v1
          events Event
        authentication.k8s.io/v1
          selfsubjectreviews SelfSubjectReview cluster
          tokenreviews TokenReview cluster
        authorization.k8s.io/v1
          localsubjectaccessreviews LocalSubjectAccessReview
          selfsubjectaccessreviews SelfSubjectAccessReview cluster
          selfsubjectrulesreviews SelfSubjectRulesReview cluster
          subjectaccessreviews SubjectAccessReview cluster
        autoscaling/v2
          horizontalpodautoscalers HorizontalPodAutoscaler
        autoscaling/v1
          horizontalpodautoscalers HorizontalPodAutoscaler
        batch/v1
          cronjobs CronJob
          jobs Job
        certificates.k8s.io/v1
          certificatesigningrequests CertificateSigningRequest cluster
        networking.k8s.io/v1
          ingressclasses IngressClass cluster
          ingresses Ingress
          ipaddresses IPAddress cluster
          networkpolicies NetworkPolicy
          servicecidrs ServiceCIDR cluster
        policy/v1
          poddisruptionbudgets PodDisruptionBudget
        rbac.authorization.k8s.io/v1
          clusterrolebindings ClusterRoleBinding cluster
          clusterroles ClusterRole cluster
          rolebindings RoleBinding
          roles Role
        storage.k8s.io/v1
          csidrivers CSIDriver cluster
          csinodes CSINode cluster
          csistoragecapacities CSIStorageCapacity
          storageclasses StorageClass cluster
          volumeattachments VolumeAttachment cluster
          volumeattributesclasses VolumeAttributesClass cluster
        admissionregistration.k8s.io/v1
          mutatingwebhookconfigurations MutatingWebhookConfiguration cluster
          validatingadmissionpolicies ValidatingAdmissionPolicy cluster
          validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster
          validatingwebhookconfigurations ValidatingWebhookConfiguration cluster
        apiextensions.k8s.io/v1
          customresourcedefinitions CustomResourceDefinition cluster
        scheduling.k8s.io/v1
          priorityclasses PriorityClass cluster
        coordination.k8s.io/v1
          leases Lease
        node.k8s.io/v1
          runtimeclasses RuntimeClass cluster
        discovery.k8s.io/v1
          endpointslices EndpointSlice
        resource.k8s.io/v1
          deviceclasses DeviceClass cluster
          resourceclaims ResourceClaim
          resourceclaimtemplates ResourceClaimTemplate
          resourceslices ResourceSlice cluster
        flowcontrol.apiserver.k8s.io/v1
          flowschemas FlowSchema cluster
          prioritylevelconfigurations PriorityLevelConfiguration cluster
        """
}

extension APIObject {
    /// Where objects of this type are found. Only for kinds in `ResourceTable`.
    package static var resource: GroupVersionResource { resourceEntry.resource }

    package static var isNamespaced: Bool { resourceEntry.isNamespaced }

    private static var resourceEntry: ResourceTable.Entry {
        guard let entry = ResourceTable.find(gvk) else {
            preconditionFailure("no resource serves objects of kind \(gvk)")
        }
        return entry
    }
}
