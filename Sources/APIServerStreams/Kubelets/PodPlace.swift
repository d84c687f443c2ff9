import APICore
import APIMachinery
import APIServer
import APIServerHTTP
import HTTPServer
import Streams

/// Which pod, container and kubelet a call is about; upstream's rules and words.
enum PodPlace {
    static func pod(_ call: ConnectCall) throws(StatusError) -> Pod {
        let request: APIRequest = call.request
        guard let pod = call.server.services.caches.get(Pod.self, namespace: request.namespace, name: request.name)
        else { throw .notFound(request.resource, request.name) }
        return pod
    }

    /// The container that is meant: the only one if none is named.
    static func container(_ name: String, of pod: Pod) throws(StatusError) -> String {
        let podName: String = pod.metadata.name
        let spec: PodSpec = pod.spec
        if !name.isEmpty {
            let isThere: Bool =
                spec.containers.contains { $0.name == name } || spec.initContainers.contains { $0.name == name }
                || spec.ephemeralContainers.contains { $0.name == name }
            guard isThere else { throw .badRequest("container \(name) is not valid for pod \(podName)") }
            return name
        }
        let names: [String] = spec.containers.map { $0.name }
        if names.count == 1 { return names[0] }
        var text: String = "a container name must be specified for pod \(podName)"
        if !names.isEmpty { text += ", choose one of: [\(names.joined(separator: " "))]" }
        let initNames: [String] = spec.initContainers.map { $0.name }
        if !names.isEmpty, !initNames.isEmpty {
            text += " or one of the init containers: [\(initNames.joined(separator: " "))]"
        }
        throw .badRequest(text)
    }

    static func kubelet(of pod: Pod, _ call: ConnectCall, _ connector: KubeletConnector) throws(StatusError)
        -> KubeletPlace
    {
        let name: String = pod.spec.nodeName
        guard !name.isEmpty else { throw .badRequest("pod \(pod.metadata.name) does not have a host assigned") }
        guard let node = call.server.services.caches.get(Node.self, namespace: "", name: name) else {
            throw .notFound(GroupVersionResource(group: "", version: "v1", resource: "nodes"), name)
        }
        return try connector.place(of: node)
    }

    /// `/exec/default/web-0/nginx`
    static func path(_ parts: [String]) -> String {
        parts.map { "/" + PercentCoding.encode($0) }.joined()
    }
}

extension ConnectCall {
    var query: QueryString { QueryString(request.query.map { QueryString.Pair($0.name, $0.value) }) }

    var answerFields: HTTPFields {
        HTTPFields([("audit-id", context.id), ("cache-control", "no-cache, private")])
    }

    func fail(_ error: StatusError, _ responder: HTTPResponder) {
        var fields: HTTPFields = answerFields
        fields.append("content-type", "application/json")
        responder.respond(status: error.code == 0 ? 500 : error.code, fields: fields, body: error.body + [0x0A])
    }
}
