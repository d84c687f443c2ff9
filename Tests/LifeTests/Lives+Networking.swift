extension Lives {
    static let networking: [Life] = [
        Life(
            resource: "discovery.k8s.io/v1 endpointslices",
            object: #"{"addressType":"IPv4","endpoints":[{"addresses":["10.1.2.3"]}],"ports":[{"port":80}]}"#,
            change: #"{"endpoints":[{"addresses":["10.1.2.4"]}]}"#, invalid: #"{"addressType":"Nope"}"#,
            causes: [#"addressType: Unsupported value: "Nope": supported values: "#],
            columns: "Name|AddressType|Ports|Endpoints|Age"),
        Life(
            resource: "networking.k8s.io/v1 ingressclasses", object: #"{"spec":{"controller":"x.io/c"}}"#,
            change: #"{"spec":{"parameters":{"kind":"K","name":"n","scope":"Cluster"}}}"#,
            invalid: #"{"spec":{"controller":""}}"#, causes: ["spec.controller: Required value"],
            columns: "Name|Controller|Parameters|Age"),
        Life(
            resource: "networking.k8s.io/v1 ingresses",
            object: #"{"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}}"#,
            change: #"{"spec":{"defaultBackend":{"service":{"port":{"number":81}}}}}"#,
            status: #"{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}"#,
            otherSpec: #"{"spec":{"defaultBackend":{"service":{"port":{"number":99}}}}}"#,
            invalid: #"{"spec":{"defaultBackend":null}}"#, causes: ["spec: Invalid value: "],
            columns: "Name|Class|Hosts|Address|Ports|Age"),
        Life(
            resource: "networking.k8s.io/v1 ipaddresses",
            object: #"{"spec":{"parentRef":{"resource":"services","name":"s","namespace":"default"}}}"#,
            change: annotated, invalid: #"{"spec":{"parentRef":null}}"#, causes: ["spec.parentRef: Required value"],
            columns: "Name|ParentRef", names: ["192.0.2.1", "192.0.2.2", "2001:db8::3"]),
        Life(
            resource: "networking.k8s.io/v1 networkpolicies", object: #"{"spec":{"podSelector":{}}}"#,
            change: #"{"spec":{"podSelector":{"matchLabels":{"a":"b"}}}}"#,
            invalid: #"{"spec":{"policyTypes":["Nope"]}}"#,
            causes: [#"spec.policyTypes[0]: Unsupported value: "Nope": supported values: "#],
            columns: "Name|Pod-Selector|Age"),
        Life(
            resource: "networking.k8s.io/v1 servicecidrs", object: #"{"spec":{"cidrs":["10.50.0.0/24"]}}"#,
            change: annotated, status: condition, otherSpec: #"{"spec":{"cidrs":["10.51.0.0/24"]}}"#,
            invalid: #"{"spec":{"cidrs":["x"]}}"#,
            causes: [#"spec.cidrs[0]: Invalid value: "x": must be a valid CIDR value"#], columns: "Name|CIDRs|Age"),
        Life(
            resource: "coordination.k8s.io/v1 leases", object: #"{"spec":{"holderIdentity":"me"}}"#,
            change: #"{"spec":{"holderIdentity":"you"}}"#, invalid: #"{"spec":{"leaseDurationSeconds":0}}"#,
            causes: ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
            columns: "Name|Holder|Age"),
        Life(
            resource: "node.k8s.io/v1 runtimeclasses", object: #"{"handler":"h"}"#,
            change: #"{"scheduling":{"nodeSelector":{"a":"b"}}}"#, invalid: #"{"handler":"Bad_"}"#,
            causes: [#"handler: Invalid value: "Bad_": a lowercase RFC 1123 label must consist of"#],
            columns: "Name|Handler|Age"),
        Life(
            resource: "scheduling.k8s.io/v1 priorityclasses", object: #"{"value":5}"#,
            change: #"{"description":"d"}"#, invalid: #"{"value":2000000000}"#,
            causes: ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
            columns: "Name|Value|Global-Default|Age|PreemptionPolicy"),
        Life(
            resource: "flowcontrol.apiserver.k8s.io/v1 flowschemas",
            object: #"{"spec":{"priorityLevelConfiguration":{"name":"exempt"},"matchingPrecedence":100,"#
                + #""rules":[{"subjects":[{"kind":"User","user":{"name":"u"}}],"#
                + #""nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/x"]}]}]}}"#,
            change: #"{"spec":{"matchingPrecedence":101}}"#,
            status: #"{"conditions":[{"type":"Dangling","status":"True","reason":"R","message":"m","#
                + #""lastTransitionTime":"2026-01-01T00:00:00Z"}]}"#,
            otherSpec: #"{"spec":{"matchingPrecedence":102}}"#, invalid: #"{"spec":{"matchingPrecedence":-1}}"#,
            causes: ["spec.matchingPrecedence: Invalid value: -1"],
            columns: "Name|PriorityLevel|MatchingPrecedence|DistinguisherMethod|Age|MissingPL"),
        Life(
            resource: "flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations",
            object: #"{"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":5,"#
                + #""limitResponse":{"type":"Reject"}}}}"#,
            change: #"{"spec":{"limited":{"nominalConcurrencyShares":6}}}"#,
            status: #"{"conditions":[{"type":"X","status":"True","reason":"R","message":"m","#
                + #""lastTransitionTime":"2026-01-01T00:00:00Z"}]}"#,
            otherSpec: #"{"spec":{"limited":{"nominalConcurrencyShares":7}}}"#,
            invalid: #"{"spec":{"limited":{"nominalConcurrencyShares":-1}}}"#,
            causes: ["spec.limited.nominalConcurrencyShares: Invalid value: -1"],
            columns: "Name|Type|NominalConcurrencyShares|Queues|HandSize|QueueLengthLimit|Age"),
    ]
}
