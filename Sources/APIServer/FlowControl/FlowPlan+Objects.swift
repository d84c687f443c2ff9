package import APIFlowControl
import APIMachinery

extension FlowPlan {
    /// The plan that the cluster's objects describe.
    package init(_ schemas: [FlowSchema], _ levels: [PriorityLevelConfiguration]) {
        self.init(schemas: schemas.map { Schema($0) }, levels: levels.map { Level($0) })
    }
}

extension FlowPlan.Level {
    init(_ object: PriorityLevelConfiguration) {
        self.init(object.metadata.name)
        uid = object.metadata.uid
        isExempt = object.spec.type == "Exempt"
        if isExempt {
            shares = object.spec.exempt?.nominalConcurrencyShares ?? 0
            lendablePercent = object.spec.exempt?.lendablePercent ?? 0
            return
        }
        guard let limited = object.spec.limited else { return }
        shares = limited.nominalConcurrencyShares ?? 30
        lendablePercent = limited.lendablePercent ?? 0
        borrowingPercent = limited.borrowingLimitPercent
        guard limited.limitResponse.type == "Queue" else { return }
        queuing = FlowPlan.Queuing(
            queues: limited.limitResponse.queuing?.queues ?? 64, handSize: limited.limitResponse.queuing?.handSize ?? 8,
            lengthLimit: limited.limitResponse.queuing?.queueLengthLimit ?? 50)
    }
}

extension FlowPlan.Schema {
    init(_ object: FlowSchema) {
        self.init(
            object.metadata.name, level: object.spec.priorityLevelConfiguration.name,
            precedence: object.spec.matchingPrecedence)
        uid = object.metadata.uid
        switch object.spec.distinguisherMethod?.type {
        case "ByUser": distinguisher = .user
        case "ByNamespace": distinguisher = .namespace
        default: distinguisher = .none
        }
        rules = object.spec.rules.map { FlowPlan.Rule($0) }
    }
}

extension FlowPlan.Rule {
    init(_ object: PolicyRulesWithSubjects) {
        self.init()
        users = Set(object.subjects.compactMap { $0.user?.name })
        groups = Set(object.subjects.compactMap { $0.group?.name })
        accounts = object.subjects.compactMap { subject in
            subject.serviceAccount.map { ServiceAccountName($0.namespace, $0.name) }
        }
        resources = object.resourceRules.map { rule in
            FlowPlan.ResourceRule(
                verbs: Set(rule.verbs), groups: Set(rule.apiGroups), resources: Set(rule.resources),
                namespaces: Set(rule.namespaces), clusterScope: rule.clusterScope)
        }
        nonResources = object.nonResourceRules.map { rule in
            FlowPlan.NonResourceRule(verbs: Set(rule.verbs), paths: rule.nonResourceURLs)
        }
    }
}
