extension BootstrapPolicy {
    /// The roles of the controllers: `controller x` stands for the cluster role `system:controller:x` and its binding
    /// to the service account `kube-system/x`.
    static let controllerText: String = """
        controller attachdetach-controller
          list watch | core | persistentvolumes persistentvolumeclaims
          read | core | nodes
          patch update | core | nodes/status
          list watch | core | pods
          events
          read create delete | storage.k8s.io | volumeattachments
          read | storage.k8s.io | csidrivers
          read | storage.k8s.io | csinodes
        controller certificate-controller
          read delete | certificates.k8s.io | certificatesigningrequests
          update | certificates.k8s.io | certificatesigningrequests/status certificatesigningrequests/approval
          approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet
          sign | certificates.k8s.io | signers | kubernetes.io/legacy-unknown kubernetes.io/kubelet-serving \
        kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet
          create | authorization.k8s.io | subjectaccessreviews
          events
        controller clusterrole-aggregation-controller
          escalate read patch update | rbac.authorization.k8s.io | clusterroles
        controller cronjob-controller
          read update | batch | cronjobs
          read create update delete patch | batch | jobs
          update | batch | cronjobs/status
          update | batch | cronjobs/finalizers
          list watch delete | core | pods
          events
        controller daemon-set-controller
          read | apps extensions | daemonsets
          update | apps extensions | daemonsets/status
          update | apps extensions | daemonsets/finalizers
          list watch | core | nodes
          list watch create delete patch | core | pods
          create | core | pods/binding
          read create delete update patch | apps | controllerrevisions
          events
        controller deployment-controller
          read update | apps extensions | deployments
          update | apps extensions | deployments/status
          update | apps extensions | deployments/finalizers
          read create update patch delete | apps extensions | replicasets
          read update | core | pods
          events
        controller disruption-controller
          read | apps extensions | deployments
          read | apps extensions | replicasets
          read | core | replicationcontrollers
          read | policy | poddisruptionbudgets
          read | apps | statefulsets
          update | policy | poddisruptionbudgets/status
          patch update | core | pods/status
          get | * | */scale
          events
        controller endpoint-controller
          read | core | services pods
          read create update delete | core | endpoints
          create | core | endpoints/restricted
          events
        controller endpointslice-controller
          read | core | services pods nodes
          update | core | services/finalizers
          read create update delete | discovery.k8s.io | endpointslices
          events
        controller endpointslicemirroring-controller
          read | core | services endpoints
          update | core | services/finalizers
          update | core | endpoints/finalizers
          read create update delete | discovery.k8s.io | endpointslices
          events
        controller ephemeral-volume-controller
          read | core | pods
          update | core | pods/finalizers
          read create | core | persistentvolumeclaims
          events
        controller expand-controller
          read update patch | core | persistentvolumes
          update patch | core | persistentvolumeclaims/status
          read | core | persistentvolumeclaims
          events
        controller generic-garbage-collector
          read patch update delete | * | *
          events
        controller horizontal-pod-autoscaler
          read | autoscaling | horizontalpodautoscalers
          update | autoscaling | horizontalpodautoscalers/status
          get update | * | */scale
          list watch | core | pods
          list watch | metrics.k8s.io | pods
          read | custom.metrics.k8s.io | *
          read | external.metrics.k8s.io | *
          events
        controller job-controller
          read update patch | batch | jobs
          update | batch | jobs/status
          update | batch | jobs/finalizers
          list watch create delete patch | core | pods
          events
        controller legacy-service-account-token-cleaner
          get | core | configmaps | kube-apiserver-legacy-service-account-token-tracking
          delete patch | core | secrets
        controller namespace-controller
          read delete | core | namespaces
          update | core | namespaces/finalize namespaces/status
          read delete deletecollection | * | *
        controller node-controller
          read update delete patch | core | nodes
          patch update | core | nodes/status
          patch update | core | pods/status
          read delete | core | pods
          events
        controller persistent-volume-binder
          read update create delete | core | persistentvolumes
          update | core | persistentvolumes/status
          read update | core | persistentvolumeclaims
          update | core | persistentvolumeclaims/status
          read create delete | core | pods
          read | storage.k8s.io | storageclasses
          list watch | core | nodes
          events
          watch | core | events
        controller pod-garbage-collector
          list watch delete | core | pods
          read | core | nodes
          patch | core | pods/status
        controller pv-protection-controller
          read update | core | persistentvolumes
          events
        controller pvc-protection-controller
          read update | core | persistentvolumeclaims
          read | core | pods
          events
        controller replicaset-controller
          read update | apps extensions | replicasets
          update | apps extensions | replicasets/status
          update | apps extensions | replicasets/finalizers
          list watch create delete patch | core | pods
          events
        controller replication-controller
          read update | core | replicationcontrollers
          update | core | replicationcontrollers/status
          update | core | replicationcontrollers/finalizers
          list watch create delete patch | core | pods
          events
        controller resource-claim-controller
          read | core | pods
          update | core | pods/finalizers
          read create delete | resource.k8s.io | resourceclaims
          update patch | resource.k8s.io | resourceclaims resourceclaims/status
          update patch | core | pods/status
          events
        controller resourcequota-controller
          list watch | * | *
          update | core | resourcequotas/status
          events
        controller root-ca-cert-publisher
          create update | core | configmaps
          events
        controller route-controller
          list watch | core | nodes
          patch | core | nodes/status
          events
        controller selinux-warning-controller
          events
          read | core | persistentvolumes
          read | core | persistentvolumeclaims
          read | core | pods
          read | storage.k8s.io | csidrivers
        controller service-account-controller
          create | core | serviceaccounts
          events
        controller service-cidrs-controller
          read patch update | networking.k8s.io | servicecidrs
          patch update | networking.k8s.io | servicecidrs/finalizers
          patch update | networking.k8s.io | servicecidrs/status
          read | networking.k8s.io | ipaddresses
          events
        controller service-controller
          read | core | services
          patch update | core | services/status
          list watch | core | nodes
          events
        controller statefulset-controller
          list watch | core | pods
          read | apps | statefulsets
          update | apps | statefulsets/status
          update | apps | statefulsets/finalizers
          get create delete update patch | core | pods
          read create delete update patch | apps | controllerrevisions
          read create | core | persistentvolumeclaims
          delete update | core | persistentvolumeclaims
          update | core | pods/finalizers
          events
        controller ttl-after-finished-controller
          read delete | batch | jobs
          events
        controller ttl-controller
          update patch list watch | core | nodes
          events
        controller validatingadmissionpolicy-status-controller
          read | admissionregistration.k8s.io | validatingadmissionpolicies
          get patch update | admissionregistration.k8s.io | validatingadmissionpolicies/status
          events
        controller volumeattributesclass-protection-controller
          read | core | persistentvolumeclaims
          read | core | persistentvolumes
          read update | storage.k8s.io | volumeattributesclasses
          events
        """
}
