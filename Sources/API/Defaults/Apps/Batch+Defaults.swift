package import APIBatch
import APICore
import APIMachinery
import Codec

extension Job {
    package mutating func setDefaults() {
        // Neither given means one pod, once; completions alone may be absent, for a work queue.
        if spec.completions == nil, spec.parallelism == nil { spec.completions = 1 }
        if spec.parallelism == nil { spec.parallelism = 1 }
        if spec.backoffLimit == nil { spec.backoffLimit = spec.backoffLimitPerIndex == nil ? 6 : Int(Int32.max) }
        if metadata.labels.isEmpty { metadata.labels = spec.template.metadata.labels }
        if spec.completionMode == nil { spec.completionMode = "NonIndexed" }
        if spec.suspend == nil { spec.suspend = false }
        if spec.manualSelector == nil { spec.manualSelector = false }
        if let rules = spec.podFailurePolicy?.rules {
            for rule in rules.indices {
                for index in rules[rule].onPodConditions.indices where rules[rule].onPodConditions[index].status.isEmpty
                {
                    spec.podFailurePolicy?.rules[rule].onPodConditions[index].status = "True"
                }
            }
        }
        if spec.podReplacementPolicy == nil {
            spec.podReplacementPolicy = spec.podFailurePolicy == nil ? "TerminatingOrFailed" : "Failed"
        }
        spec.template.setDefaults()
    }
}

extension CronJob {
    /// The job template keeps its gaps, but for the pod's: jobs made of it are filled when they are created.
    package mutating func setDefaults() {
        if spec.concurrencyPolicy.isEmpty { spec.concurrencyPolicy = "Allow" }
        if spec.suspend == nil { spec.suspend = false }
        if spec.successfulJobsHistoryLimit == nil { spec.successfulJobsHistoryLimit = 3 }
        if spec.failedJobsHistoryLimit == nil { spec.failedJobsHistoryLimit = 1 }
        spec.jobTemplate.spec.template.setDefaults()
    }
}
