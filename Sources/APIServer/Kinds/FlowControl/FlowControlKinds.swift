import APIDefaults
import APIFlowControl
import APIMachinery
import APIValidation
import Codec

/// Flow schemas and priority levels.
enum FlowControlKinds {
    static let schemas = PlainStrategy<FlowSchema>(
        ResourceInfo(
            FlowSchema.gvk, resource: "flowschemas", namespaced: false,
            subresources: [ResourceInfo.status(of: FlowSchema.gvk)]),
        parts: ObjectParts(spec: \FlowSchema.spec, status: \FlowSchema.status),
        table: TableDefinition([
            .name, TableColumn("PriorityLevel"), TableColumn("MatchingPrecedence"),
            TableColumn("DistinguisherMethod"), .age, TableColumn("MissingPL"),
        ]) { schema, now in
            let dangling: FlowSchemaCondition? = schema.status.conditions.first { $0.type == "Dangling" }
            return [
                .string(schema.metadata.name), .string(schema.spec.priorityLevelConfiguration.name),
                CellText.int(schema.spec.matchingPrecedence),
                CellText.orNone(schema.spec.distinguisherMethod?.type ?? ""), CellText.age(schema.metadata, now),
                .string(dangling?.status ?? "?"),
            ]
        }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { schema, _ in schema.validate() }
        strategy.onStatus = { schema, old, _ in schema.keepMetadata(of: old) }
        strategy.checkStatus = { schema, _ in schema.validateStatus() }
    }

    static let levels = PlainStrategy<PriorityLevelConfiguration>(
        ResourceInfo(
            PriorityLevelConfiguration.gvk, resource: "prioritylevelconfigurations", namespaced: false,
            subresources: [ResourceInfo.status(of: PriorityLevelConfiguration.gvk)]),
        parts: ObjectParts(spec: \PriorityLevelConfiguration.spec, status: \PriorityLevelConfiguration.status),
        table: TableDefinition([
            .name, TableColumn("Type"), TableColumn("NominalConcurrencyShares"), TableColumn("Queues"),
            TableColumn("HandSize"), TableColumn("QueueLengthLimit"), .age,
        ]) { level, now in
            let limited: LimitedPriorityLevelConfiguration? = level.spec.limited
            let queuing: QueuingConfiguration? = limited?.limitResponse.queuing
            return [
                .string(level.metadata.name), .string(level.spec.type), number(limited?.nominalConcurrencyShares),
                number(queuing?.queues), number(queuing?.handSize), number(queuing?.queueLengthLimit),
                CellText.age(level.metadata, now),
            ]
        }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { level, _ in level.validate() }
        strategy.onStatus = { level, old, _ in level.keepMetadata(of: old) }
        strategy.checkStatus = { level, _ in level.validateStatus() }
    }

    private static func number(_ value: Int?) -> JSONValue {
        value.map { CellText.int($0) } ?? .string(CellText.none)
    }
}
