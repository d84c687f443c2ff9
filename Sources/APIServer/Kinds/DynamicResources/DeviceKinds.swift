import APIDefaults
import APIDynamicResources
import APIMachinery
import APIValidation
import Codec

/// Devices, and claims of them.
enum DeviceKinds {
    static let classes = PlainStrategy<DeviceClass>(
        ResourceInfo(DeviceClass.gvk, resource: "deviceclasses", singular: "deviceclass", namespaced: false),
        parts: ObjectParts(spec: \DeviceClass.spec), table: nameTable()
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { deviceClass, _ in deviceClass.validate() }
    }

    static let templates = PlainStrategy<ResourceClaimTemplate>(
        ResourceInfo(ResourceClaimTemplate.gvk, resource: "resourceclaimtemplates", namespaced: true),
        table: nameTable()
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    private static func nameTable<Object: APIObject>() -> TableDefinition<Object> {
        TableDefinition([.name, .age]) { object, now in
            [.string(object.metadata.name), CellText.age(object.metadata, now)]
        }
    }

    static let claims = PlainStrategy<ResourceClaim>(
        ResourceInfo(
            ResourceClaim.gvk, resource: "resourceclaims", namespaced: true,
            subresources: [ResourceInfo.status(of: ResourceClaim.gvk)]),
        parts: ObjectParts(uncounted: \ResourceClaim.spec, status: \ResourceClaim.status),
        table: TableDefinition([.name, TableColumn("State"), .age]) { claim, now in
            [.string(claim.metadata.name), .string(state(claim)), CellText.age(claim.metadata, now)]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
        strategy.onStatus = { claim, old, _ in claim.keepMetadata(of: old) }
        strategy.checkStatus = { $0.validateStatus(replacing: $1) }
    }

    private static func state(_ claim: ResourceClaim) -> String {
        let isGoing: Bool = claim.metadata.deletionTimestamp != nil
        var words: [String] = isGoing ? ["deleted"] : []
        if claim.status.allocation == nil {
            if !isGoing { words.append("pending") }
        } else {
            words.append("allocated")
            if !claim.status.reservedFor.isEmpty { words.append("reserved") }
        }
        return words.joined(separator: ",")
    }

    static let slices = PlainStrategy<ResourceSlice>(
        ResourceInfo(ResourceSlice.gvk, resource: "resourceslices", namespaced: false),
        parts: ObjectParts(spec: \ResourceSlice.spec),
        table: TableDefinition([
            .name, TableColumn("Node"), TableColumn("Driver"), TableColumn("Pool"), .age,
        ]) { slice, now in
            [
                .string(slice.metadata.name), .string(slice.spec.nodeName ?? ""), .string(slice.spec.driver),
                .string(slice.spec.pool.name), CellText.age(slice.metadata, now),
            ]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.fields = (["spec.nodeName", "spec.driver"], { [$0.spec.nodeName ?? "", $0.spec.driver] })
        strategy.onCreate = { slice, context in slice.setTaintTimes(context.now) }
        strategy.onUpdate = { slice, _, context in slice.setTaintTimes(context.now) }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }
}

extension ResourceSlice {
    /// A taint without a time is new.
    fileprivate mutating func setTaintTimes(_ now: Time) {
        for device in spec.devices.indices {
            for taint in spec.devices[device].taints.indices where spec.devices[device].taints[taint].timeAdded == nil {
                spec.devices[device].taints[taint].timeAdded = now
            }
        }
    }
}
