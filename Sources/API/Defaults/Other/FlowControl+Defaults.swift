package import APIFlowControl
import APIMachinery

extension FlowSchema {
    package mutating func setDefaults() {
        if spec.matchingPrecedence == 0 { spec.matchingPrecedence = 1_000 }
    }
}

extension PriorityLevelConfiguration {
    package mutating func setDefaults() {
        if spec.exempt != nil {
            if spec.exempt?.nominalConcurrencyShares == nil { spec.exempt?.nominalConcurrencyShares = 0 }
            if spec.exempt?.lendablePercent == nil { spec.exempt?.lendablePercent = 0 }
        }
        guard spec.limited != nil else { return }
        if spec.limited?.nominalConcurrencyShares == nil { spec.limited?.nominalConcurrencyShares = 30 }
        if spec.limited?.lendablePercent == nil { spec.limited?.lendablePercent = 0 }
        spec.limited?.limitResponse.queuing?.setDefaults()
    }
}

extension QueuingConfiguration {
    fileprivate mutating func setDefaults() {
        if queues == 0 { queues = 64 }
        if handSize == 0 { handSize = 8 }
        if queueLengthLimit == 0 { queueLengthLimit = 50 }
    }
}
