import CNodeSetup
import Glibc
import Synchronization

/// Runs a containerd of our own: starts it, waits until its socket answers, starts it again when it dies, and
/// adopts one that a former Swiftlet left behind. One thread, which sleeps in `poll` on the process (a pidfd)
/// and on a wake-up; it makes no wake-ups while containerd runs.
package final class ContainerdSupervisor: Sendable {
    package enum Error: Swift.Error, Equatable, CustomStringConvertible {
        case notInstalled
        case system(SystemError)
        case socketPathTooLong(String)
        /// It was stopped before containerd answered.
        case stopped

        package var description: String {
            switch self {
            case .notInstalled: "failed to start containerd: it is not installed"
            case .system(let error): error.description
            case .socketPathTooLong(let path): "failed to start containerd: the socket's path is too long: \(path)"
            case .stopped: "failed to wait for containerd: it was stopped"
            }
        }
    }

    /// For the log, the metrics, and who waits. Called on the supervisor's thread; must not block.
    package enum Notice: Sendable, Equatable {
        case ready(processID: Int32, adopted: Bool)
        /// It died; a new one comes after the delay.
        case lost(ExitStatus)
        case spawnFailed(SystemError)
    }

    private struct Shared {
        /// Set once; the thread takes it.
        var stopMode: StopMode?
        var isReady = false
        var isOver = false
        var processID: Int32?
        /// At most one per caller of `waitUntilReady`.
        var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var nextWaiter: UInt64 = 0
        var finish: CheckedContinuation<Void, Never>?
    }

    private let configuration: ContainerdConfiguration
    private let limits: StateMachine.Limits
    private let notify: @Sendable (Notice) -> Void
    private let shared = Mutex(Shared())
    /// An eventfd; lives as long as the supervisor.
    private let wake: Int32

    package init(
        configuration: ContainerdConfiguration, limits: StateMachine.Limits = .init(),
        notify: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.limits = limits
        self.notify = notify
        wake = nodesetup_eventfd()
        precondition(wake >= 0, "the kernel refused an eventfd")
    }

    deinit { close(wake) }

    /// The containerd that runs now.
    package var processID: Int32? { shared.withLock { $0.processID } }

    /// Runs until `stop` or cancellation, which ends containerd too. Call once.
    package func run() async throws(Error) {
        guard let program = Files.program("containerd") else {
            end()
            throw .notInstalled
        }
        let prepared = await OwnedThread.run { [configuration] in Self.prepare(configuration) }
        let preparation: Preparation
        switch prepared {
        case .success(let value): preparation = value
        case .failure(let error):
            end()
            throw error
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                shared.withLock { $0.finish = continuation }
                OwnedThread.start { [self] in
                    loop(program: program, preparation: preparation)
                    end()
                }
            }
        } onCancel: {
            stop(.terminate)
        }
    }

    /// Returns at once; `run` returns when it is done. The first call's mode counts.
    package func stop(_ mode: StopMode) {
        shared.withLock { if $0.stopMode == nil { $0.stopMode = mode } }
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    /// Waits until the socket answers. Throws `stopped` when the supervisor ends first, or the task is cancelled.
    package func waitUntilReady() async throws(Error) {
        let ticket = shared.withLock { shared -> UInt64 in
            shared.nextWaiter += 1
            return shared.nextWaiter
        }
        let ready = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = shared.withLock { shared in
                    if shared.isReady { return true }
                    if shared.isOver || Task.isCancelled { return false }
                    shared.waiters[ticket] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            shared.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume(returning: false)
        }
        guard ready else { throw .stopped }
    }

    /// Lets everybody go who waits. After this, nothing changes any more.
    private func end() {
        let (waiters, finish) = shared.withLock { shared in
            shared.isOver = true
            shared.isReady = false
            shared.processID = nil
            let result = (shared.waiters, shared.finish)
            shared.waiters = [:]
            shared.finish = nil
            return result
        }
        for waiter in waiters.values { waiter.resume(returning: false) }
        finish?.resume()
    }
}

// MARK: - The thread

extension ContainerdSupervisor {
    private struct Preparation: Sendable {
        var found: Int32?
        var isCurrent: Bool
    }

    /// Makes the directories, writes the configuration, and looks for a containerd that uses it.
    private static func prepare(_ configuration: ContainerdConfiguration) -> Result<Preparation, Error> {
        let paths = configuration.paths
        // sockaddr_un has room for 107 bytes; containerd puts ".ttrpc" behind the path for a second socket.
        guard paths.containerdSocket.utf8.count <= 101 else {
            return .failure(.socketPathTooLong(paths.containerdSocket))
        }
        let text = Array(configuration.text.utf8)
        do throws(SystemError) {
            for directory in [paths.containerdDirectory, paths.containerdState, paths.registryHosts] {
                try Files.makeDirectory(directory, mode: 0o711)
            }
            let isCurrent = (try? Files.read(paths.containerdConfiguration)) == text
            if !isCurrent { try Files.replace(paths.containerdConfiguration, with: text) }
            return .success(Preparation(found: findRunning(paths), isCurrent: isCurrent))
        } catch {
            return .failure(.system(error))
        }
    }

    /// The containerd that was started with our configuration file, whoever started it.
    package static func findRunning(_ paths: NodePaths) -> Int32? {
        ProcessTable.read().first { isOurs($0.arguments, paths) }?.id
    }

    static func isOurs(_ arguments: [String], _ paths: NodePaths) -> Bool {
        guard let program = arguments.first, program == "containerd" || program.hasSuffix("/containerd") else {
            return false
        }
        return zip(arguments, arguments.dropFirst()).contains {
            $0 == "--config" && $1 == paths.containerdConfiguration
        }
    }

    private func loop(program: String, preparation: Preparation) {
        var machine = StateMachine(limits: limits)
        var pidfd: Int32 = -1
        defer { if pidfd >= 0 { close(pidfd) } }
        var actions = machine.receive(
            .began(found: preparation.found, isCurrent: preparation.isCurrent), at: Monotonic.now())
        var isStopping = false
        while true {
            // Each action may give one more event, whose actions come next.
            while !actions.isEmpty {
                let action = actions.removeFirst()
                if action == .finish { return }
                if let event = perform(action, program: program, pidfd: &pidfd) {
                    actions += machine.receive(event, at: Monotonic.now())
                }
            }
            let event = wait(machine, pidfd: pidfd, isStopping: isStopping)
            if event == .exited {
                close(pidfd)
                pidfd = -1
                noteExit(wasRunning: machine.state)
            }
            if case .stop = event { isStopping = true }
            actions = machine.receive(event, at: Monotonic.now())
        }
    }

    /// Does one thing; what came of it, when the machine has to know.
    private func perform(_ action: StateMachine.Action, program: String, pidfd: inout Int32) -> StateMachine.Event? {
        switch action {
        case .spawn:
            switch spawn(program) {
            case .success(let processID): return .spawned(processID)
            case .failure(let error):
                notify(.spawnFailed(error))
                return .spawnFailed
            }
        case .watch(let processID):
            if pidfd >= 0 { close(pidfd) }
            pidfd = nodesetup_pidfd_open(processID)
            shared.withLock { $0.processID = processID }
            return pidfd < 0 ? .exited : nil
        case .terminate:
            // Through the pidfd: the process id may belong to somebody else by now.
            if pidfd >= 0 { _ = nodesetup_pidfd_signal(pidfd, SIGTERM) }
            return nil
        case .kill:
            if pidfd >= 0 { _ = nodesetup_pidfd_signal(pidfd, SIGKILL) }
            return nil
        case .announceReady(let processID, let adopted):
            let waiters = shared.withLock { shared in
                shared.isReady = true
                let waiters = shared.waiters.values
                shared.waiters = [:]
                return waiters
            }
            for waiter in waiters { waiter.resume(returning: true) }
            notify(.ready(processID: processID, adopted: adopted))
            return nil
        case .announceLost, .finish:
            return nil
        }
    }

    private func spawn(_ program: String) -> Result<Int32, SystemError> {
        let paths = configuration.paths
        limitLog(paths.containerdLog)
        let log = open(paths.containerdLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard log >= 0 else { return .failure(SystemError("open", paths.containerdLog, errno)) }
        defer { close(log) }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard nothing >= 0 else { return .failure(SystemError("open", "/dev/null", errno)) }
        defer { close(nothing) }
        // A socket left by a dead containerd would answer nobody; the new one replaces it anyway.
        unlink(paths.containerdSocket)
        let arguments = [program, "--config", paths.containerdConfiguration]
        let result = Subprocess.spawn(program, arguments, input: nothing, output: log, errors: log)
        return result > 0 ? .success(result) : .failure(SystemError("start", program, -result))
    }

    /// containerd appends for as long as it runs; at a start, what has grown large becomes the old one.
    private func limitLog(_ path: String) {
        var status = stat()
        if stat(path, &status) == 0, status.st_size > 16 << 20 { rename(path, path + ".old") }
    }

    /// Sleeps until something happens.
    private func wait(_ machine: StateMachine, pidfd: Int32, isStopping: Bool) -> StateMachine.Event {
        while true {
            var timeout: Int32 = -1
            if let deadline = machine.deadline { timeout = max(0, Monotonic.milliseconds(deadline - Monotonic.now())) }
            // Only during the start, which takes some tenths of a second.
            if machine.isProbing { timeout = timeout < 0 ? 10 : min(timeout, 10) }
            var polls = [
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polls, 2, timeout)
            if count < 0 { continue }
            if polls[1].revents != 0 { return .exited }
            if polls[0].revents != 0 {
                var value: UInt64 = 0
                _ = read(wake, &value, 8)
                if !isStopping, let mode = shared.withLock({ $0.stopMode }) { return .stop(mode) }
            }
            if machine.isProbing, Self.answers(configuration.paths.containerdSocket) { return .answered }
            if let deadline = machine.deadline, Monotonic.now() >= deadline { return .tick }
        }
    }

    private func noteExit(wasRunning state: StateMachine.State) {
        let processID = shared.withLock { shared in
            // Before anybody is told: who then waits must wait for the next one.
            shared.isReady = false
            defer { shared.processID = nil }
            return shared.processID
        }
        var status: Int32 = 0
        var how = ExitStatus.unknown
        if let processID, waitpid(processID, &status, WNOHANG) == processID { how = ExitStatus(waitStatus: status) }
        switch state {
        case .starting, .running: notify(.lost(how))
        default: break
        }
    }

    /// Whether somebody accepts connections on a unix socket.
    package static func answers(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
