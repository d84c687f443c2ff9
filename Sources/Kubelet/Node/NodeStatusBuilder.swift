package import API
package import APIMachinery
import Codec

/// What a node says of itself, from the facts of machine and runtime. Pure.
package struct NodeStatusBuilder: Sendable {
    package struct Identity: Sendable {
        package var name: String
        /// The addresses by which others reach the node; the first is the one that pods on the host network show.
        package var addresses: [String]
        /// The kubelet's own HTTPS port.
        package var port: Int
        package var kubeletVersion: String
        package var labels: [String: String]
        package var podLimit: Int
        /// The ranges of its pods' addresses, where they are this kubelet's to say; else empty.
        package var podCIDRs: [String]

        package init(
            name: String, addresses: [String], port: Int, kubeletVersion: String, labels: [String: String],
            podLimit: Int = 110, podCIDRs: [String] = []
        ) {
            self.name = name
            self.addresses = addresses
            self.port = port
            self.kubeletVersion = kubeletVersion
            self.labels = labels
            self.podLimit = podLimit
            self.podCIDRs = podCIDRs
        }
    }

    /// Below this much free memory the node says MemoryPressure (upstream's default eviction threshold).
    private static let memoryFloor: Int = 100 * 1024 * 1024
    /// At most so many images are listed (upstream).
    private static let imageLimit: Int = 50

    private let identity: Identity

    package init(_ identity: Identity) {
        self.identity = identity
    }

    /// The node as it registers: labels that everyone expects, its pods' addresses, and the rest of the spec left to
    /// others.
    package func node(_ machine: MachineFacts, _ runtime: RuntimeFacts, now: Time) -> Node {
        Node.with { node in
            node.metadata.name = identity.name
            for (key, value) in labels(machine) { node.metadata.labels[key] = value }
            fillRanges(of: &node)
            node.status = status(NodeStatus(), machine, runtime, now: now)
        }
    }

    package func fillRanges(of node: inout Node) {
        node.spec.podCIDR = identity.podCIDRs.first ?? ""
        node.spec.podCIDRs = identity.podCIDRs
    }

    package func labels(_ machine: MachineFacts) -> [String: String] {
        var labels: [String: String] = identity.labels
        labels["kubernetes.io/hostname"] = identity.name
        labels["kubernetes.io/os"] = "linux"
        labels["kubernetes.io/arch"] = machine.architecture
        labels["beta.kubernetes.io/os"] = "linux"
        labels["beta.kubernetes.io/arch"] = machine.architecture
        return labels
    }

    /// The status to report now; times of conditions move as upstream moves them.
    package func status(_ before: NodeStatus, _ machine: MachineFacts, _ runtime: RuntimeFacts, now: Time)
        -> NodeStatus
    {
        var status: NodeStatus = before
        status.capacity = capacity(machine)
        status.allocatable = status.capacity
        status.addresses =
            identity.addresses.map { address in
                NodeAddress.with {
                    $0.type = "InternalIP"
                    $0.address = address
                }
            } + [
                NodeAddress.with {
                    $0.type = "Hostname"
                    $0.address = identity.name
                }
            ]
        status.daemonEndpoints.kubeletEndpoint.Port = identity.port
        status.nodeInfo = info(machine, runtime)
        status.images = runtime.images.prefix(Self.imageLimit).map { image in
            ContainerImage.with {
                $0.names = image.names
                $0.sizeBytes = image.bytes
            }
        }
        let found: [NodeCondition] = conditions(machine, runtime, now: now)
        let foreign: [NodeCondition] = before.conditions.filter { known in !found.contains { $0.type == known.type } }
        status.conditions =
            foreign
            + found.map { condition in
                var condition: NodeCondition = condition
                let known: NodeCondition? = before.conditions.first { $0.type == condition.type }
                condition.lastTransitionTime =
                    known?.status == condition.status ? known?.lastTransitionTime ?? now : now
                return condition
            }
        return status
    }

    private func capacity(_ machine: MachineFacts) -> StringMap<Quantity> {
        [
            "cpu": Quantity(machine.processors),
            "memory": Quantity(machine.memoryBytes / 1024 * 1024, format: .binarySI),
            "ephemeral-storage": Quantity(machine.storageBytes / 1024 * 1024, format: .binarySI),
            "hugepages-1Gi": Quantity(0), "hugepages-2Mi": Quantity(0),
            "pods": Quantity(identity.podLimit),
        ]
    }

    private func info(_ machine: MachineFacts, _ runtime: RuntimeFacts) -> NodeSystemInfo {
        NodeSystemInfo.with { info in
            info.machineID = machine.machineID
            info.systemUUID = machine.systemUUID
            info.bootID = machine.bootID
            info.kernelVersion = machine.kernelVersion
            info.osImage = machine.osImage
            info.containerRuntimeVersion = runtime.version
            info.kubeletVersion = identity.kubeletVersion
            info.kubeProxyVersion = ""
            info.operatingSystem = "linux"
            info.architecture = machine.architecture
        }
    }

    private func conditions(_ machine: MachineFacts, _ runtime: RuntimeFacts, now: Time) -> [NodeCondition] {
        let isMemoryShort: Bool = machine.memoryBytes > 0 && machine.memoryFreeBytes < Self.memoryFloor
        // Upstream's default: less than a tenth of the file system free.
        let isDiskShort: Bool = machine.storageBytes > 0 && machine.storageFreeBytes < machine.storageBytes / 10
        return [
            Self.condition(
                "MemoryPressure", isMemoryShort,
                isMemoryShort ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
                isMemoryShort
                    ? "kubelet has insufficient memory available" : "kubelet has sufficient memory available", now),
            Self.condition(
                "DiskPressure", isDiskShort, isDiskShort ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
                isDiskShort ? "kubelet has disk pressure" : "kubelet has no disk pressure", now),
            Self.condition(
                "PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available", now),
            Self.condition(
                "Ready", runtime.problem == nil, runtime.problem == nil ? "KubeletReady" : "KubeletNotReady",
                runtime.problem ?? "kubelet is posting ready status", now),
        ]
    }

    private static func condition(
        _ type: String, _ isTrue: Bool, _ reason: String, _ message: String, _ now: Time
    ) -> NodeCondition {
        NodeCondition.with { condition in
            condition.type = type
            condition.status = isTrue ? "True" : "False"
            condition.reason = reason
            condition.message = message
            condition.lastHeartbeatTime = now
        }
    }
}
