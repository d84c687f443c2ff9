extension Lives {
    static let core: [Life] = [
        Life(
            resource: "v1 configmaps", object: #"{"data":{"k":"v"}}"#, change: #"{"data":{"k":"w"}}"#,
            invalid: #"{"data":{"no/slash":"x"}}"#,
            causes: [
                #"data[no/slash]: Invalid value: "no/slash": a valid config key must consist of alphanumeric characters"#
            ],
            columns: "Name|Data|Age"),
        Life(
            resource: "v1 secrets", object: #"{"type":"Opaque","data":{"k":"dg=="}}"#,
            change: #"{"data":{"k":"dw=="}}"#, invalid: #"{"type":"kubernetes.io/tls"}"#,
            causes: ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
            columns: "Name|Type|Data|Age"),
        Life(
            resource: "v1 endpoints",
            object: #"{"subsets":[{"addresses":[{"ip":"10.1.2.3"}],"ports":[{"port":80}]}]}"#,
            change: #"{"subsets":[{"addresses":[{"ip":"10.1.2.4"}],"ports":[{"port":80}]}]}"#,
            invalid: #"{"subsets":[{"addresses":[{"ip":"x"}],"ports":[{"port":0}]}]}"#,
            causes: [
                #"subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address"#,
                "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            ],
            columns: "Name|Endpoints|Age"),
        Life(
            resource: "v1 events",
            object: #"{"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"R","message":"m"}"#,
            change: #"{"message":"n"}"#, invalid: #"{"involvedObject":{"namespace":"other"}}"#,
            causes: [#"involvedObject.namespace: Invalid value: "other": does not match event.namespace"#],
            columns: eventColumns),
        Life(
            resource: "events.k8s.io/v1 events",
            object: #"{"eventTime":"2026-01-01T00:00:00.000000Z","reportingController":"k8s.io/test","#
                + #""reportingInstance":"me","action":"Do","reason":"Done","type":"Normal","#
                + #""regarding":{"kind":"Pod","namespace":"default","name":"p"},"note":"n"}"#,
            change: #"{"series":{"count":2,"lastObservedTime":"2026-01-01T00:00:01.000000Z"}}"#,
            invalid: #"{"reportingController":""}"#, causes: ["reportingController: Required value"],
            columns: eventColumns),
        Life(
            resource: "v1 limitranges",
            object: #"{"spec":{"limits":[{"type":"Container","default":{"cpu":"1"}}]}}"#,
            change: #"{"spec":{"limits":[{"type":"Container","default":{"cpu":"2"}}]}}"#,
            invalid: #"{"spec":{"limits":[{"type":"Pod","default":{"cpu":"1"}}]}}"#,
            causes: ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
            columns: "Name|Created At"),
        Life(
            resource: "v1 namespaces", object: "{}", change: #"{"metadata":{"labels":{"changed":"yes"}}}"#,
            status: condition, otherSpec: #"{"spec":{"finalizers":["x.io/y"]}}"#,
            invalid: #"{"metadata":{"name":"Bad_Name"}}"#,
            causes: [#"metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 label must consist of"#],
            columns: "Name|Status|Age", names: ["n-a", "n-b", "n-c"], ending: .finalize),
        Life(
            resource: "v1 nodes", object: "{}", change: #"{"spec":{"unschedulable":true}}"#,
            status: #"{"conditions":[{"type":"Ready","status":"True"}]}"#,
            otherSpec: #"{"spec":{"unschedulable":null}}"#,
            invalid: #"{"spec":{"taints":[{"key":"k","effect":"Nope"}]}}"#,
            causes: [#"spec.taints[0].effect: Unsupported value: "Nope": supported values: "NoSchedule""#],
            columns: "Name|Status|Roles|Age|Version|Internal-IP|External-IP|OS-Image|Kernel-Version|Container-Runtime"),
        Life(
            resource: "v1 persistentvolumeclaims",
            object: #"{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}"#,
            change: annotated,
            status: #"{"phase":"Bound","accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"}}"#,
            otherSpec: #"{"spec":{"volumeName":"v"}}"#, invalid: #"{"spec":{"accessModes":null}}"#,
            causes: ["spec.accessModes: Required value: at least 1 access mode is required"],
            columns: "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode",
            ending: .finalizers),
        Life(
            resource: "v1 persistentvolumes",
            object: #"{"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"#
                + #""hostPath":{"path":"/x"},"persistentVolumeReclaimPolicy":"Retain"}}"#,
            change: #"{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}"#, status: #"{"phase":"Available"}"#,
            otherSpec: #"{"spec":{"storageClassName":"other"}}"#, invalid: #"{"spec":{"accessModes":null}}"#,
            causes: ["spec.accessModes: Required value"],
            columns: "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|"
                + "Reason|Age|VolumeMode",
            ending: .finalizers),
        Life(
            resource: "v1 pods", object: #"{"spec":{"containers":[{"name":"c","image":"i"}]}}"#,
            change: #"{"spec":{"activeDeadlineSeconds":50}}"#, status: #"{"phase":"Running"}"#,
            otherSpec: #"{"spec":{"hostname":"other"}}"#, invalid: #"{"spec":{"containers":[]}}"#,
            causes: ["spec.containers: Required value"],
            columns: "Name|Ready|Status|Restarts|Age|IP|Node|Nominated Node|Readiness Gates"),
        Life(
            resource: "v1 podtemplates", object: #"{"template":\#(template)}"#,
            change: #"{"template":{"spec":{"hostname":"h"}}}"#, invalid: #"{"template":{"spec":{"containers":[]}}}"#,
            causes: ["template.spec.containers: Required value"], columns: "Name|Containers|Images|Pod Labels"),
        Life(
            resource: "v1 resourcequotas", object: #"{"spec":{"hard":{"pods":"5"}}}"#,
            change: #"{"spec":{"hard":{"pods":"6"}}}"#, status: #"{"hard":{"pods":"5"},"used":{"pods":"1"}}"#,
            otherSpec: #"{"spec":{"hard":{"pods":"9"}}}"#, invalid: #"{"spec":{"scopes":["Nope"]}}"#,
            causes: [#"spec.scopes: Invalid value: ["Nope"]: unsupported scope"#], columns: "Name|Request|Limit|Age"),
        Life(
            resource: "v1 serviceaccounts", object: "{}", change: #"{"automountServiceAccountToken":false}"#,
            invalid: #"{"metadata":{"name":"Bad_"}}"#,
            causes: [#"metadata.name: Invalid value: "Bad_": \#(subdomain)"#], columns: "Name|Secrets|Age"),
        Life(
            resource: "v1 services", object: #"{"spec":{"ports":[{"port":80}],"selector":{"a":"b"}}}"#,
            change: #"{"spec":{"selector":{"a":"c"}}}"#, status: condition,
            otherSpec: #"{"spec":{"selector":{"a":"d"}}}"#, invalid: #"{"spec":{"sessionAffinity":"Nope"}}"#,
            causes: [
                #"spec.sessionAffinity: Unsupported value: "Nope": supported values: "ClientIP", "None""#
            ],
            columns: "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector"),
    ]

    static let eventColumns = "Last Seen|Type|Reason|Object|Subobject|Source|Message|First Seen|Count|Name"
}
