import APICoordination
import APIMachinery
import APIValidation
import Codec

enum CoordinationKinds {
    static let leases = PlainStrategy<Lease>(
        ResourceInfo(Lease.gvk, resource: "leases", namespaced: true),
        table: TableDefinition([.name, TableColumn("Holder"), .age]) { object, now in
            [
                .string(object.metadata.name), .string(object.spec.holderIdentity ?? ""),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.allowsCreateOnUpdate = true
        strategy.allowsUnconditionalUpdate = false
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
    }
}
