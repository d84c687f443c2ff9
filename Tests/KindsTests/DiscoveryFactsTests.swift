import APIMachinery
import APIServer
import Testing

/// What discovery says of the stored kinds, as upstream's discovery documents have it.
struct DiscoveryFactsTests {
    @Test func `every resource has upstream's names, verbs and subresources`() {
        let served: [String] = KindRegistrations.all().map { Self.line($0.info) }.sorted()
        let wanted: [String] = Self.facts.split(separator: "\n").map { String($0) }.sorted()
        for line in wanted where !served.contains(line) { Issue.record("missing: \(line)") }
        for line in served where !wanted.contains(line) { Issue.record("unexpected: \(line)") }
    }

    private static func line(_ info: ResourceInfo) -> String {
        let isFull: Bool = info.verbs == ResourceInfo.allVerbs
        let verbs: String = isFull ? "all" : info.verbs.map { $0.rawValue }.joined(separator: ",")
        let subresources: [String] = info.subresources.map { subresource in
            "\(subresource.name):\(subresource.gvk.kind):\(subresource.verbs.joined(separator: ","))"
        }
        let parts: [String] = [
            info.gvr.apiVersion, info.gvr.resource, info.gvk.kind, info.singular,
            info.namespaced ? "namespaced" : "cluster", info.shortNames.joined(separator: ","),
            info.categories.joined(separator: ","), verbs, subresources.joined(separator: " "),
        ]
        var line: String = parts.joined(separator: " | ")
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    /// Version, resource, kind, singular, scope, short names, categories, verbs, subresources.
    // swift-format-ignore
    private static let facts = """
        admissionregistration.k8s.io/v1 | mutatingwebhookconfigurations | MutatingWebhookConfiguration | mutatingwebhookconfiguration | cluster |  | api-extensions | all |
        admissionregistration.k8s.io/v1 | validatingadmissionpolicies | ValidatingAdmissionPolicy | validatingadmissionpolicy | cluster |  | api-extensions | all | status:ValidatingAdmissionPolicy:get,patch,update
        admissionregistration.k8s.io/v1 | validatingadmissionpolicybindings | ValidatingAdmissionPolicyBinding | validatingadmissionpolicybinding | cluster |  | api-extensions | all |
        admissionregistration.k8s.io/v1 | validatingwebhookconfigurations | ValidatingWebhookConfiguration | validatingwebhookconfiguration | cluster |  | api-extensions | all |
        apiextensions.k8s.io/v1 | customresourcedefinitions | CustomResourceDefinition | customresourcedefinition | cluster | crd,crds | api-extensions | all | status:CustomResourceDefinition:get,patch,update
        apiregistration.k8s.io/v1 | apiservices | APIService | apiservice | cluster |  | api-extensions | all | status:APIService:get,patch,update
        apps/v1 | controllerrevisions | ControllerRevision | controllerrevision | namespaced |  |  | all |
        apps/v1 | daemonsets | DaemonSet | daemonset | namespaced | ds | all | all | status:DaemonSet:get,patch,update
        apps/v1 | deployments | Deployment | deployment | namespaced | deploy | all | all | scale:Scale:get,patch,update status:Deployment:get,patch,update
        apps/v1 | replicasets | ReplicaSet | replicaset | namespaced | rs | all | all | scale:Scale:get,patch,update status:ReplicaSet:get,patch,update
        apps/v1 | statefulsets | StatefulSet | statefulset | namespaced | sts | all | all | scale:Scale:get,patch,update status:StatefulSet:get,patch,update
        autoscaling/v1 | horizontalpodautoscalers | HorizontalPodAutoscaler | horizontalpodautoscaler | namespaced | hpa | all | all | status:HorizontalPodAutoscaler:get,patch,update
        autoscaling/v2 | horizontalpodautoscalers | HorizontalPodAutoscaler | horizontalpodautoscaler | namespaced | hpa | all | all | status:HorizontalPodAutoscaler:get,patch,update
        batch/v1 | cronjobs | CronJob | cronjob | namespaced | cj | all | all | status:CronJob:get,patch,update
        batch/v1 | jobs | Job | job | namespaced |  | all | all | status:Job:get,patch,update
        certificates.k8s.io/v1 | certificatesigningrequests | CertificateSigningRequest | certificatesigningrequest | cluster | csr |  | all | approval:CertificateSigningRequest:get,patch,update status:CertificateSigningRequest:get,patch,update
        coordination.k8s.io/v1 | leases | Lease | lease | namespaced |  |  | all |
        discovery.k8s.io/v1 | endpointslices | EndpointSlice | endpointslice | namespaced |  |  | all |
        events.k8s.io/v1 | events | Event | event | namespaced | ev |  | all |
        flowcontrol.apiserver.k8s.io/v1 | flowschemas | FlowSchema | flowschema | cluster |  |  | all | status:FlowSchema:get,patch,update
        flowcontrol.apiserver.k8s.io/v1 | prioritylevelconfigurations | PriorityLevelConfiguration | prioritylevelconfiguration | cluster |  |  | all | status:PriorityLevelConfiguration:get,patch,update
        networking.k8s.io/v1 | ingressclasses | IngressClass | ingressclass | cluster |  |  | all |
        networking.k8s.io/v1 | ingresses | Ingress | ingress | namespaced | ing |  | all | status:Ingress:get,patch,update
        networking.k8s.io/v1 | ipaddresses | IPAddress | ipaddress | cluster | ip |  | all |
        networking.k8s.io/v1 | networkpolicies | NetworkPolicy | networkpolicy | namespaced | netpol |  | all |
        networking.k8s.io/v1 | servicecidrs | ServiceCIDR | servicecidr | cluster |  |  | all | status:ServiceCIDR:get,patch,update
        node.k8s.io/v1 | runtimeclasses | RuntimeClass | runtimeclass | cluster |  |  | all |
        policy/v1 | poddisruptionbudgets | PodDisruptionBudget | poddisruptionbudget | namespaced | pdb |  | all | status:PodDisruptionBudget:get,patch,update
        rbac.authorization.k8s.io/v1 | clusterrolebindings | ClusterRoleBinding | clusterrolebinding | cluster |  |  | all |
        rbac.authorization.k8s.io/v1 | clusterroles | ClusterRole | clusterrole | cluster |  |  | all |
        rbac.authorization.k8s.io/v1 | rolebindings | RoleBinding | rolebinding | namespaced |  |  | all |
        rbac.authorization.k8s.io/v1 | roles | Role | role | namespaced |  |  | all |
        resource.k8s.io/v1 | deviceclasses | DeviceClass | deviceclass | cluster |  |  | all |
        resource.k8s.io/v1 | resourceclaims | ResourceClaim | resourceclaim | namespaced |  |  | all | status:ResourceClaim:get,patch,update
        resource.k8s.io/v1 | resourceclaimtemplates | ResourceClaimTemplate | resourceclaimtemplate | namespaced |  |  | all |
        resource.k8s.io/v1 | resourceslices | ResourceSlice | resourceslice | cluster |  |  | all |
        scheduling.k8s.io/v1 | priorityclasses | PriorityClass | priorityclass | cluster | pc |  | all |
        storage.k8s.io/v1 | csidrivers | CSIDriver | csidriver | cluster |  |  | all |
        storage.k8s.io/v1 | csinodes | CSINode | csinode | cluster |  |  | all |
        storage.k8s.io/v1 | csistoragecapacities | CSIStorageCapacity | csistoragecapacity | namespaced |  |  | all |
        storage.k8s.io/v1 | storageclasses | StorageClass | storageclass | cluster | sc |  | all |
        storage.k8s.io/v1 | volumeattachments | VolumeAttachment | volumeattachment | cluster |  |  | all | status:VolumeAttachment:get,patch,update
        storage.k8s.io/v1 | volumeattributesclasses | VolumeAttributesClass | volumeattributesclass | cluster | vac |  | all |
        v1 | configmaps | ConfigMap | configmap | namespaced | cm |  | all |
        v1 | endpoints | Endpoints | endpoints | namespaced | ep |  | all |
        v1 | events | Event | event | namespaced | ev |  | all |
        v1 | limitranges | LimitRange | limitrange | namespaced | limits |  | all |
        v1 | namespaces | Namespace | namespace | cluster | ns |  | create,delete,get,list,patch,update,watch | finalize:Namespace:update status:Namespace:get,patch,update
        v1 | nodes | Node | node | cluster | no |  | all | proxy:NodeProxyOptions:create,delete,get,patch,update status:Node:get,patch,update
        v1 | persistentvolumeclaims | PersistentVolumeClaim | persistentvolumeclaim | namespaced | pvc |  | all | status:PersistentVolumeClaim:get,patch,update
        v1 | persistentvolumes | PersistentVolume | persistentvolume | cluster | pv |  | all | status:PersistentVolume:get,patch,update
        v1 | pods | Pod | pod | namespaced | po | all | all | attach:PodAttachOptions:create,get binding:Binding:create ephemeralcontainers:Pod:get,patch,update eviction:Eviction:create exec:PodExecOptions:create,get log:Pod:get portforward:PodPortForwardOptions:create,get proxy:PodProxyOptions:create,delete,get,patch,update resize:Pod:get,patch,update status:Pod:get,patch,update
        v1 | podtemplates | PodTemplate | podtemplate | namespaced |  |  | all |
        v1 | replicationcontrollers | ReplicationController | replicationcontroller | namespaced | rc | all | all | scale:Scale:get,patch,update status:ReplicationController:get,patch,update
        v1 | resourcequotas | ResourceQuota | resourcequota | namespaced | quota |  | all | status:ResourceQuota:get,patch,update
        v1 | secrets | Secret | secret | namespaced |  |  | all |
        v1 | serviceaccounts | ServiceAccount | serviceaccount | namespaced | sa |  | all | token:TokenRequest:create
        v1 | services | Service | service | namespaced | svc | all | all | proxy:ServiceProxyOptions:create,delete,get,patch,update status:Service:get,patch,update
        """
}
