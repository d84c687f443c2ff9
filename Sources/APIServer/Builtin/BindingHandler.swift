import APICore
package import APIMachinery
import Codec

/// `pods/binding`: gives a pod its node.
package struct BindingHandler: SubresourceHandler {
    package init() {}

    package var resource: GroupVersionResource { GroupVersionResource(group: "", version: "v1", resource: "pods") }
    package var subresource: String { "binding" }

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        guard call.request.verb == .create else {
            throw .methodNotSupported(call.info.gvr, call.request.verb.rawValue)
        }
        let (binding, warnings): (Binding, [String]) = try call.decodeBody(Binding.self)
        var response: APIResponse = try await Self.bind(binding, name: call.request.name, call)
        response.warnings = warnings
        return response
    }

    static func bind(_ binding: Binding, name: String, _ call: SubresourceCall) async throws(StatusError) -> APIResponse
    {
        let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
        guard let resource = call.server.registry.resource(pods) else { throw APIServerCore.noSuchPath }
        try validate(binding, name: name)
        var write = WriteCall(
            context: call.context, services: call.server.services,
            options: try WriteOptions(query: call.request.query, for: .create))
        write.context.name = name
        write.context.dryRun = write.options.isDryRun
        let now: Time = call.context.now
        _ = try await resource.modify(Pod.self, write) { (pod: inout Pod) throws(StatusError) -> Void in
            try assign(&pod, binding, now: now, pods)
        }
        return call.success()
    }

    private static func validate(_ binding: Binding, name: String) throws(StatusError) {
        var errors = FieldErrors()
        let path = FieldPath("target")
        if !binding.metadata.name.isEmpty, binding.metadata.name != name {
            throw .badRequest("name in URL does not match name in Binding object")
        }
        if !binding.target.kind.isEmpty, binding.target.kind != "Node" {
            errors.append(.notSupported(path.child("kind"), binding.target.kind, ["Node", "<empty>"]))
        }
        if binding.target.name.isEmpty { errors.append(.required(path.child("name"))) }
        guard errors.isEmpty else { throw .invalid(Binding.gvk, name, errors) }
    }

    private static func assign(_ pod: inout Pod, _ binding: Binding, now: Time, _ pods: GroupVersionResource)
        throws(StatusError)
    {
        let name: String = pod.metadata.name
        var resource: GroupVersionResource = pods
        resource.resource = "pods/binding"
        if !binding.metadata.uid.isEmpty, binding.metadata.uid != pod.metadata.uid {
            throw .conflict(
                resource, name,
                "Precondition failed: UID in precondition: \(binding.metadata.uid), UID in object meta: "
                    + pod.metadata.uid)
        }
        guard pod.metadata.deletionTimestamp == nil else {
            throw .conflict(resource, name, "pod \(name) is being deleted, cannot be assigned to a host")
        }
        guard pod.spec.nodeName.isEmpty else {
            throw .conflict(resource, name, "pod \(name) is already assigned to node \"\(pod.spec.nodeName)\"")
        }
        pod.spec.nodeName = binding.target.name
        pod.metadata.annotations.merge(binding.metadata.annotations)
        let scheduled = PodCondition.with { condition in
            condition.type = "PodScheduled"
            condition.status = "True"
            condition.lastTransitionTime = now
        }
        if let index = pod.status.conditions.firstIndex(where: { $0.type == "PodScheduled" }) {
            pod.status.conditions[index] = scheduled
        } else {
            pod.status.conditions.append(scheduled)
        }
    }
}

/// `POST bindings`: the same without the pod's name in the URL.
package struct BindingResource: VirtualResource {
    package init() {}

    package let info = ResourceInfo(
        Binding.gvk, resource: "bindings", namespaced: true, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        let (binding, warnings): (Binding, [String]) = try call.decodeBody(Binding.self)
        guard !binding.metadata.name.isEmpty else { throw .badRequest("the binding names no pod") }
        var response: APIResponse = try await BindingHandler.bind(binding, name: binding.metadata.name, call)
        response.warnings = warnings
        return response
    }
}
