package import APIMachinery
import Codec
package import Flow

/// Hands out the steps that this process remembers: `GET /flow/steps`, a JSON list, oldest first.
package struct FlowHandler: NonResourceHandler {
    private let recorder: FlowRecorder

    package init(_ recorder: FlowRecorder) {
        self.recorder = recorder
    }

    package var paths: [String] { ["/flow/steps"] }

    package func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        var writer = JSONWriter(capacity: 64 * 1024)
        writer.beginArray()
        for step in recorder.steps() {
            writer.element()
            step.write(json: &writer)
        }
        writer.endArray()
        return NonResourceResponse(body: writer.finish())
    }
}
