import Glibc
import Synchronization

/// Tells when something in a directory changes: one inotify descriptor and one thread for all followers of logs.
///
/// Where inotify is not to be had, waits end after a tenth of a second, so that followers look for themselves.
package final class FileChanges: Sendable {
    package static let shared = FileChanges()

    private static let fallbackPause: Duration = .milliseconds(100)
    /// How often waits that are over are looked for.
    private static let sweep: Int32 = 250
    private static let mask: UInt32 = UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE)

    private struct Waiter {
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct Directory {
        var users: Int = 0
        /// Grows with each change.
        var changes: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
    }

    private struct State {
        var directories: [Int32: Directory] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let descriptor: Int32
    /// Both ends of a pipe that wakes the thread.
    private let wake: (read: Int32, write: Int32)
    private let state: Mutex<State> = Mutex(State())

    private init() {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        for end in ends where end >= 0 {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wake = (ends[0], ends[1])
        guard descriptor >= 0, wake.read >= 0 else { return }
        var thread = pthread_t()
        let started: Int32 = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<FileChanges>.fromOpaque(argument).takeRetainedValue().loop() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(started == 0, "the kernel refused a thread")
        pthread_detach(thread)
    }

    /// Begins to watch; nil where that cannot be.
    func watch(directory path: String) -> Int32? {
        guard descriptor >= 0, wake.read >= 0 else { return nil }
        // Under the lock: a watch of the same directory that ends at this moment must not take ours away.
        return state.withLock { state in
            let watch: Int32 = inotify_add_watch(descriptor, path, Self.mask)
            guard watch >= 0 else { return nil }
            state.directories[watch, default: Directory()].users += 1
            return watch
        }
    }

    func unwatch(_ watch: Int32) {
        state.withLock { state in
            state.directories[watch]?.users -= 1
            guard state.directories[watch]?.users == 0 else { return }
            state.directories[watch] = nil
            inotify_rm_watch(descriptor, watch)
        }
    }

    func changes(_ watch: Int32?) -> UInt64 {
        watch.flatMap { watch in state.withLock { $0.directories[watch]?.changes } } ?? 0
    }

    /// Returns when there were changes beyond `known`, or after the timeout.
    func wait(_ watch: Int32?, beyond known: UInt64, timeout: Duration) async {
        guard let watch else {
            try? await Task.sleep(for: Self.fallbackPause)
            return
        }
        let deadline: ContinuousClock.Instant = .now + timeout
        let id: UInt64 = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let waits: Bool = state.withLock { state in
                    guard let directory = state.directories[watch], directory.changes == known, !Task.isCancelled
                    else { return false }
                    state.directories[watch]?.waiters[id] = Waiter(deadline: deadline, continuation: continuation)
                    return true
                }
                guard waits else { return continuation.resume() }
                var byte: UInt8 = 0
                _ = write(wake.write, &byte, 1)
            }
        } onCancel: {
            state.withLock { $0.directories[watch]?.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    // MARK: - The thread

    private func loop() {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let hasWaiters: Bool = state.withLock { state in
                state.directories.values.contains { !$0.waiters.isEmpty }
            }
            var descriptors: [pollfd] = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&descriptors, 2, hasWaiters ? Self.sweep : -1)
            _ = read(wake.read, &buffer, buffer.count)
            let count: Int = read(descriptor, &buffer, buffer.count)
            notify(changed: count > 0 ? Self.watches(in: buffer[..<count]) : [])
        }
    }

    /// The watch descriptors of some events: each is `{ wd: Int32, mask, cookie, len: UInt32 }` and a name.
    private static func watches(in bytes: ArraySlice<UInt8>) -> Set<Int32> {
        var found: Set<Int32> = []
        bytes.withUnsafeBytes { raw in
            var offset: Int = 0
            while offset + 16 <= raw.count {
                found.insert(raw.loadUnaligned(fromByteOffset: offset, as: Int32.self))
                offset += 16 + Int(raw.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            }
        }
        return found
    }

    private func notify(changed: Set<Int32>) {
        let now: ContinuousClock.Instant = .now
        let due: [Waiter] = state.withLock { state in
            var due: [Waiter] = []
            // -1 is the kernel's word for events that were lost: everyone looks.
            let isAll: Bool = changed.contains(-1)
            for watch in Array(state.directories.keys) {
                guard var directory = state.directories[watch] else { continue }
                if isAll || changed.contains(watch) {
                    directory.changes += 1
                    due += directory.waiters.values
                    directory.waiters = [:]
                } else {
                    for (id, waiter) in directory.waiters where waiter.deadline <= now {
                        due.append(waiter)
                        directory.waiters[id] = nil
                    }
                }
                state.directories[watch] = directory
            }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }
}
