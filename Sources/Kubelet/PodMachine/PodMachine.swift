package import API
package import APIMachinery

/// One pod on this node as a state machine: told what happened, it says what to do next.
///
/// Each event is first written down (`apply`), then the difference between what the pod should be and what it is gives
/// the next actions (`plan`). So the machine needs no memory of how it got somewhere: after a restart of the kubelet,
/// one `observed` event puts it back where it was.
///
///     waiting for volumes ─► sandbox ─► init containers, one by one ─► containers ─► (restarts …)
///            │                                                             │
///            └──────────── deletion, eviction, deadline ───────────────────┴─► killing ─► sandbox down ─► cleaned ─► finished
package struct PodMachine: Sendable {
    package enum Preparation: Sendable, Equatable {
        case needed(after: Time?)
        case running
        case done
    }

    package enum SandboxState: Sendable, Equatable {
        case none
        case creating
        case failed(retryAt: Time)
        case ready(RuntimeView.Sandbox)
        /// It died, or the pod ends: to be stopped.
        case dead(id: String, attempt: Int)
        case stopping(id: String, attempt: Int)
        case stopped(attempt: Int)
    }

    /// Why the pod must end, however its containers do.
    package struct Ending: Sendable, Equatable {
        package enum Cause: Sendable, Equatable { case deleted, deadline, evicted }

        package var cause: Cause
        package var reason: String
        package var message: String
        package var graceSeconds: Int
        package var since: Time
    }

    package enum Cleaning: Sendable, Equatable {
        case notYet
        case running
        case failed(retryAt: Time)
        case done
    }

    package internal(set) var pod: Pod
    package internal(set) var preparation: Preparation = .needed(after: nil)
    package internal(set) var sandbox: SandboxState = .none
    /// Attempts of sandboxes so far, so that each gets a new number.
    package internal(set) var sandboxAttempts: Int = 0
    /// In the order of the spec: init containers, containers, ephemeral containers.
    package internal(set) var containers: [ContainerRecord] = []
    package internal(set) var ending: Ending?
    package internal(set) var cleaning: Cleaning = .notYet
    package internal(set) var startTime: Time?
    /// False until the runtime was asked once what it has of this pod.
    package internal(set) var isObserved: Bool = false
    package internal(set) var isFinished: Bool = false
    /// All init containers have completed in the present sandbox.
    package internal(set) var isInitialized: Bool = false
    /// A failed pod stays failed: the terminal phase once reported.
    package internal(set) var terminalPhase: String?
    /// Where a change of CPU and memory stands.
    package internal(set) var resize = Resize()
    var addresses: [String] = []
    var reported: PodStatus?
    var queued: [PodAction] = []
    let node: NodeFacts

    /// What a pod's status tells of its node.
    package struct NodeFacts: Sendable, Equatable {
        package var addresses: [String]

        package init(addresses: [String]) {
            self.addresses = addresses
        }
    }

    package init(_ pod: Pod, node: NodeFacts) {
        self.pod = pod
        self.node = node
        startTime = pod.status.startTime
        // A pod that has ended keeps the addresses that it had.
        addresses = pod.status.podIPs.map(\.ip)
        if pod.status.phase == "Succeeded" || pod.status.phase == "Failed" { terminalPhase = pod.status.phase }
        syncRecords()
        grantNew()
        // An earlier life may have left the cgroups between what was reported and what the spec wants.
        let wanted: PodCgroupLimits = ResourceTranslation.pod(pod)
        let granted: PodCgroupLimits = ResourceTranslation.pod(grantedPod)
        if wanted != granted { resize.ceiling = granted.raised(to: wanted) }
    }

    /// Takes in one event and says what to do. Deterministic: all time comes from `now`.
    package mutating func receive(_ event: PodEvent, now: Time) -> [PodAction] {
        guard !isFinished else { return [] }
        queued = []
        apply(event, now: now)
        plan(now: now)
        reportIfChanged(now: now)
        let actions: [PodAction] = queued
        queued = []
        return actions
    }

    func index(of container: String) -> Int? {
        containers.firstIndex { $0.name == container }
    }

    /// The spec's containers changed (only images and ephemeral containers can): keeps the records in step.
    mutating func syncRecords() {
        let known: [String: ContainerRecord] = Dictionary(
            containers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        func record(_ name: String, _ role: ContainerRecord.Role) -> ContainerRecord {
            known[name] ?? ContainerRecord(name: name, role: role)
        }
        containers =
            pod.spec.initContainers.map { record($0.name, $0.restartPolicy == "Always" ? .sidecar : .initial) }
            + pod.spec.containers.map { record($0.name, .main) }
            + pod.spec.ephemeralContainers.map { record($0.name, .ephemeral) }
    }

    /// The spec of a container, wherever in the pod it stands; ephemeral ones in the common shape.
    package static func spec(of name: String, in pod: Pod) -> Container? {
        if let found = pod.spec.containers.first(where: { $0.name == name }) { return found }
        if let found = pod.spec.initContainers.first(where: { $0.name == name }) { return found }
        guard let ephemeral = pod.spec.ephemeralContainers.first(where: { $0.name == name }) else { return nil }
        return Container(ephemeral)
    }
}

extension Container {
    /// An ephemeral container as the runtime sees it: without ports, probes, hooks and resources, which it cannot have.
    package init(_ ephemeral: EphemeralContainer) {
        self.init()
        name = ephemeral.name
        image = ephemeral.image
        command = ephemeral.command
        args = ephemeral.args
        workingDir = ephemeral.workingDir
        envFrom = ephemeral.envFrom
        env = ephemeral.env
        volumeMounts = ephemeral.volumeMounts
        volumeDevices = ephemeral.volumeDevices
        terminationMessagePath = ephemeral.terminationMessagePath
        terminationMessagePolicy = ephemeral.terminationMessagePolicy
        imagePullPolicy = ephemeral.imagePullPolicy
        securityContext = ephemeral.securityContext
        stdin = ephemeral.stdin
        stdinOnce = ephemeral.stdinOnce
        tty = ephemeral.tty
    }
}
