/// The documents that the cases work on; about as large and as varied as what a busy cluster holds.
enum Documents {
    /// A pod as a kubelet reports it: 2.7 KB.
    static let pod: [UInt8] = Array(podText.utf8)

    /// A ConfigMap of 1 KB, named `name`.
    static func configMap(_ name: String) -> [UInt8] {
        let value: String = String(repeating: "0123456789abcdef", count: 50)
        let text: String =
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"labels\":{\"app\":\"counts\"},"
            + "\"name\":\"\(name)\",\"namespace\":\"default\"},\"data\":{\"value\":\"\(value)\"}}"
        return Array(text.utf8)
    }

    static let deploymentPatch: [UInt8] = Array(
        """
        {"metadata":{"annotations":{"example.com/rolled":"yes"}},"spec":{"template":{"spec":{"containers":[
        {"name":"web","image":"registry.example/web:2","env":[{"name":"LEVEL","value":"info"}]}]}}}}
        """.utf8)

    private static let podText: String = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"example.com/config-hash":"8c1f0d6b3a"},\
        "creationTimestamp":"2026-11-20T10:00:00Z","generateName":"web-769b48d778-","labels":{"app":"web",\
        "pod-template-hash":"769b48d778","tier":"front"},"name":"web-769b48d778-rfv9f","namespace":"default",\
        "ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"ReplicaSet",\
        "name":"web-769b48d778","uid":"3f0c9a52-7a83-4f5e-9d5c-0c5d1f9f2d10"}],"resourceVersion":"48213",\
        "uid":"0d2b1c0e-6a7e-4c43-8f64-4a1a5c1de0aa"},"spec":{"containers":[{"args":["--port=8080","--level=info"],\
        "env":[{"name":"LEVEL","value":"debug"},{"name":"NODE","valueFrom":{"fieldRef":{"apiVersion":"v1",\
        "fieldPath":"spec.nodeName"}}}],"image":"registry.example/web:1","imagePullPolicy":"IfNotPresent",\
        "livenessProbe":{"failureThreshold":3,"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},\
        "periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"name":"web","ports":[{"containerPort":8080,\
        "name":"http","protocol":"TCP"}],"resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":\
        {"cpu":"100m","memory":"64Mi"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":\
        "File","volumeMounts":[{"mountPath":"/etc/web","name":"config"},{"mountPath":\
        "/var/run/secrets/kubernetes.io/serviceaccount","name":"kube-api-access-x7k2p","readOnly":true}]}],\
        "dnsPolicy":"ClusterFirst","enableServiceLinks":true,"nodeName":"node-1","preemptionPolicy":\
        "PreemptLowerPriority","priority":0,"restartPolicy":"Always","schedulerName":"default-scheduler",\
        "securityContext":{},"serviceAccountName":"default","terminationGracePeriodSeconds":30,"tolerations":\
        [{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":300},\
        {"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":300}],\
        "volumes":[{"configMap":{"defaultMode":420,"name":"web"},"name":"config"},{"name":"kube-api-access-x7k2p",\
        "projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},\
        {"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}}]}}]},"status":\
        {"conditions":[{"lastTransitionTime":"2026-11-20T10:00:01Z","status":"True","type":"Initialized"},\
        {"lastTransitionTime":"2026-11-20T10:00:02Z","status":"True","type":"Ready"},{"lastTransitionTime":\
        "2026-11-20T10:00:00Z","status":"True","type":"PodScheduled"}],"containerStatuses":[{"containerID":\
        "containerd://5d0c41f8f5c6f9b7","image":"registry.example/web:1","imageID":"sha256:77aa","name":"web","ready":\
        true,"restartCount":0,"started":true,"state":{"running":{"startedAt":"2026-11-20T10:00:02Z"}}}],"hostIP":\
        "192.0.2.10","phase":"Running","podIP":"10.244.0.7","podIPs":[{"ip":"10.244.0.7"}],"qosClass":"Burstable",\
        "startTime":"2026-11-20T10:00:00Z"}}
        """
}
