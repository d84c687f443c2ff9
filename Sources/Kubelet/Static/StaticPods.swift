package import API
import APIMachinery
package import Client
import Synchronization

/// What becomes of static pods. Called from one task at a time; quick.
package protocol StaticPodOwner: Sendable {
    /// Run it: it is to be treated like a pod of the API server, but has no object there.
    func start(_ pod: Pod)
    /// Its manifest is gone or another one: end it.
    func stop(_ pod: PodIdentity)
    /// There is an object in the API server now that shows the pod's status.
    func mirrored(_ pod: Pod, by mirror: Pod)
}

/// Runs the pods of a directory of manifests, and keeps a mirror of each in the API server. Pods run whether or not the
/// API server can be reached.
package final class StaticPods: Sendable {
    package struct Configuration: Sendable {
        package var directory: String
        package var nodeName: String
        /// The UID of this node's object in the API server; empty: not known yet, so there are no mirrors yet.
        package var nodeUID: @Sendable () -> String
        package var rules: StaticPodManifest.Rules
        /// The directory is read anew this often, and mirrors are looked at. Upstream's number.
        package var rescan: Duration = .seconds(20)
        /// A failed write to the API server is tried again after this long.
        package var retry: Duration = .seconds(3)

        package init(
            directory: String, nodeName: String, nodeUID: @escaping @Sendable () -> String,
            rules: StaticPodManifest.Rules
        ) {
            self.directory = directory
            self.nodeName = nodeName
            self.nodeUID = nodeUID
            self.rules = rules
        }
    }

    private struct State {
        var machine = StaticPodMachine()
        /// What the machine wants of the owner, in order.
        var pending: [StaticPodMachine.Action] = []
        /// The problem last told of each file, so that it is told once.
        var problems: [String: String] = [:]
    }

    private let configuration: Configuration
    private let client: APIClient
    private let owner: any StaticPodOwner
    private let clock: any MonotonicClock
    private let log: Log
    private let state: Mutex<State> = Mutex(State())
    private let mustRead: Mutex<Bool> = Mutex(true)
    private let signal = Signal()
    /// Opens when the manifests were read once: before that, a pod of the runtime that nobody knows may be static.
    package let hasRead = Gate()

    package init(
        _ configuration: Configuration, client: APIClient, owner: any StaticPodOwner,
        clock: any MonotonicClock = SystemMonotonicClock(), log: Log = .silent
    ) {
        self.configuration = configuration
        self.client = client
        self.owner = owner
        self.clock = clock
        self.log = log
    }

    // MARK: - What others tell

    /// A pod of this node, as the API server has it. True: it is a mirror, and nobody else's business.
    package func seen(_ pod: Pod, isDeleted: Bool) -> Bool {
        guard pod.isMirror else { return false }
        advance { $0.seen(mirror: isDeleted ? nil : pod, pod.key) }
        return true
    }

    /// Nothing is left of a pod on this node, whatever its source.
    package func finished(uid: String) {
        advance { $0.finished(uid: uid) }
    }

    /// The object that shows a static pod's status; nil: none yet. Statuses are written to it, under its UID.
    package func mirror(of pod: Pod) -> Pod? {
        state.withLock { $0.machine.mirror(of: pod) }
    }

    private func advance(_ step: (inout StaticPodMachine) -> [StaticPodMachine.Action]) {
        state.withLock { state in state.pending += step(&state.machine) }
        signal.raise()
    }

    // MARK: - Running

    /// Reads, watches and mirrors until the task is cancelled. Pods run on.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            let watch = DirectoryWatch(configuration.directory)
            group.addTask { await watch.run { self.manifestsChanged() } }
            await work()
            group.cancelAll()
        }
    }

    private func manifestsChanged() {
        mustRead.withLock { $0 = true }
        signal.raise()
    }

    private func work() async {
        var nextScan: Duration = .zero
        var retryAt: Duration?
        while !Task.isCancelled {
            let isDue: Bool = mustRead.withLock { must in
                defer { must = false }
                return must
            }
            if isDue || nextScan <= clock.now {
                await read()
                nextScan = clock.now + configuration.rescan
            }
            tellOwner()
            hasRead.open()
            retryAt = await mendMirrors() ? nil : clock.now + configuration.retry
            await signal.wait(until: min(nextScan, retryAt ?? nextScan), on: clock)
        }
    }

    private func tellOwner() {
        let actions: [StaticPodMachine.Action] = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        for action in actions {
            switch action {
            case .start(let pod): owner.start(pod)
            case .stop(let pod): owner.stop(pod)
            case .mirrored(let pod, let mirror): owner.mirrored(pod, by: mirror)
            case .createMirror, .deleteMirror: break  // asked for separately, see `mendMirrors`
            }
        }
    }

    // MARK: - Manifests

    private func read() async {
        let directory: String = configuration.directory
        let result: Result<[ManifestDirectory.File], NodeFiles.Failure> = await BlockingWork.run {
            do throws(NodeFiles.Failure) {
                return .success(try ManifestDirectory.read(directory))
            } catch {
                return .failure(error)
            }
        }
        let files: [ManifestDirectory.File]
        switch result {
        case .success(let found): files = found
        case .failure(let failure):
            // Pods run on as they are: an unreadable directory is no order to stop them.
            tell([directory: (failure.description, "make the directory readable for this process")])
            return
        }
        var pods: [Pod] = []
        var problems: [String: (what: String, fix: String)] = [:]
        var fileNames: [ObjectKey: String] = [:]
        for file in files {
            do throws(StaticPodManifest.Problem) {
                let pod: Pod = try parse(file)
                if let other = fileNames[pod.key] {
                    throw StaticPodManifest.Problem(
                        what: "describes the same pod as \(other)",
                        fix: "remove one of them, or name the pods differently")
                }
                fileNames[pod.key] = file.path
                pods.append(pod)
            } catch {
                problems[file.path] = (error.what, error.fix)
            }
        }
        tell(problems)
        state.withLock { state in state.pending += state.machine.read(pods) }
    }

    private func parse(_ file: ManifestDirectory.File) throws(StaticPodManifest.Problem) -> Pod {
        switch file.content {
        case .success(let bytes):
            return try StaticPodManifest.pod(
                bytes, file: file.path, node: configuration.nodeName, rules: configuration.rules)
        case .failure(let failure):
            throw StaticPodManifest.Problem(what: failure.description, fix: "make the file readable for this process")
        }
    }

    private func tell(_ problems: [String: (what: String, fix: String)]) {
        let news: [(path: String, what: String, fix: String)] = state.withLock { state in
            let news = problems.filter { state.problems[$0.key] != $0.value.what }
            state.problems = problems.mapValues(\.what)
            return news.map { ($0.key, $0.value.what, $0.value.fix) }
        }
        for problem in news.sorted(by: { $0.path < $1.path }) {
            log.error(
                "static pod manifest cannot be used",
                [("file", problem.path), ("problem", problem.what), ("fix", problem.fix)])
        }
    }

    // MARK: - Mirrors

    /// false: something failed and is to be tried again.
    private func mendMirrors() async -> Bool {
        let nodeUID: String = configuration.nodeUID()
        let actions: [StaticPodMachine.Action] = state.withLock { $0.machine.mirrorsToMend() }
        var isDone: Bool = true
        for action in actions {
            do throws(StatusError) {
                switch action {
                case .createMirror(let pod):
                    // Without the node's object there is nobody to belong to; asked again at the next scan.
                    guard !nodeUID.isEmpty else {
                        isDone = false
                        continue
                    }
                    try await create(StaticPodManifest.mirror(of: pod, node: configuration.nodeName, nodeUID: nodeUID))
                case .deleteMirror(let key, let uid):
                    var options = DeleteOptions()
                    options.gracePeriodSeconds = 0
                    options.preconditions = Preconditions.with { $0.uid = uid }
                    try await client.delete(Pod.self, key, options)
                case .start, .stop, .mirrored: break
                }
            } catch {
                // A conflict: it is another mirror already, which the watch will show.
                if error.isNotFound || error.isConflict { continue }
                isDone = false
                log.warning("mirror of a static pod cannot be written", [("error", error.message)])
            }
        }
        return isDone
    }

    private func create(_ mirror: Pod) async throws(StatusError) {
        do throws(StatusError) {
            let created: Pod = try await client.create(mirror)
            // The watch will tell the same. Should it tell of an older mirror's end first, the next create finds this.
            advance { $0.seen(mirror: created, created.key) }
        } catch  where error.isAlreadyExists {
            // The watch has not told yet; what it tells decides.
            return
        }
    }
}
