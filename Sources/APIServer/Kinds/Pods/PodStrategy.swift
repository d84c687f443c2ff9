package import APIApply
package import APICore
import APIDefaults
package import APIMachinery
import APIRules
import APIValidation
import Codec

/// Pods: the status belongs to the kubelet, deletion waits for it, and most of the spec never changes.
package struct PodStrategy: KindStrategy {
    package let info = ResourceInfo(
        Pod.gvk, resource: "pods", shortNames: ["po"], categories: ["all"], namespaced: true,
        subresources: PodStrategy.subresources)

    package init() {}

    package var parts: ObjectParts<Pod> { ObjectParts(spec: \Pod.spec, status: \Pod.status) }
    package func setDefaults(_ pod: inout Pod) { pod.setDefaults() }

    private static let subresources: [ResourceInfo.Subresource] = {
        func of(_ name: String, _ kind: String, _ verbs: [String]) -> ResourceInfo.Subresource {
            ResourceInfo.Subresource(
                name, gvk: GroupVersionKind(group: "", version: "v1", kind: kind), verbs: verbs)
        }
        let eviction = GroupVersionKind(group: "policy", version: "v1", kind: "Eviction")
        let view: [String] = ["get", "patch", "update"]
        return [
            of("attach", "PodAttachOptions", ["create", "get"]),
            of("binding", "Binding", ["create"]),
            of("ephemeralcontainers", "Pod", view),
            ResourceInfo.Subresource("eviction", gvk: eviction, verbs: ["create"]),
            of("exec", "PodExecOptions", ["create", "get"]),
            of("log", "Pod", ["get"]),
            of("portforward", "PodPortForwardOptions", ["create", "get"]),
            of("proxy", "PodProxyOptions", ["create", "delete", "get", "patch", "update"]),
            of("resize", "Pod", view),
            of("status", "Pod", view),
        ]
    }()

    // MARK: - Writing

    package func prepareForCreate(_ pod: inout Pod, context: RequestContext) {
        pod.metadata.generation = 1
        pod.status = PodStatus()
        pod.status.phase = "Pending"
        pod.status.qosClass = pod.qosClass
        if !pod.spec.schedulingGates.isEmpty {
            pod.status.conditions.append(PodStrategy.gated(at: context.now))
        }
        pod.spec.resolveMatchLabelKeys(labels: pod.metadata.labels)
    }

    private static func gated(at now: Time) -> PodCondition {
        PodCondition.with { condition in
            condition.type = "PodScheduled"
            condition.status = "False"
            condition.reason = "SchedulingGated"
            condition.message = "Scheduling is blocked due to non-empty scheduling gates"
            condition.lastTransitionTime = now
        }
    }

    package func validateCreate(_ pod: Pod, context: RequestContext) -> FieldErrors { pod.validate() }

    package func validateUpdate(_ pod: Pod, old: Pod, context: RequestContext) -> FieldErrors {
        pod.validateUpdate(of: old)
    }

    package func prepareForStatusUpdate(_ pod: inout Pod, old: Pod, context: RequestContext) {
        pod.spec = old.spec
        pod.metadata.ownerReferences = old.metadata.ownerReferences
        pod.metadata.generation = old.metadata.generation
        // Older kubelets do not send it.
        if pod.status.qosClass.isEmpty { pod.status.qosClass = old.status.qosClass }
    }

    package func validateStatusUpdate(_ pod: Pod, old: Pod, context: RequestContext) -> FieldErrors {
        pod.validateStatusUpdate(of: old)
    }

    package func prepareForUpdate(_ pod: inout Pod, old: Pod, subresource: String, context: RequestContext) {
        let new: Pod = pod
        pod = old
        pod.metadata.resourceVersion = new.metadata.resourceVersion
        switch subresource {
        case "ephemeralcontainers":
            pod.spec.ephemeralContainers = new.spec.ephemeralContainers
        case "resize":
            pod.spec.takeResources(of: new.spec)
            pod.spec.fillResizedRequests()
        default:
            break
        }
        if pod.spec != old.spec { pod.metadata.generation += 1 }
    }

    package func validateUpdate(_ pod: Pod, old: Pod, subresource: String, context: RequestContext) -> FieldErrors {
        switch subresource {
        case "ephemeralcontainers": return pod.validateEphemeralContainersUpdate(of: old)
        case "resize":
            var errors: FieldErrors = pod.validateResize(of: old)
            if pod.qosClass != old.qosClass {
                let text: String = "Pod QOS Class may not change as a result of resizing"
                errors.append(.invalid(FieldPath("spec"), pod.status.qosClass, text))
            }
            return errors
        default: return []
        }
    }

    package func resetFields(subresource: String) -> ResetFields {
        switch subresource {
        case "": return ResetFields(excluding: [[.field("status")]])
        case "status":
            return ResetFields(excluding: [
                [.field("spec")], [.field("metadata"), .field("deletionTimestamp")],
                [.field("metadata"), .field("ownerReferences")],
            ])
        case "ephemeralcontainers":
            return ResetFields(includingOnly: [[.field("spec"), .field("ephemeralContainers")]])
        case "resize":
            var paths: [[PathElement?]] = []
            for list in ["containers", "initContainers"] {
                for member in ["resources", "resizePolicy"] {
                    paths.append([.field("spec"), .field(list), nil, .field(member)])
                }
            }
            return ResetFields(includingOnly: paths)
        default: return .none
        }
    }

    package func warnings(_ pod: Pod, old: Pod?, context: RequestContext) -> [String] {
        guard old == nil else { return [] }
        return NameWarnings.pod(pod.metadata.name) + pod.warnings
    }

    // MARK: - Deleting

    package var returnsDeletedObject: Bool { true }

    package func gracefulDeletion(_ pod: Pod, options: DeletionRequest) -> GracefulDeletion {
        var seconds: Int = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0
        if pod.spec.nodeName.isEmpty { seconds = 0 }
        if pod.status.phase == "Failed" || pod.status.phase == "Succeeded" { seconds = 0 }
        if seconds < 0 { seconds = 1 }
        return seconds == 0 ? .immediate : .graceful(seconds: seconds)
    }

    // MARK: - Reading

    package var selectableFields: [String] {
        [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        ]
    }

    package func selectableValues(_ pod: Pod) -> [String] {
        [
            pod.spec.nodeName, pod.spec.restartPolicy, pod.spec.schedulerName, pod.spec.serviceAccountName,
            String(pod.spec.hostNetwork), pod.status.phase, pod.podIP, pod.podIP, pod.status.nominatedNodeName,
        ]
    }

    package var table: TableDefinition<Pod> { PodTable.definition }
}

extension Pod {
    fileprivate var podIP: String { status.podIPs.first?.ip ?? status.podIP }
}
