import APICore
import APIMachinery
package import APIScheduling
package import APIStorage
import Codec

extension StorageClass {
    package mutating func setDefaults() {
        if reclaimPolicy == nil { reclaimPolicy = "Delete" }
        if volumeBindingMode == nil { volumeBindingMode = "Immediate" }
    }
}

extension CSIDriver {
    package mutating func setDefaults() {
        if spec.attachRequired == nil { spec.attachRequired = true }
        if spec.podInfoOnMount == nil { spec.podInfoOnMount = false }
        if spec.storageCapacity == nil { spec.storageCapacity = false }
        if spec.fsGroupPolicy == nil { spec.fsGroupPolicy = "ReadWriteOnceWithFSType" }
        if spec.volumeLifecycleModes.isEmpty { spec.volumeLifecycleModes = ["Persistent"] }
        if spec.requiresRepublish == nil { spec.requiresRepublish = false }
        if spec.seLinuxMount == nil { spec.seLinuxMount = false }
    }
}

extension VolumeAttachment {
    package mutating func setDefaults() {
        if spec.source.inlineVolumeSpec != nil { spec.source.inlineVolumeSpec?.setDefaults() }
    }
}

extension PriorityClass {
    package mutating func setDefaults() {
        if preemptionPolicy == nil { preemptionPolicy = "PreemptLowerPriority" }
    }
}
