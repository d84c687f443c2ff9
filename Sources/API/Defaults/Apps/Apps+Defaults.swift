package import APIApps
import APICore
import APIMachinery
import Codec

extension Deployment {
    package mutating func setDefaults() {
        if spec.replicas == nil { spec.replicas = 1 }
        if spec.strategy.type.isEmpty { spec.strategy.type = "RollingUpdate" }
        if spec.strategy.type == "RollingUpdate" {
            var rolling: RollingUpdateDeployment = spec.strategy.rollingUpdate ?? RollingUpdateDeployment()
            if rolling.maxUnavailable == nil { rolling.maxUnavailable = .string("25%") }
            if rolling.maxSurge == nil { rolling.maxSurge = .string("25%") }
            spec.strategy.rollingUpdate = rolling
        }
        if spec.revisionHistoryLimit == nil { spec.revisionHistoryLimit = 10 }
        if spec.progressDeadlineSeconds == nil { spec.progressDeadlineSeconds = 600 }
        spec.template.setDefaults()
    }
}

extension ReplicaSet {
    package mutating func setDefaults() {
        if spec.replicas == nil { spec.replicas = 1 }
        spec.template.setDefaults()
    }
}

extension StatefulSet {
    package mutating func setDefaults() {
        if spec.podManagementPolicy.isEmpty { spec.podManagementPolicy = "OrderedReady" }
        if spec.updateStrategy.type.isEmpty {
            spec.updateStrategy.type = "RollingUpdate"
            if spec.updateStrategy.rollingUpdate == nil {
                spec.updateStrategy.rollingUpdate = RollingUpdateStatefulSetStrategy()
            }
        }
        if spec.updateStrategy.type == "RollingUpdate", spec.updateStrategy.rollingUpdate != nil,
            spec.updateStrategy.rollingUpdate?.partition == nil
        {
            spec.updateStrategy.rollingUpdate?.partition = 0
        }
        var retention: StatefulSetPersistentVolumeClaimRetentionPolicy =
            spec.persistentVolumeClaimRetentionPolicy ?? StatefulSetPersistentVolumeClaimRetentionPolicy()
        if retention.whenDeleted.isEmpty { retention.whenDeleted = "Retain" }
        if retention.whenScaled.isEmpty { retention.whenScaled = "Retain" }
        spec.persistentVolumeClaimRetentionPolicy = retention
        if spec.replicas == nil { spec.replicas = 1 }
        if spec.revisionHistoryLimit == nil { spec.revisionHistoryLimit = 10 }
        spec.template.setDefaults()
        for index in spec.volumeClaimTemplates.indices { spec.volumeClaimTemplates[index].setDefaults() }
    }
}

extension DaemonSet {
    package mutating func setDefaults() {
        if spec.updateStrategy.type.isEmpty { spec.updateStrategy.type = "RollingUpdate" }
        if spec.updateStrategy.type == "RollingUpdate" {
            var rolling: RollingUpdateDaemonSet = spec.updateStrategy.rollingUpdate ?? RollingUpdateDaemonSet()
            if rolling.maxUnavailable == nil { rolling.maxUnavailable = .int(1) }
            if rolling.maxSurge == nil { rolling.maxSurge = .int(0) }
            spec.updateStrategy.rollingUpdate = rolling
        }
        if spec.revisionHistoryLimit == nil { spec.revisionHistoryLimit = 10 }
        spec.template.setDefaults()
    }
}
