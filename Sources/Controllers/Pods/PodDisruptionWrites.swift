import API
import APIMachinery
import Client
import Codec

extension Write {
    /// Notes on a pod why it is about to be deleted by the cluster itself (the condition `DisruptionTarget`).
    static func disruptionTarget(_ pod: Pod, reason: String, message: String, phase: String? = nil, now: Time) -> Write
    {
        let condition: JSONValue = [
            "type": "DisruptionTarget", "status": "True", "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": .string(now.description),
        ]
        var status: JSONObject = ["conditions": [condition]]
        if let phase { status["phase"] = .string(phase) }
        return patchStatus(pod, status)
    }

    /// Marks a pod as failed, of which nobody will hear again.
    static func failed(_ pod: Pod) -> Write { patchStatus(pod, ["phase": "Failed"]) }

    private static func patchStatus(_ pod: Pod, _ status: JSONObject) -> Write {
        let body: JSONValue = ["metadata": ["uid": .string(pod.metadata.uid)], "status": .object(status)]
        var writer = JSONWriter()
        body.write(json: &writer)
        return Write.patch(pod, .strategic, writer.finish(), subresource: "status").ignoring(.notFound)
    }
}
