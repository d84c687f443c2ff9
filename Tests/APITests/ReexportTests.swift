import API
import Testing

struct ReexportTests {
    @Test func `importing API alone is enough to use every group`() {
        let pod = Pod.with { pod in
            pod.metadata.name = "web-0"
            pod.metadata.labels["app"] = "web"
            pod.spec.containers.append(Container.with { $0.name = "web" })
        }
        #expect(pod.spec.containers[0].name == "web")
        #expect(Deployment.gvk.apiVersion == "apps/v1")
        #expect(APICore.Event.gvk.group != APIEvents.Event.gvk.group)
        #expect(String(decoding: pod.metadata.labels.jsonBytes, as: UTF8.self) == #"{"app":"web"}"#)
    }
}
