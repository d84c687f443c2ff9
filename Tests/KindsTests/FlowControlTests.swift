import APIDefaults
import APIFlowControl
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct FlowControlTests {
    private func strategy<Object: APIObject>(_ type: Object.Type) throws -> PlainStrategy<Object> {
        let found: (any ResourceStrategy)? = KindRegistrations.all().first { $0.info.gvk == Object.gvk }
        return try #require(found as? PlainStrategy<Object>)
    }

    @Test func `what every cluster begins with is valid, and needs no defaults`() throws {
        let schemas: PlainStrategy<FlowSchema> = try strategy(FlowSchema.self)
        let levels: PlainStrategy<PriorityLevelConfiguration> = try strategy(PriorityLevelConfiguration.self)
        var names: Set<String> = []
        for level in FlowControlPresets.mandatoryLevels + FlowControlPresets.suggestedLevels {
            #expect(levels.validateCreate(level, context: .test()).isEmpty, "\(level.metadata.name)")
            #expect(levels.created(level).spec == level.spec)
            names.insert(level.metadata.name)
        }
        for schema in FlowControlPresets.mandatorySchemas + FlowControlPresets.suggestedSchemas {
            #expect(schemas.validateCreate(schema, context: .test()).isEmpty, "\(schema.metadata.name)")
            #expect(schemas.created(schema).spec == schema.spec)
            #expect(names.contains(schema.spec.priorityLevelConfiguration.name))
        }
        #expect(names.count == 8 && FlowControlPresets.suggestedSchemas.count == 11)
    }

    @Test func `a level gets queues, and its row shows them`() throws {
        let levels: PlainStrategy<PriorityLevelConfiguration> = try strategy(PriorityLevelConfiguration.self)
        let made: PriorityLevelConfiguration = levels.created(
            try object(
                #"{"metadata":{"name":"l"},"spec":{"type":"Limited","limited":{"limitResponse":{"type":"Queue","#
                    + #""queuing":{}}}}}"#))
        #expect(levels.row(made) == ["l", "Limited", "30", "64", "8", "50", "<unknown>"])
        #expect(made.metadata.generation == 1 && made.validate().isEmpty)
    }

    @Test func `a level says one thing only`() throws {
        let level: PriorityLevelConfiguration = try object(
            #"{"metadata":{"name":"l"},"spec":{"type":"Exempt","limited":{"nominalConcurrencyShares":1}}}"#)
        #expect(
            level.validate().texts == [
                "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if `metadata.name` is 'exempt'",
                "spec.limited: Forbidden: must be nil if the type is not Limited",
            ])
        let queues: PriorityLevelConfiguration = try object(
            #"{"metadata":{"name":"l"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":-1,"#
                + #""lendablePercent":101,"borrowingLimitPercent":-1,"limitResponse":{"type":"Queue","queuing":{"#
                + #""queues":1024,"handSize":7,"queueLengthLimit":0}}}}}"#)
        #expect(
            queues.validate().texts == [
                "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: 0: must be positive",
                "spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of deckSize "
                    + "1024 and handSize 7 should not be greater than 60",
                "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
                "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
            ])
    }

    @Test func `the mandatory ones stay as they are`() {
        var schema: FlowSchema = FlowControlPresets.mandatorySchemas[1]
        schema.spec.matchingPrecedence = 9_000
        #expect(schema.validate().texts.last?.hasSuffix("spec of 'catch-all' must equal the fixed value") == true)
        var level: PriorityLevelConfiguration = FlowControlPresets.mandatoryLevels[0]
        level.spec.exempt?.nominalConcurrencyShares = 7
        #expect(level.validate().isEmpty)
    }

    @Test func `a schema must match somebody and something`() throws {
        let schema: FlowSchema = try object(
            #"{"metadata":{"name":"s"},"spec":{"matchingPrecedence":1,"distinguisherMethod":{"type":"ByColor"},"#
                + #""priorityLevelConfiguration":{"name":""},"rules":[{"subjects":[{"kind":"User","group":{"name":"g"}}],"#
                + #""nonResourceRules":[{"verbs":["get","*"],"nonResourceURLs":["health","/a*"]}]},"#
                + #"{"subjects":[],"resourceRules":[{"verbs":["fly"],"apiGroups":[],"resources":["*","pods"],"#
                + #""namespaces":["A"]}]}]}}"#)
        let texts: [String] = schema.validate().texts
        let wanted: [String] = [
            "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
                + "matchingPrecedence 1",
            "spec.distinguisherMethod.type: Unsupported value: \"ByColor\": supported values: \"ByNamespace\", "
                + "\"ByUser\"",
            "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
            "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
            "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
            "spec.rules[0].nonResourceRules[0].verbs: Invalid value: [\"get\",\"*\"]: if '*' is present, must not "
                + "specify other verbs",
            "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"health\": must start with slash",
            "spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: \"/a*\": wildcard can only do "
                + "suffix matching",
        ]
        #expect(Array(texts.prefix(8)) == wanted)
        #expect(texts.count == 13)
    }
}
