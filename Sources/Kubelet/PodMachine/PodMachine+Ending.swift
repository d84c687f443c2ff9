import API
import APIMachinery

/// The way down: containers, then sidecars in reverse order, then the sandbox, then everything else.
extension PodMachine {
    /// `Succeeded` or `Failed` once nothing of the pod will run again; nil before.
    var completedPhase: String? {
        let failedInit: Bool = containers.contains { record in
            record.role == .initial && !record.mustRerun && (record.exit.map { $0.code != 0 } ?? false)
                && !restarts(record)
        }
        if failedInit { return "Failed" }
        let main: [ContainerRecord] = containers.filter { $0.role == .main }
        guard isInitialized, !main.isEmpty,
            main.allSatisfy({ $0.exit != nil && !restarts($0) && $0.operation == .none })
        else { return nil }
        return main.allSatisfy { $0.exit?.code == 0 } ? "Succeeded" : "Failed"
    }

    mutating func planEnding(now: Time) {
        guard killContainers(now: now) else { return }
        switch sandbox {
        case .creating, .stopping: return
        case .ready(let ready):
            sandbox = .stopping(id: ready.id, attempt: ready.attempt)
            queued.append(.stopSandbox(id: ready.id))
            return
        case .dead(let id, let attempt):
            sandbox = .stopping(id: id, attempt: attempt)
            queued.append(.stopSandbox(id: id))
            return
        case .none, .failed, .stopped: break
        }
        if preparation == .running { return }
        if let ending, terminalPhase == nil { terminalPhase = phaseAtEnd(ending) }
        // A pod that completed or failed stays, with its logs, until it is deleted.
        if ending?.cause == .deleted { planCleaning(now: now) }
    }

    /// A deleted pod that ran to its end well has succeeded, as upstream reports it; every other end is a failure.
    private func phaseAtEnd(_ ending: Ending) -> String {
        guard ending.cause == .deleted else { return "Failed" }
        let main: [ContainerRecord] = containers.filter { $0.role == .main }
        let ranWell: Bool = !main.isEmpty && main.allSatisfy { $0.exit?.code == 0 }
        return ranWell ? "Succeeded" : "Failed"
    }

    /// true when nothing runs any more and nothing is in flight.
    private mutating func killContainers(now: Time) -> Bool {
        let isMainRunning: Bool = containers.contains { $0.role != .sidecar && $0.isRunning }
        var isQuiet: Bool = true
        var isLaterSidecarRunning: Bool = false
        for index in containers.indices.reversed() {
            let record: ContainerRecord = containers[index]
            // An image may go on being pulled: it belongs to the node, not to the pod.
            if record.operation == .launching { isQuiet = false }
            guard record.isRunning, let id = record.instance?.id else { continue }
            isQuiet = false
            if record.areProbesOn {
                containers[index].areProbesOn = false
                queued.append(.stopProbes(container: record.name))
            }
            if record.role == .sidecar {
                let mustWait: Bool = isMainRunning || isLaterSidecarRunning
                isLaterSidecarRunning = true
                if mustWait { continue }
            }
            let grace: Int = remainingGrace(now: now)
            if record.operation != .killing || grace < record.killGrace - Self.elapsedTolerance(now, ending) {
                kill(index, id: id, grace: grace, message: "Stopping container \(record.name)")
            }
        }
        return isQuiet
    }

    /// A kill under way is repeated only if the new deadline is earlier, not because time went by.
    private static func elapsedTolerance(_ now: Time, _ ending: Ending?) -> Int {
        guard let ending else { return 0 }
        return max(0, now.secondsSince(ending.since))
    }

    private func remainingGrace(now: Time) -> Int {
        guard let ending else { return graceSeconds }
        return max(ending.graceSeconds == 0 ? 0 : 1, ending.graceSeconds - max(0, now.secondsSince(ending.since)))
    }

    private mutating func planCleaning(now: Time) {
        switch cleaning {
        case .notYet:
            cleaning = .running
            queued.append(.cleanUp(pod))
        case .running: break
        case .failed(let retryAt):
            if retryAt > now {
                queued.append(.wake(at: retryAt))
            } else {
                cleaning = .running
                queued.append(.cleanUp(pod))
            }
        case .done:
            reportIfChanged(now: now)
            isFinished = true
            queued.append(.finished(pod))
        }
    }
}
