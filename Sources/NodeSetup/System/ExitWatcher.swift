import CNodeSetup
import Glibc
import Synchronization

/// Tells when processes end that are not our children: containers' first processes. One thread, which sleeps
/// in `poll` on their pidfds. What it tells is a hint; the truth (exit code, reason) is the runtime's.
package final class ExitWatcher: Sendable {
    /// Names a watch, so that it can be taken back.
    package struct Watch: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        var descriptor: Int32
        var notify: @Sendable () -> Void
    }

    private struct State {
        var entries: [Watch: Entry] = [:]
        var next: UInt64 = 0
        /// Descriptors of watches that were taken back, which the thread closes: it may be polling them.
        var retired: [Int32] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wake: Int32

    package init() {
        wake = nodesetup_eventfd()
        precondition(wake >= 0, "the kernel refused an eventfd")
    }

    deinit { close(wake) }

    /// Runs until `stop` or cancellation. Call once. Watches that are left are forgotten.
    package func run() async {
        await withTaskCancellationHandler {
            await OwnedThread.run { [self] in loop() }
        } onCancel: {
            stop()
        }
    }

    package func stop() {
        state.withLock { $0.isStopped = true }
        raise()
    }

    /// Calls `notify` once, on the watcher's thread, when the process has ended; it must not block. When it has
    /// ended already, or its id belongs to another process by now (which is not in a cgroup named after the
    /// container), `notify` is called at once, on this thread.
    @discardableResult
    package func watch(
        processID: Int32, containerID: String, notify: @escaping @Sendable () -> Void
    ) -> Watch? {
        let descriptor = nodesetup_pidfd_open(processID)
        // The descriptor first, then the look: from here on the id cannot change hands unseen.
        guard descriptor >= 0, ProcessTable.cgroups(of: processID).contains(where: { $0.contains(containerID) })
        else {
            if descriptor >= 0 { close(descriptor) }
            notify()
            return nil
        }
        let watch = state.withLock { state -> Watch? in
            guard !state.isStopped else { return nil }
            state.next += 1
            let watch = Watch(number: state.next)
            state.entries[watch] = Entry(descriptor: descriptor, notify: notify)
            return watch
        }
        if watch == nil { close(descriptor) } else { raise() }
        return watch
    }

    /// Takes a watch back. `notify` may be called once more if the process ends at this moment.
    package func cancel(_ watch: Watch) {
        state.withLock { state in
            if let entry = state.entries.removeValue(forKey: watch) { state.retired.append(entry.descriptor) }
        }
        raise()
    }

    private func raise() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    private func loop() {
        while true {
            let (watches, polls, isStopped) = snapshot()
            if isStopped { return }
            var descriptors = polls
            guard poll(&descriptors, nfds_t(descriptors.count), -1) > 0 else { continue }
            if descriptors[0].revents != 0 {
                var value: UInt64 = 0
                _ = read(wake, &value, 8)
            }
            for (index, watch) in watches.enumerated() where descriptors[index + 1].revents != 0 {
                guard let entry = state.withLock({ $0.entries.removeValue(forKey: watch) }) else { continue }
                close(entry.descriptor)
                entry.notify()
            }
        }
    }

    /// What to poll: the wake-up first, then one descriptor per watch.
    private func snapshot() -> (watches: [Watch], polls: [pollfd], isStopped: Bool) {
        state.withLock { state in
            for descriptor in state.retired { close(descriptor) }
            state.retired = []
            if state.isStopped {
                for entry in state.entries.values { close(entry.descriptor) }
                state.entries = [:]
            }
            let watches = Array(state.entries.keys)
            var polls = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
            for watch in watches {
                polls.append(pollfd(fd: state.entries[watch]?.descriptor ?? -1, events: Int16(POLLIN), revents: 0))
            }
            return (watches, polls, state.isStopped)
        }
    }
}
