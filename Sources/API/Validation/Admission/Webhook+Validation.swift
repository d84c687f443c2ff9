package import APIAdmissionRegistration
package import APIMachinery
import Codec

extension MutatingWebhookConfiguration {
    package func validate() -> FieldErrors {
        WebhookParts.validate(webhooks.map { WebhookParts($0) })
    }
}

extension ValidatingWebhookConfiguration {
    package func validate() -> FieldErrors {
        WebhookParts.validate(webhooks.map { WebhookParts($0) })
    }
}

/// A webhook of either kind.
private struct WebhookParts {
    var name: String
    var clientConfig: WebhookClientConfig
    var rules: [RuleWithOperations]
    var failurePolicy: String?
    var matchPolicy: String?
    var namespaceSelector: LabelSelector?
    var objectSelector: LabelSelector?
    var sideEffects: String?
    var timeoutSeconds: Int?
    var admissionReviewVersions: [String]
    var matchConditions: [MatchCondition]
    var reinvocationPolicy: String?

    init(_ hook: MutatingWebhook) {
        name = hook.name
        clientConfig = hook.clientConfig
        rules = hook.rules
        failurePolicy = hook.failurePolicy
        matchPolicy = hook.matchPolicy
        namespaceSelector = hook.namespaceSelector
        objectSelector = hook.objectSelector
        sideEffects = hook.sideEffects
        timeoutSeconds = hook.timeoutSeconds
        admissionReviewVersions = hook.admissionReviewVersions
        matchConditions = hook.matchConditions
        reinvocationPolicy = hook.reinvocationPolicy
    }

    init(_ hook: ValidatingWebhook) {
        name = hook.name
        clientConfig = hook.clientConfig
        rules = hook.rules
        failurePolicy = hook.failurePolicy
        matchPolicy = hook.matchPolicy
        namespaceSelector = hook.namespaceSelector
        objectSelector = hook.objectSelector
        sideEffects = hook.sideEffects
        timeoutSeconds = hook.timeoutSeconds
        admissionReviewVersions = hook.admissionReviewVersions
        matchConditions = hook.matchConditions
    }

    static func validate(_ hooks: [WebhookParts]) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, hook) in hooks.enumerated() {
            let path: FieldPath = FieldPath("webhooks").index(index)
            errors += hook.validate(path)
            let known: String = WebhookRules.knownReviews.joined(separator: ", ")
            errors += WebhookRules.reviewVersions(
                hook.admissionReviewVersions, missing: "must specify one of \(known)",
                path.child("admissionReviewVersions"))
            if !hook.name.isEmpty, !seen.insert(hook.name).inserted {
                errors.append(.duplicate(path.child("name"), hook.name))
            }
        }
        return errors
    }

    private func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = NameRules.fullyQualifiedName(name, at: path.child("name"))
        for (index, rule) in rules.enumerated() {
            let matches = AdmissionRules.Matches(
                operations: rule.operations, apiGroups: rule.apiGroups, apiVersions: rule.apiVersions,
                resources: rule.resources, scope: rule.scope)
            errors += AdmissionRules.rule(matches, path.child("rules").index(index))
        }
        errors += Rule.optionalChoice(failurePolicy, ["Fail", "Ignore"], path.child("failurePolicy"))
        errors += Rule.optionalChoice(matchPolicy, ["Equivalent", "Exact"], path.child("matchPolicy"))
        let effects: [String] = ["None", "NoneOnDryRun"]
        if let sideEffects {
            errors += Rule.oneOf(sideEffects, effects, path.child("sideEffects"))
        } else {
            let text: String = "must specify one of \(effects.joined(separator: ", "))"
            errors.append(.required(path.child("sideEffects"), text))
        }
        if let timeoutSeconds, !(1...30).contains(timeoutSeconds) {
            let text: String = "the timeout value must be between 1 and 30 seconds"
            errors.append(.invalid(path.child("timeoutSeconds"), timeoutSeconds, text))
        }
        errors += APIMachinery.Validation.labelSelector(namespaceSelector, at: path.child("namespaceSelector"))
        errors += APIMachinery.Validation.labelSelector(objectSelector, at: path.child("objectSelector"))
        let service: WebhookRules.Service? = clientConfig.service.map {
            WebhookRules.Service(namespace: $0.namespace, name: $0.name, path: $0.path, port: $0.port)
        }
        errors += WebhookRules.client(url: clientConfig.url, service: service, path.child("clientConfig"))
        errors += Rule.optionalChoice(reinvocationPolicy, ["IfNeeded", "Never"], path.child("reinvocationPolicy"))
        errors += AdmissionRules.conditions(matchConditions, path.child("matchConditions"))
        return errors
    }
}
