package import API
package import APIMachinery

/// What a pod's machine is told: by the API server, the runtime, probes, timers, and by its own finished work.
package enum PodEvent: Sendable {
    /// The pod as the API server has it now (spec, metadata, deletion).
    case seen(Pod)
    /// The pod is gone from the API server without having been terminated here.
    case removed
    /// What the runtime has of this pod: at start, after a relist, or after an exit was noticed.
    case observed(RuntimeView)
    case prepared
    case prepareFailed(reason: String, message: String)
    case sandboxReady(id: String, addresses: [String])
    case sandboxFailed(message: String)
    case sandboxStopped
    case imageReady(container: String, reference: String)
    case imageFailed(container: String, reason: String, message: String)
    case started(container: String, instance: ContainerInstance)
    case launchFailed(container: String, reason: String, message: String)
    /// nil: the hook succeeded.
    case postStartDone(container: String, failure: String?)
    /// A kill was carried out (the exit itself comes through `observed`), or could not be.
    case killed(container: String)
    case probed(container: String, kind: ProbeKind, outcome: ProbeOutcome)
    case resizeGranted(ContainerAmounts)
    case resizeRefused(reason: String, message: String, isForGood: Bool)
    /// These containers have what they were granted; failure: why not all is in step.
    case resized([String], failure: String?)
    case cleaned
    case cleanFailed(message: String)
    /// Somebody else decides that the pod must end: eviction, node shutdown, a rejected admission.
    case evicted(reason: String, message: String)
    case timer
}

package enum ProbeKind: String, Sendable, CaseIterable {
    case startup = "Startup"
    case readiness = "Readiness"
    case liveness = "Liveness"
}

package enum ProbeOutcome: Sendable, Equatable {
    /// The threshold of successes is reached.
    case success
    /// The threshold of failures is reached.
    case failure(message: String)
}

/// One run of one container, as the runtime tells it.
package struct ContainerInstance: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case created
        case running(since: Time)
        case exited(ContainerExit)
        /// The runtime has lost it.
        case unknown

        package var exit: ContainerExit? {
            if case .exited(let exit) = self { return exit }
            return nil
        }
    }

    package var id: String
    /// Counts the restarts of this container, from 0.
    package var attempt: Int
    package var state: State
    /// The reference that the runtime resolved the image to.
    package var imageID: String
    /// The image as the pod named it when this instance was made.
    package var image: String
    /// The sandbox that it runs in; empty where nobody asked.
    package var sandbox: String = ""
    /// What was noted on it when it was made: see `PodAction.launch`.
    package var backoffSeconds: Int?
    /// When this was seen.
    package var order = ObservationOrder(0)

    package init(id: String, attempt: Int, state: State, imageID: String, image: String) {
        self.id = id
        self.attempt = attempt
        self.state = state
        self.imageID = imageID
        self.image = image
    }

    package var isRunning: Bool {
        if case .running = state { return true }
        return false
    }

    package var startedAt: Time? {
        switch state {
        case .running(let since): since
        case .exited(let exit): exit.startedAt
        case .created, .unknown: nil
        }
    }
}

/// Which of two observations is the newer one: asking takes time, and what was asked for first may arrive last.
/// No part of what was observed: all are equal.
package struct ObservationOrder: Sendable, Equatable {
    package var number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package static func == (one: ObservationOrder, other: ObservationOrder) -> Bool { true }
}

package struct ContainerExit: Sendable, Equatable {
    package var code: Int
    package var reason: String
    package var message: String
    package var startedAt: Time?
    package var finishedAt: Time?

    package init(code: Int, reason: String, message: String = "", startedAt: Time? = nil, finishedAt: Time? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}

/// What the runtime has of one pod at one moment.
package struct RuntimeView: Sendable, Equatable {
    package struct Sandbox: Sendable, Equatable {
        package var id: String
        package var attempt: Int
        package var isReady: Bool
        package var addresses: [String]

        package init(id: String, attempt: Int, isReady: Bool, addresses: [String]) {
            self.id = id
            self.attempt = attempt
            self.isReady = isReady
            self.addresses = addresses
        }
    }

    /// Newest first.
    package var sandboxes: [Sandbox]
    /// By container name, newest first; only those of the newest sandbox count as current.
    package var containers: [String: [ContainerInstance]]
    /// When the runtime was asked for it.
    package var order = ObservationOrder(.max)

    package init(sandboxes: [Sandbox] = [], containers: [String: [ContainerInstance]] = [:]) {
        self.sandboxes = sandboxes
        self.containers = containers
    }
}
