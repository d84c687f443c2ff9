package import APIAdmissionRegistration
import APIMachinery

extension MutatingWebhookConfiguration {
    package mutating func setDefaults() {
        for index in webhooks.indices { webhooks[index].setDefaults() }
    }
}

extension ValidatingWebhookConfiguration {
    package mutating func setDefaults() {
        for index in webhooks.indices { webhooks[index].setDefaults() }
    }
}

extension MutatingWebhook {
    fileprivate mutating func setDefaults() {
        if failurePolicy == nil { failurePolicy = "Fail" }
        if matchPolicy == nil { matchPolicy = "Equivalent" }
        if namespaceSelector == nil { namespaceSelector = LabelSelector() }
        if objectSelector == nil { objectSelector = LabelSelector() }
        if timeoutSeconds == nil { timeoutSeconds = 10 }
        if reinvocationPolicy == nil { reinvocationPolicy = "Never" }
        clientConfig.setDefaults()
        for index in rules.indices where rules[index].scope == nil { rules[index].scope = "*" }
    }
}

extension ValidatingWebhook {
    fileprivate mutating func setDefaults() {
        if failurePolicy == nil { failurePolicy = "Fail" }
        if matchPolicy == nil { matchPolicy = "Equivalent" }
        if namespaceSelector == nil { namespaceSelector = LabelSelector() }
        if objectSelector == nil { objectSelector = LabelSelector() }
        if timeoutSeconds == nil { timeoutSeconds = 10 }
        clientConfig.setDefaults()
        for index in rules.indices where rules[index].scope == nil { rules[index].scope = "*" }
    }
}

extension WebhookClientConfig {
    fileprivate mutating func setDefaults() {
        if service != nil, service?.port == nil { service?.port = 443 }
    }
}

extension ValidatingAdmissionPolicy {
    package mutating func setDefaults() {
        if spec.failurePolicy == nil { spec.failurePolicy = "Fail" }
        spec.matchConstraints?.setDefaults()
    }
}

extension ValidatingAdmissionPolicyBinding {
    package mutating func setDefaults() {
        spec.matchResources?.setDefaults()
    }
}

extension MatchResources {
    fileprivate mutating func setDefaults() {
        if matchPolicy == nil { matchPolicy = "Equivalent" }
        if namespaceSelector == nil { namespaceSelector = LabelSelector() }
        if objectSelector == nil { objectSelector = LabelSelector() }
        for index in resourceRules.indices where resourceRules[index].scope == nil { resourceRules[index].scope = "*" }
        for index in excludeResourceRules.indices where excludeResourceRules[index].scope == nil {
            excludeResourceRules[index].scope = "*"
        }
    }
}
