import API
import APIMachinery
import Codec
import Scheduler

func quantity(_ text: String) -> Quantity {
    do {
        return try Quantity(text)
    } catch {
        preconditionFailure("a fixture's quantity is wrong: \(text)")
    }
}

func node(_ name: String, cpu: String = "4", memory: String = "8Gi", pods: String = "110") -> Node {
    Node.with { node in
        node.metadata.name = name
        node.status.allocatable = ["cpu": quantity(cpu), "memory": quantity(memory), "pods": quantity(pods)]
    }
}

func pod(_ name: String, cpu: String? = nil, memory: String? = nil, priority: Int? = nil) -> Pod {
    Pod.with { pod in
        pod.metadata.name = name
        pod.metadata.namespace = "default"
        pod.metadata.uid = "uid-\(name)"
        pod.spec.priority = priority
        pod.spec.schedulerName = "default-scheduler"
        pod.spec.containers = [
            Container.with { container in
                container.name = "c"
                container.image = "busybox"
                if let cpu { container.resources.requests["cpu"] = quantity(cpu) }
                if let memory { container.resources.requests["memory"] = quantity(memory) }
            }
        ]
    }
}

extension SchedulerCore {
    /// Decides for everything that is due: pod name → node name, and the messages of those that found none.
    mutating func drain(now: Int64) -> (bound: [String: String], failed: [String: String]) {
        var bound: [String: String] = [:]
        var failed: [String: String] = [:]
        while let action = next(now: now) {
            switch action {
            case .bind(let pod, let node, _, _, _, _):
                bound[pod.metadata.name] = node
                receive(.bound(uid: pod.metadata.uid), now: now)
            case .unschedulable(let pod, let error): failed[pod.metadata.name] = error.message
            }
        }
        return (bound, failed)
    }
}
