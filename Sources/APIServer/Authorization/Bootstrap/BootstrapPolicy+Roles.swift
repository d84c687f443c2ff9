extension BootstrapPolicy {
    /// The roles for people, nodes and components; see `BootstrapNotation`.
    static let roleText: String = """
        role cluster-admin
          * | * | *
          * | *
        role admin
          aggregate admin
        role edit +admin
          aggregate edit
        role view +edit
          aggregate view

        role system:aggregate-to-admin +admin
          create | authorization.k8s.io | localsubjectaccessreviews
          read write | rbac.authorization.k8s.io | roles rolebindings

        role system:aggregate-to-edit +edit
          read | core | pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy
          impersonate | core | serviceaccounts
          write | core | pods pods/attach pods/proxy pods/exec pods/portforward
          create | core | pods/eviction
          write | core | replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy \
        persistentvolumeclaims configmaps secrets events
          create | core | serviceaccounts/token
          write | apps | statefulsets statefulsets/scale daemonsets deployments deployments/scale \
        deployments/rollback replicasets replicasets/scale
          write | autoscaling | horizontalpodautoscalers
          write | batch | jobs cronjobs
          write | extensions | daemonsets deployments deployments/scale deployments/rollback ingresses replicasets \
        replicasets/scale replicationcontrollers/scale networkpolicies
          write | policy | poddisruptionbudgets
          write | networking.k8s.io | networkpolicies ingresses
          read write | coordination.k8s.io | leases
          write | resource.k8s.io | resourceclaims resourceclaimtemplates

        role system:aggregate-to-view +view
          read | core | pods replicationcontrollers replicationcontrollers/scale serviceaccounts services \
        services/status endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps
          read | core | limitranges resourcequotas bindings events pods/status resourcequotas/status \
        namespaces/status replicationcontrollers/status pods/log
          read | core | namespaces
          read | discovery.k8s.io | endpointslices
          read | apps | controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets \
        daemonsets/status deployments deployments/status deployments/scale replicasets replicasets/status \
        replicasets/scale
          read | autoscaling | horizontalpodautoscalers horizontalpodautoscalers/status
          read | batch | jobs cronjobs cronjobs/status jobs/status
          read | extensions | daemonsets daemonsets/status deployments deployments/scale deployments/status \
        ingresses ingresses/status replicasets replicasets/scale replicasets/status replicationcontrollers/scale \
        networkpolicies
          read | policy | poddisruptionbudgets poddisruptionbudgets/status
          read | networking.k8s.io | networkpolicies ingresses ingresses/status
          read | resource.k8s.io | resourceclaims resourceclaims/status resourceclaimtemplates

        role system:monitoring
          get | /metrics /metrics/slis /livez /readyz /healthz /livez/* /readyz/* /healthz/*
        role system:discovery
          get | /livez /readyz /healthz /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*
        role system:public-info-viewer
          get | /livez /readyz /healthz /version /version/
        role system:service-account-issuer-discovery
          get | /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/
        role system:basic-user
          create | authorization.k8s.io | selfsubjectaccessreviews selfsubjectrulesreviews
          create | authentication.k8s.io | selfsubjectreviews
        role system:auth-delegator
          create | authentication.k8s.io | tokenreviews
          create | authorization.k8s.io | subjectaccessreviews
        role system:heapster
          read | core | events pods nodes namespaces
          read | extensions | deployments
        role system:kube-aggregator
          read | core | services endpoints
        role system:kube-dns
          list watch | core | endpoints services

        role system:kube-controller-manager
          events
          create | coordination.k8s.io | leases
          get update | coordination.k8s.io | leases | kube-controller-manager
          create | core | secrets serviceaccounts
          delete | core | secrets
          get | core | namespaces secrets serviceaccounts configmaps
          update | core | secrets serviceaccounts
          create | authentication.k8s.io | tokenreviews
          create | authorization.k8s.io | subjectaccessreviews
          list watch | * | *
          create | core | serviceaccounts/token

        role system:kube-scheduler
          events
          create | coordination.k8s.io | leases
          get update | coordination.k8s.io | leases | kube-scheduler
          read | core | nodes
          get list watch delete | core | pods
          create | core | pods/binding bindings
          patch update | core | pods/status
          read | core | services replicationcontrollers
          read | apps extensions | replicasets
          read | apps | statefulsets
          read | policy | poddisruptionbudgets
          read | core | persistentvolumeclaims persistentvolumes
          create | authentication.k8s.io | tokenreviews
          create | authorization.k8s.io | subjectaccessreviews
          read | storage.k8s.io | csinodes
          read | storage.k8s.io | volumeattachments
          read | core | namespaces
          read | storage.k8s.io | csidrivers
          read | storage.k8s.io | csistoragecapacities
          read | resource.k8s.io | deviceclasses
          read patch update | resource.k8s.io | resourceclaims
          read patch update | resource.k8s.io | resourceclaims/status
          read patch update | core | pods/finalizers
          read | resource.k8s.io | resourceslices
        role system:volume-scheduler
          read patch update | core | persistentvolumes
          read | storage.k8s.io | storageclasses
          read patch update | core | persistentvolumeclaims

        role system:node
          create | authentication.k8s.io | tokenreviews
          create | authorization.k8s.io | subjectaccessreviews localsubjectaccessreviews
          read | core | services
          create read | core | nodes
          update patch | core | nodes/status
          update patch | core | nodes
          create patch update | core | events
          read | core | pods
          create delete | core | pods
          update patch | core | pods/status
          create | core | pods/eviction
          read | core | secrets configmaps
          get | core | persistentvolumeclaims persistentvolumes
          get | core | endpoints
          create read | certificates.k8s.io | certificatesigningrequests
          get create update patch delete | coordination.k8s.io | leases
          get | storage.k8s.io | volumeattachments
          create | core | serviceaccounts/token
          get update patch | core | persistentvolumeclaims/status
          read | storage.k8s.io | csidrivers
          get create update patch delete | storage.k8s.io | csinodes
          read | node.k8s.io | runtimeclasses
          get | resource.k8s.io | resourceclaims
          deletecollection | resource.k8s.io | resourceslices
          get | core | serviceaccounts
        role system:node-problem-detector
          get | core | nodes
          patch | core | nodes/status
          events
        role system:node-proxier
          list watch | core | services endpoints
          read | core | nodes
          events
          list watch | networking.k8s.io | servicecidrs
          list watch | discovery.k8s.io | endpointslices
        role system:node-bootstrapper
          create read | certificates.k8s.io | certificatesigningrequests
        role system:kubelet-api-admin
          read | core | nodes
          proxy | core | nodes
          * | core | nodes/proxy nodes/metrics nodes/log nodes/stats
          * | core | nodes/configz nodes/healthz nodes/pods
        role system:persistent-volume-provisioner
          read create delete | core | persistentvolumes
          read update | core | persistentvolumeclaims
          read | storage.k8s.io | storageclasses
          watch | core | events
          events

        role system:certificates.k8s.io:certificatesigningrequests:nodeclient
          create | certificates.k8s.io | certificatesigningrequests/nodeclient
        role system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
          create | certificates.k8s.io | certificatesigningrequests/selfnodeclient
        role system:certificates.k8s.io:legacy-unknown-approver
          approve | certificates.k8s.io | signers | kubernetes.io/legacy-unknown
        role system:certificates.k8s.io:kubelet-serving-approver
          approve | certificates.k8s.io | signers | kubernetes.io/kubelet-serving
        role system:certificates.k8s.io:kube-apiserver-client-approver
          approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client
        role system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
          approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet

        bind cluster-admin : group:system:masters
        bind system:monitoring : group:system:monitoring
        bind system:discovery : group:system:authenticated
        bind system:basic-user : group:system:authenticated
        bind system:public-info-viewer : group:system:authenticated group:system:unauthenticated
        bind system:node-proxier : user:system:kube-proxy
        bind system:kube-controller-manager : user:system:kube-controller-manager
        bind system:kube-dns : serviceaccount:kube-system/kube-dns
        bind system:kube-scheduler : user:system:kube-scheduler
        bind system:volume-scheduler : user:system:kube-scheduler
        bind system:node :
        bind system:service-account-issuer-discovery : group:system:serviceaccounts
        """

    /// The roles and bindings within namespaces.
    static let namespacedText: String = """
        role kube-system/extension-apiserver-authentication-reader
          read | core | configmaps | extension-apiserver-authentication
        role kube-system/system:controller:bootstrap-signer
          read | core | secrets
        role kube-system/system:controller:cloud-provider
          create read | core | configmaps
        role kube-system/system:controller:token-cleaner
          read delete | core | secrets
          events
        role kube-system/system::leader-locking-kube-controller-manager
          create | coordination.k8s.io | leases
          get update | coordination.k8s.io | leases | kube-controller-manager
        role kube-system/system::leader-locking-kube-scheduler
          create | coordination.k8s.io | leases
          get update | coordination.k8s.io | leases | kube-scheduler
        role kube-public/system:controller:bootstrap-signer
          read | core | configmaps
          update | core | configmaps | cluster-info
          events

        bind kube-system/system::extension-apiserver-authentication-reader = \
        extension-apiserver-authentication-reader : user:system:kube-controller-manager user:system:kube-scheduler
        bind kube-system/system::leader-locking-kube-controller-manager : \
        user:system:kube-controller-manager serviceaccount:kube-system/kube-controller-manager
        bind kube-system/system::leader-locking-kube-scheduler : \
        user:system:kube-scheduler serviceaccount:kube-system/kube-scheduler
        bind kube-system/system:controller:bootstrap-signer : serviceaccount:kube-system/bootstrap-signer
        bind kube-system/system:controller:cloud-provider : serviceaccount:kube-system/cloud-provider
        bind kube-system/system:controller:token-cleaner : serviceaccount:kube-system/token-cleaner
        bind kube-public/system:controller:bootstrap-signer : serviceaccount:kube-system/bootstrap-signer
        """
}
