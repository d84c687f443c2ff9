import APICore
import APIDefaults
import APIMachinery
import APINode
import APIPolicy
import APIScheduling
import APIValidation
import Codec

/// Disruption budgets, priority classes and runtime classes.
enum PolicyKinds {
    static let disruptionBudgets = PlainStrategy<PodDisruptionBudget>(
        ResourceInfo(
            PodDisruptionBudget.gvk, resource: "poddisruptionbudgets", shortNames: ["pdb"], namespaced: true,
            subresources: [ResourceInfo.status(of: PodDisruptionBudget.gvk)]),
        parts: ObjectParts(spec: \PodDisruptionBudget.spec, status: \PodDisruptionBudget.status),
        table: TableDefinition([
            .name, TableColumn("Min Available"), TableColumn("Max Unavailable"),
            TableColumn("Allowed Disruptions", type: "integer"), .age,
        ]) { object, now in
            [
                .string(object.metadata.name), .string(object.spec.minAvailable?.description ?? "N/A"),
                .string(object.spec.maxUnavailable?.description ?? "N/A"),
                CellText.int(object.status.disruptionsAllowed), CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
        strategy.checkStatus = { object, _ in object.validateStatus() }
    }

    static let priorityClasses = PlainStrategy<PriorityClass>(
        ResourceInfo(
            PriorityClass.gvk, resource: "priorityclasses", singular: "priorityclass", shortNames: ["pc"],
            namespaced: false),
        table: TableDefinition([
            .name, TableColumn("Value", type: "integer"), TableColumn("Global-Default", type: "boolean"), .age,
            TableColumn("PreemptionPolicy"),
        ]) { object, now in
            [
                .string(object.metadata.name), CellText.int(object.value), .bool(object.globalDefault),
                CellText.age(object.metadata, now), .string(object.preemptionPolicy ?? ""),
            ]
        }
    ) { strategy in
        strategy.defaults = { $0.setDefaults() }
        strategy.onCreate = { object, _ in object.metadata.generation = 1 }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let runtimeClasses = PlainStrategy<RuntimeClass>(
        ResourceInfo(RuntimeClass.gvk, resource: "runtimeclasses", singular: "runtimeclass", namespaced: false),
        table: TableDefinition([.name, TableColumn("Handler"), .age]) { object, now in
            [.string(object.metadata.name), .string(object.handler), CellText.age(object.metadata, now)]
        }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }
}
