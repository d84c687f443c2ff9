package import API
import APIMachinery
package import Client
package import Flow
import Synchronization

/// Writes pods' statuses to the API server, newest first of all: a status that was overtaken is never sent.
///
/// Pods wait in a set, each at most once; so the number of writes is bounded by how fast they go through, not by how often
/// statuses change.
package final class StatusManager: Sendable {
    private struct Entry {
        var pod: Pod
        var status: PodStatus
        /// Nothing is left of the pod: once the status is written, it may be deleted.
        var isFinished: Bool
        var causes: [Cause]
    }

    private struct State {
        var waiting: [String: Entry] = [:]
        /// In the order in which they came.
        var order: [String] = []
        /// Being written now; not written a second time at once, so that writes of one pod stay in order.
        var writing: Set<String> = []
    }

    private static let writesAtOnce: Int = 16
    private static let attempts: Int = 5

    private let state = Mutex(State())
    private let signal = Signal()
    private let client: APIClient
    private let clock: any MonotonicClock
    private let log: Log
    private let recorder: FlowRecorder?

    package init(client: APIClient, clock: any MonotonicClock, log: Log, recorder: FlowRecorder?) {
        self.client = client
        self.clock = clock
        self.log = log
        self.recorder = recorder
    }

    package func set(_ status: PodStatus, of pod: Pod) {
        put(Entry(pod: pod, status: status, isFinished: false, causes: Causes.current))
    }

    /// The pod has left the node: a deleted one is removed from the API server.
    package func finish(_ pod: Pod) {
        put(Entry(pod: pod, status: pod.status, isFinished: true, causes: Causes.current))
    }

    private func put(_ entry: Entry) {
        let uid: String = entry.pod.metadata.uid
        state.withLock { state in
            var entry: Entry = entry
            if let known = state.waiting[uid] {
                entry.isFinished = entry.isFinished || known.isFinished
            } else {
                state.order.append(uid)
            }
            state.waiting[uid] = entry
        }
        signal.raise()
    }

    /// Writes until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                while let entry = next() { group.addTask { await self.write(entry) } }
                await signal.wait()
            }
            group.cancelAll()
        }
    }

    private func next() -> Entry? {
        state.withLock { state in
            guard state.writing.count < Self.writesAtOnce,
                let position = state.order.firstIndex(where: { !state.writing.contains($0) })
            else { return nil }
            let uid: String = state.order.remove(at: position)
            state.writing.insert(uid)
            return state.waiting.removeValue(forKey: uid)
        }
    }

    private func write(_ entry: Entry) async {
        await Causes.$current.withValue(entry.causes) {
            let isWritten: Bool = await writeStatus(entry)
            if entry.isFinished && isWritten { await remove(entry.pod) }
            if !isWritten && !Task.isCancelled {
                await clock.sleep(for: .seconds(1))
                // Unless something newer waits already.
                let uid: String = entry.pod.metadata.uid
                if state.withLock({ $0.waiting[uid] == nil }) { put(entry) }
            }
        }
        state.withLock { _ = $0.writing.remove(entry.pod.metadata.uid) }
        signal.raise()
    }

    /// false: try again later.
    private func writeStatus(_ entry: Entry) async -> Bool {
        var pod: Pod = entry.pod
        for _ in 0..<Self.attempts {
            pod.status = Self.merged(entry.status, theirs: pod.status)
            do throws(StatusError) {
                _ = try await client.updateStatus(pod)
                return true
            } catch {
                if error.isNotFound { return true }
                guard error.isConflict else {
                    log.warning("failed to write pod status", [("pod", pod.metadata.name), ("error", error.message)])
                    return false
                }
            }
            do throws(StatusError) {
                let fresh: Pod = try await client.get(Pod.self, pod.key)
                // A new pod of the same name is not ours to speak of.
                guard fresh.metadata.uid == entry.pod.metadata.uid else { return true }
                pod = fresh
            } catch {
                return error.isNotFound
            }
        }
        return false
    }

    /// Ours, with the conditions that others have set.
    static func merged(_ ours: PodStatus, theirs: PodStatus) -> PodStatus {
        var merged: PodStatus = ours
        let own: Set<String> = PodMachine.ownConditions
        let foreign: [PodCondition] = theirs.conditions.filter { !own.contains($0.type) }
        let foreignTypes: Set<String> = Set(foreign.map(\.type))
        merged.conditions = ours.conditions.filter { !foreignTypes.contains($0.type) } + foreign
        merged.observedGeneration = ours.observedGeneration
        return merged
    }

    private func remove(_ pod: Pod) async {
        guard pod.metadata.deletionTimestamp != nil else { return }
        var options = DeleteOptions()
        options.gracePeriodSeconds = 0
        options.preconditions = Preconditions.with { $0.uid = pod.metadata.uid }
        do throws(StatusError) {
            _ = try await client.delete(ObjectTarget(pod), options)
        } catch {
            guard !error.isNotFound && !error.isConflict else { return }
            log.warning("failed to remove pod", [("pod", pod.metadata.name), ("error", error.message)])
            await clock.sleep(for: .seconds(1))
            if !Task.isCancelled { finish(pod) }
        }
    }
}
