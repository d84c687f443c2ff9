extension Lives {
    static let storage: [Life] = [
        Life(
            resource: "storage.k8s.io/v1 csidrivers", object: #"{"spec":{"attachRequired":false}}"#,
            change: #"{"spec":{"requiresRepublish":true}}"#, invalid: #"{"spec":{"fsGroupPolicy":"Nope"}}"#,
            causes: [#"spec.fsGroupPolicy: Unsupported value: "Nope": supported values: "#],
            columns: "Name|AttachRequired|PodInfoOnMount|StorageCapacity|TokenRequests|RequiresRepublish|Modes|Age"),
        Life(
            resource: "storage.k8s.io/v1 csinodes", object: #"{"spec":{"drivers":[{"name":"d.io","nodeID":"n"}]}}"#,
            change: #"{"spec":{"drivers":[{"name":"d.io","nodeID":"n"},{"name":"e.io","nodeID":"m"}]}}"#,
            invalid: #"{"spec":{"drivers":[{"name":"d.io","nodeID":""}]}}"#,
            causes: ["spec.drivers[0].nodeID: Required value"], columns: "Name|Drivers|Age"),
        Life(
            resource: "storage.k8s.io/v1 csistoragecapacities",
            object: #"{"storageClassName":"s","capacity":"1Gi"}"#, change: #"{"capacity":"2Gi"}"#,
            invalid: #"{"capacity":"-1"}"#, causes: ["capacity: Invalid value: "],
            columns: "Name|StorageClassName|Capacity"),
        Life(
            resource: "storage.k8s.io/v1 storageclasses", object: #"{"provisioner":"p.io"}"#,
            change: #"{"allowVolumeExpansion":true}"#, invalid: #"{"provisioner":""}"#,
            causes: ["provisioner: Required value"],
            columns: "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age"),
        Life(
            resource: "storage.k8s.io/v1 volumeattachments",
            object: #"{"spec":{"attacher":"a","nodeName":"n","source":{"persistentVolumeName":"v"}}}"#,
            change: annotated, status: #"{"attached":true}"#, otherSpec: #"{"spec":{"nodeName":"m"}}"#,
            invalid: #"{"spec":{"nodeName":""}}"#, causes: [#"spec.nodeName: Invalid value: """#],
            columns: "Name|Attacher|PV|Node|Attached|Age"),
        Life(
            resource: "storage.k8s.io/v1 volumeattributesclasses",
            object: #"{"driverName":"d.io","parameters":{"a":"b"}}"#, change: annotated,
            invalid: #"{"driverName":""}"#, causes: ["driverName: Required value"], columns: "Name|DriverName|Age"),
        Life(
            resource: "resource.k8s.io/v1 deviceclasses", object: #"{"spec":{}}"#,
            change: #"{"spec":{"selectors":[{"cel":{"expression":"true"}}]}}"#,
            invalid: #"{"metadata":{"name":"Bad_"}}"#,
            causes: [#"metadata.name: Invalid value: "Bad_": \#(subdomain)"#], columns: "Name|Age"),
        Life(
            resource: "resource.k8s.io/v1 resourceclaims", object: #"{"spec":\#(claim)}"#, change: annotated,
            status: #"{"devices":null}"#, otherSpec: #"{"spec":{"devices":null}}"#,
            invalid: #"{"spec":{"devices":{"requests":[{"name":"Bad_","exactly":{"deviceClassName":"c"}}]}}}"#,
            causes: [#"spec.devices.requests[0].name: Invalid value: "Bad_""#], columns: "Name|State|Age"),
        Life(
            resource: "resource.k8s.io/v1 resourceclaimtemplates", object: #"{"spec":{"spec":\#(claim)}}"#,
            change: annotated,
            invalid: #"{"spec":{"spec":{"devices":{"requests":[{"name":"Bad_","exactly":{"deviceClassName":"c"}}]}}}}"#,
            causes: [#"spec.spec.devices.requests[0].name: Invalid value: "Bad_""#], columns: "Name|Age"),
        Life(
            resource: "resource.k8s.io/v1 resourceslices",
            object: #"{"spec":{"driver":"d.io","nodeName":"n","#
                + #""pool":{"name":"p","generation":1,"resourceSliceCount":1}}}"#,
            change: #"{"spec":{"pool":{"generation":2}}}"#,
            invalid: #"{"spec":{"pool":{"resourceSliceCount":0}}}"#,
            causes: ["spec.pool.resourceSliceCount: Invalid value: 0"], columns: "Name|Node|Driver|Pool|Age"),
    ]

    private static let claim = #"{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"}}]}}"#

    static let extensions: [Life] = [
        Life(
            resource: "apiextensions.k8s.io/v1 customresourcedefinitions",
            object: #"{"spec":{"group":"x.io","scope":"Namespaced","names":{"plural":"$STEM","kind":"K$STEM"},"#
                + #""versions":[{"name":"v1","served":true,"storage":true,"#
                + #""schema":{"openAPIV3Schema":{"type":"object"}}}]}}"#,
            change: #"{"spec":{"names":{"shortNames":["short"]}}}"#, status: #"{"storedVersions":["v1"]}"#,
            otherSpec: #"{"spec":{"names":{"shortNames":["other"]}}}"#, invalid: #"{"spec":{"scope":"Nope"}}"#,
            causes: [#"spec.scope: Unsupported value: "Nope": supported values: "Cluster", "Namespaced""#],
            columns: "Name|Created At", names: ["as.x.io", "bs.x.io", "cs.x.io"]),
        Life(
            resource: "apiregistration.k8s.io/v1 apiservices",
            object: #"{"spec":{"group":"$REST","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"#
                + #""insecureSkipTLSVerify":true,"service":{"namespace":"n","name":"s"}}}"#,
            change: annotated, status: condition, otherSpec: #"{"spec":{"versionPriority":2}}"#,
            invalid: #"{"spec":{"groupPriorityMinimum":0}}"#,
            causes: ["spec.groupPriorityMinimum: Invalid value: 0"], columns: "Name|Service|Available|Age",
            names: ["v1.a.x.io", "v1.b.x.io", "v1.c.x.io"]),
    ]
}
