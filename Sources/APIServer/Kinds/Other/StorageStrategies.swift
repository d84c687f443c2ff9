import APICore
import APIDefaults
import APIMachinery
import APIStorage
import APIValidation
import Codec

enum StorageKinds {
    static let classes = PlainStrategy<StorageClass>(
        ResourceInfo(
            StorageClass.gvk, resource: "storageclasses", singular: "storageclass", shortNames: ["sc"],
            namespaced: false),
        table: TableDefinition([
            .name, TableColumn("Provisioner"), TableColumn("ReclaimPolicy"), TableColumn("VolumeBindingMode"),
            TableColumn("AllowVolumeExpansion"), .age,
        ]) { object, now in
            let annotations: StringMap<String> = object.metadata.annotations
            let isDefault: Bool = defaultAnnotations.contains { annotations[$0] == "true" }
            return [
                .string(isDefault ? object.metadata.name + " (default)" : object.metadata.name),
                .string(object.provisioner), .string(object.reclaimPolicy ?? "Delete"),
                .string(object.volumeBindingMode ?? CellText.unset), .bool(object.allowVolumeExpansion ?? false),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    private static let defaultAnnotations: [String] = [
        "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
    ]

    static let attributesClasses = PlainStrategy<VolumeAttributesClass>(
        ResourceInfo(
            VolumeAttributesClass.gvk, resource: "volumeattributesclasses", singular: "volumeattributesclass",
            shortNames: ["vac"], namespaced: false),
        table: TableDefinition([.name, TableColumn("DriverName"), .age]) { object, now in
            [.string(object.metadata.name), .string(object.driverName), CellText.age(object.metadata, now)]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let attachments = PlainStrategy<VolumeAttachment>(
        ResourceInfo(
            VolumeAttachment.gvk, resource: "volumeattachments", namespaced: false,
            subresources: [ResourceInfo.status(of: VolumeAttachment.gvk)]),
        parts: ObjectParts(uncounted: \VolumeAttachment.spec, status: \VolumeAttachment.status),
        table: TableDefinition([
            .name, TableColumn("Attacher"), TableColumn("PV"), TableColumn("Node"),
            TableColumn("Attached", type: "boolean"), .age,
        ]) { object, now in
            [
                .string(object.metadata.name), .string(object.spec.attacher),
                .string(object.spec.source.persistentVolumeName ?? ""), .string(object.spec.nodeName),
                .bool(object.status.attached), CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let drivers = PlainStrategy<CSIDriver>(
        ResourceInfo(CSIDriver.gvk, resource: "csidrivers", namespaced: false),
        parts: ObjectParts(spec: \CSIDriver.spec), table: driverTable
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    private static let driverTable = TableDefinition<CSIDriver>([
        .name, TableColumn("AttachRequired", type: "boolean"), TableColumn("PodInfoOnMount", type: "boolean"),
        TableColumn("StorageCapacity", type: "boolean"), TableColumn("TokenRequests"),
        TableColumn("RequiresRepublish", type: "boolean"), TableColumn("Modes"), .age,
    ]) { object, now in
        let audiences: [String] = object.spec.tokenRequests.map { $0.audience }
        return [
            .string(object.metadata.name), .bool(object.spec.attachRequired ?? true),
            .bool(object.spec.podInfoOnMount ?? false), .bool(object.spec.storageCapacity ?? false),
            .string(audiences.isEmpty ? CellText.unset : audiences.joined(separator: ",")),
            .bool(object.spec.requiresRepublish ?? false),
            .string(object.spec.volumeLifecycleModes.joined(separator: ",")), CellText.age(object.metadata, now),
        ]
    }

    static let nodes = PlainStrategy<CSINode>(
        ResourceInfo(CSINode.gvk, resource: "csinodes", namespaced: false),
        table: TableDefinition([.name, TableColumn("Drivers", type: "integer"), .age]) { object, now in
            [
                .string(object.metadata.name), CellText.int(object.spec.drivers.count),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.allowsUnconditionalUpdate = false
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let capacities = PlainStrategy<CSIStorageCapacity>(
        ResourceInfo(
            CSIStorageCapacity.gvk, resource: "csistoragecapacities", singular: "csistoragecapacity", namespaced: true),
        table: TableDefinition([.name, TableColumn("StorageClassName"), TableColumn("Capacity")]) { object, _ in
            [
                .string(object.metadata.name), .string(object.storageClassName),
                .string(object.capacity?.description ?? CellText.unset),
            ]
        }
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }
}
