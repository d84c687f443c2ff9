extension Lives {
    private static let selected = #""selector":{"matchLabels":{"a":"b"}},"template":\#(template)"#
    private static let mismatch = #"{"spec":{"selector":{"matchLabels":{"a":"z"}}}}"#
    private static let mismatched = [
        #"spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`"#
    ]
    private static let later = #"{"spec":{"minReadySeconds":3}}"#

    static let workloads: [Life] = [
        Life(
            resource: "v1 replicationcontrollers",
            object: #"{"spec":{"selector":{"a":"b"},"template":\#(template)}}"#, change: later,
            status: #"{"replicas":1}"#, otherSpec: #"{"spec":{"minReadySeconds":9}}"#,
            invalid: #"{"spec":{"selector":{"a":"z"}}}"#, causes: mismatched,
            columns: "Name|Desired|Current|Ready|Age|Containers|Images|Selector", ending: .finalizers),
        Life(
            resource: "apps/v1 controllerrevisions", object: #"{"revision":1,"data":{"x":1}}"#,
            change: #"{"revision":2}"#, invalid: #"{"revision":-1}"#,
            causes: ["revision: Invalid value: -1: must be greater than or equal to 0"],
            columns: "Name|Controller|Revision|Age"),
        Life(
            resource: "apps/v1 daemonsets", object: #"{"spec":{\#(selected)}}"#, change: later,
            status: #"{"currentNumberScheduled":1}"#, otherSpec: #"{"spec":{"minReadySeconds":9}}"#,
            invalid: mismatch, causes: mismatched,
            columns: "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age|Containers|Images|Selector"),
        Life(
            resource: "apps/v1 deployments", object: #"{"spec":{\#(selected)}}"#, change: later,
            status: #"{"replicas":1}"#, otherSpec: #"{"spec":{"minReadySeconds":9}}"#,
            invalid: mismatch, causes: mismatched,
            columns: "Name|Ready|Up-to-date|Available|Age|Containers|Images|Selector"),
        Life(
            resource: "apps/v1 replicasets", object: #"{"spec":{\#(selected)}}"#, change: later,
            status: #"{"replicas":1}"#, otherSpec: #"{"spec":{"minReadySeconds":9}}"#,
            invalid: mismatch, causes: mismatched,
            columns: "Name|Desired|Current|Ready|Age|Containers|Images|Selector"),
        Life(
            resource: "apps/v1 statefulsets", object: #"{"spec":{"serviceName":"s",\#(selected)}}"#, change: later,
            status: #"{"replicas":1}"#, otherSpec: #"{"spec":{"minReadySeconds":9}}"#,
            invalid: mismatch, causes: mismatched, columns: "Name|Ready|Age|Containers|Images"),
        Life(
            resource: "batch/v1 cronjobs",
            object: #"{"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":\#(task)}}}}"#,
            change: #"{"spec":{"suspend":true}}"#, status: #"{"lastScheduleTime":"2026-01-01T00:00:00Z"}"#,
            otherSpec: #"{"spec":{"suspend":false}}"#, invalid: #"{"spec":{"schedule":"x"}}"#,
            causes: [#"spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1: [x]"#],
            columns: "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age|Containers|Images|Selector"),
        Life(
            resource: "batch/v1 jobs", object: #"{"spec":{"template":\#(task)}}"#,
            change: #"{"spec":{"parallelism":2}}"#, status: #"{"active":1,"startTime":"2026-01-01T00:00:00Z"}"#,
            otherSpec: #"{"spec":{"parallelism":9}}"#, invalid: #"{"spec":{"parallelism":-1}}"#,
            causes: ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
            columns: "Name|Status|Completions|Duration|Age|Containers|Images|Selector", ending: .finalizers),
        Life(
            resource: "policy/v1 poddisruptionbudgets",
            object: #"{"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}"#,
            change: #"{"spec":{"minAvailable":2}}"#,
            status: #"{"currentHealthy":1,"desiredHealthy":1,"expectedPods":1,"disruptionsAllowed":0}"#,
            otherSpec: #"{"spec":{"minAvailable":9}}"#, invalid: #"{"spec":{"maxUnavailable":1}}"#,
            causes: ["spec: Invalid value: "],
            columns: "Name|Min Available|Max Unavailable|Allowed Disruptions|Age"),
        Life(
            resource: "autoscaling/v1 horizontalpodautoscalers", object: scaler, change: #"{"spec":{"maxReplicas":4}}"#,
            status: #"{"currentReplicas":1,"desiredReplicas":1}"#, otherSpec: #"{"spec":{"maxReplicas":9}}"#,
            invalid: #"{"spec":{"scaleTargetRef":{"name":""}}}"#, causes: ["spec.scaleTargetRef.name: Required value"],
            columns: scalerColumns),
        Life(
            resource: "autoscaling/v2 horizontalpodautoscalers", object: scaler, change: #"{"spec":{"maxReplicas":4}}"#,
            status: #"{"currentReplicas":1,"desiredReplicas":1}"#, otherSpec: #"{"spec":{"maxReplicas":9}}"#,
            invalid: #"{"spec":{"scaleTargetRef":{"name":""}}}"#, causes: ["spec.scaleTargetRef.name: Required value"],
            columns: scalerColumns),
    ]

    private static let scaler =
        #"{"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"maxReplicas":3}}"#
    private static let scalerColumns = "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age"
}
