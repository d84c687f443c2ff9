extension Lives {
    private static let rules = #"{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}"#
    private static let moreRules = #"{"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}]}"#
    private static let noVerbs = #"{"rules":[{"verbs":[],"apiGroups":[""],"resources":["pods"]}]}"#
    private static let verbsRequired = ["rules[0].verbs: Required value: verbs must contain at least one value"]
    private static let binding =
        #"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"#
        + #""subjects":[{"kind":"User","name":"u","apiGroup":"rbac.authorization.k8s.io"}]}"#
    private static let rebound =
        #"{"subjects":[{"kind":"User","name":"v","apiGroup":"rbac.authorization.k8s.io"}]}"#

    static let access: [Life] = [
        Life(
            resource: "rbac.authorization.k8s.io/v1 clusterroles", object: rules, change: moreRules, invalid: noVerbs,
            causes: verbsRequired, columns: "Name|Created At"),
        Life(
            resource: "rbac.authorization.k8s.io/v1 roles", object: rules, change: moreRules, invalid: noVerbs,
            causes: verbsRequired, columns: "Name|Created At"),
        Life(
            resource: "rbac.authorization.k8s.io/v1 clusterrolebindings", object: binding, change: rebound,
            invalid: #"{"roleRef":{"kind":"Nope"}}"#,
            causes: [#"roleRef.kind: Unsupported value: "Nope": supported values: "ClusterRole""#],
            columns: "Name|Role|Age|Users|Groups|ServiceAccounts"),
        Life(
            resource: "rbac.authorization.k8s.io/v1 rolebindings", object: binding, change: rebound,
            invalid: #"{"roleRef":{"kind":"Nope"}}"#,
            causes: [#"roleRef.kind: Unsupported value: "Nope": supported values: "Role", "ClusterRole""#],
            columns: "Name|Role|Age|Users|Groups|ServiceAccounts"),
        Life(
            resource: "certificates.k8s.io/v1 certificatesigningrequests",
            object: #"{"spec":{"request":"\#(request)","signerName":"example.com/x","usages":["client auth"]}}"#,
            change: annotated, status: #"{"certificate":null}"#, otherSpec: #"{"spec":{"usages":["server auth"]}}"#,
            invalid: #"{"spec":{"request":null}}"#, causes: ["spec.request: "],
            columns: "Name|Age|SignerName|Requestor|RequestedDuration|Condition"),
        Life(
            resource: "admissionregistration.k8s.io/v1 mutatingwebhookconfigurations",
            object: #"{"webhooks":[\#(webhook)]}"#, change: annotated,
            invalid: #"{"webhooks":[{"name":"bad","clientConfig":{"url":"https://x.io/y"},"sideEffects":"None","#
                + #""admissionReviewVersions":["v1"]}]}"#,
            causes: [#"webhooks[0].name: Invalid value: "bad""#], columns: "Name|Webhooks|Age"),
        Life(
            resource: "admissionregistration.k8s.io/v1 validatingwebhookconfigurations",
            object: #"{"webhooks":[\#(webhook)]}"#, change: annotated,
            invalid: #"{"webhooks":[{"name":"bad","clientConfig":{"url":"https://x.io/y"},"sideEffects":"None","#
                + #""admissionReviewVersions":["v1"]}]}"#,
            causes: [#"webhooks[0].name: Invalid value: "bad""#], columns: "Name|Webhooks|Age"),
        Life(
            resource: "admissionregistration.k8s.io/v1 validatingadmissionpolicies",
            object: #"{"spec":{"validations":[{"expression":"true"}],"matchConstraints":{"resourceRules":["#
                + #"{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}]}}}"#,
            change: #"{"spec":{"failurePolicy":"Ignore"}}"#, status: #"{"observedGeneration":1}"#,
            otherSpec: #"{"spec":{"failurePolicy":"Fail"}}"#, invalid: #"{"spec":{"failurePolicy":"Nope"}}"#,
            causes: [#"spec.failurePolicy: Unsupported value: "Nope": supported values: "#],
            columns: "Name|Validations|ParamKind|Age"),
        Life(
            resource: "admissionregistration.k8s.io/v1 validatingadmissionpolicybindings",
            object: #"{"spec":{"policyName":"p","validationActions":["Deny"]}}"#,
            change: #"{"spec":{"validationActions":["Audit"]}}"#, invalid: #"{"spec":{"policyName":""}}"#,
            causes: ["spec.policyName: Required value"], columns: "Name|PolicyName|ParamRef|Age"),
    ]

    private static let webhook =
        #"{"name":"w.x.io","clientConfig":{"url":"https://x.io/y"},"sideEffects":"None","#
        + #""admissionReviewVersions":["v1"]}"#

    /// A request of `CN=jane`, in PEM, in base64.
    private static let request =
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIS01IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RWFtRnVaVEJaTUJNR0J5cUdT"
        + "TTQ5QWdFR0NDcUdTTTQ5QXdFSApBMElBQkhiaFE2STJ6VjFvQVV1bmJ6ZHF4Mk41Nmd6TGtYbHM5NWtmd29SQVdhVnBjNkp0YWFXYUlZUCt3"
        + "Nkw3Cjlqc01hWTJjMi9zMlVWUFd1anMxaFFJMlpEQ2dBREFLQmdncWhrak9QUVFEQWdOSkFEQkdBaUVBaDRQUjVHMHgKUTE0SVN3ZFcrZ252"
        + "QW1neXFTdk13UlF6NjdoVGxYODdOYzBDSVFDWHB2RjNwN1RITWdNWEhsRElFVGJLOHlkcApyUU9IS0pkaVdMejFqWUE2YWc9PQotLS0tLUVO"
        + "RCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"
}
