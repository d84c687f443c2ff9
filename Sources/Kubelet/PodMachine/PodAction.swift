package import API
package import APIMachinery

/// What a pod's machine wants done. Each is carried out once, elsewhere; its result comes back as a `PodEvent`.
package enum PodAction: Sendable {
    /// Directories, cgroup, volumes, pull secrets. `ceiling` is what the cgroup must have at least while a resize is
    /// under way. → `prepared`, `prepareFailed`
    case prepare(Pod, ceiling: PodCgroupLimits? = nil)
    /// → `sandboxReady`, `sandboxFailed`
    case createSandbox(Pod, attempt: Int)
    /// Has the image there by the container's pull policy. → `imageReady`, `imageFailed`
    case ensureImage(Pod, container: String)
    /// Creates and starts. `backoffSeconds`, how long to wait should it fail, is noted on the container: a later life of
    /// the kubelet goes on from there. → `started`, `launchFailed`
    case launch(
        Pod, container: String, attempt: Int, sandbox: String, imageReference: String, backoffSeconds: Int)
    /// → `postStartDone`
    case runPostStart(Pod, container: String, id: String)
    /// Runs the preStop hook within the grace period, then stops. → `killed`, and the exit through `observed`
    case kill(Pod, container: String, id: String, graceSeconds: Int, message: String)
    /// Asks whether the node has room for what the spec asks for. → `resizeGranted`, `resizeRefused`
    case admitResize(Pod)
    /// Brings cgroups in line with the pod's resources, without passing the ceiling. → `resized`
    case resize(Pod, ceiling: PodCgroupLimits, containers: [(name: String, id: String)])
    case startProbes(Pod, container: String, id: String)
    case stopProbes(container: String)
    /// → `sandboxStopped`
    case stopSandbox(id: String)
    /// Removes containers and sandboxes, unmounts volumes, removes directories and the cgroup. → `cleaned`,
    /// `cleanFailed`
    case cleanUp(Pod)
    /// Takes old instances of a container out of the runtime, keeping `keep`.
    case removeInstances(ids: [String])
    case report(PodStatus)
    case event(type: EventType, reason: String, message: String, container: String?)
    /// Send `timer` at this time, unless an earlier one is set.
    case wake(at: Time)
    /// Nothing is left of the pod on this node; a deleted pod may leave the API server now.
    case finished(Pod)
}

package enum EventType: String, Sendable {
    case normal = "Normal"
    case warning = "Warning"
}
