import APIApps
import APICore
import APIMachinery
import Client
import Codec
import Flow
import Synchronization
import Testing

/// The causes of each reconcile.
private final class Seen: Sendable {
    private let causes: Mutex<[[Cause]]> = Mutex([])
    var all: [[Cause]] { causes.withLock { $0 } }
    func add(_ more: [Cause]) { causes.withLock { $0.append(more) } }
}

/// Makes as many pods as a replica set wants: upstream's in small.
private struct PodMaker: Reconciler {
    let sets: ObjectCache<ReplicaSet>
    let pods: ObjectCache<Pod>
    let seen = Seen()
    var order: WriteBatch.Order = .slowStart

    func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        seen.add(Causes.current)
        guard let set = sets[key] else { return .done }
        let mine: [Pod] = pods.list(.controllerUID, set.metadata.uid)
        var result = Reconciliation()
        let missing: Int = (set.spec.replicas ?? 1) - mine.count
        let pod = Pod.with {
            $0.metadata.namespace = key.namespace
            $0.metadata.generateName = key.name + "-"
            $0.metadata.ownerReferences = [.controller(set)]
        }
        if missing > 0 { result.write(Array(repeating: .create(pod), count: missing), order) }
        return result
    }

    func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        let made: Int = outcomes.count { $0.snapshot != nil }
        guard var set = sets[key], case .create = outcomes.first?.write.action, made > 0 else { return nil }
        set.status.replicas += made
        return Reconciliation([.updateStatus(set)])
    }
}

@Suite struct ControllerRunnerTests {
    private let server = FakeServer()
    private let clock = ManualMonotonicClock()

    private func set(_ replicas: Int) -> ReplicaSet {
        ReplicaSet.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = "web"
            $0.metadata.uid = "set"
            $0.spec.replicas = replicas
        }
    }

    private struct Setup: Sendable {
        let runner: ControllerRunner<ObjectKey>
        let informers: InformerSet
        let reconciler: PodMaker
        let recorder: FlowRecorder

        func run() async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await informers.run() }
                group.addTask { await runner.run() }
            }
        }
    }

    private func setup(log: Log = .silent, after delay: Duration = .zero) -> Setup {
        var settings = InformerSettings()
        settings.clock = clock
        let informers = InformerSet(over: server, settings: settings)
        let sets: Informer<ReplicaSet> = informers.informer(ReplicaSet.self)
        let pods: Informer<Pod> = informers.informer(Pod.self)
        pods.addIndex(.controllerUID)
        var configuration = ControllerConfiguration()
        configuration.clock = clock
        configuration.wallClock = ManualWallClock()
        configuration.log = log
        let recorder = FlowRecorder()
        configuration.recorder = recorder
        let reconciler = PodMaker(sets: sets.cache, pods: pods.cache)
        let runner = ControllerRunner(
            "replicaset-controller", of: "replicasets", reconciler, client: APIClient(server),
            configuration: configuration)
        runner.watch(sets, after: delay) { event in [event.key] }
        runner.watch(pods, ownedBy: ReplicaSet.self)
        return Setup(runner: runner, informers: informers, reconciler: reconciler, recorder: recorder)
    }

    @Test func `a controller makes what is missing, and its steps say why`() async {
        let setup = setup()
        let revision: Int64 = server.put(set(3))
        await with {
            await setup.run()
        } _: {
            #expect(await eventually { server.objects(Pod.self).count == 3 })
            #expect(await eventually { server.objects(ReplicaSet.self).first?.status.replicas == 3 })
            server.remove(server.objects(Pod.self)[0])
            #expect(await eventually { server.count(.create, "pods") == 4 })
        }
        let create: APIRequest? = server.requests.first { $0.verb == .create }
        #expect(create?.causes == [.revision(revision)])
        let step: Step? = setup.recorder.steps().first
        #expect(step?.component == "replicaset-controller")
        #expect(step?.object == ObjectPath("replicasets", namespace: "default", name: "web"))
        #expect(step?.causes == [.revision(revision)])
        #expect(step?.details.count { $0.name == "create" } == 3)
    }

    @Test func `changes that may wait are one, a while after the first`() async {
        let setup = setup(after: .seconds(5))
        await with {
            await setup.run()
        } _: {
            #expect(await setup.informers.waitUntilSynced())
            server.put(set(1))
            server.put(set(2))
            let sets: ObjectCache<ReplicaSet> = setup.reconciler.sets
            #expect(await eventually { sets[ObjectKey("default", "web")]?.spec.replicas == 2 })
            #expect(await eventually { clock.nextDeadline == .seconds(5) })
            #expect(setup.reconciler.seen.all.isEmpty)
            clock.advance(by: .seconds(5))
            #expect(await eventually { server.objects(Pod.self).count == 2 })
        }
        #expect(setup.recorder.steps().first?.details.count { $0.name == "create" } == 2)
    }

    @Test func `a stale cache makes no pod twice`() async {
        let setup = setup()
        await with {
            await setup.run()
        } _: {
            #expect(await setup.informers.waitUntilSynced())
            #expect(await eventually { server.count(.watch) == 2 })
            server.put(set(3))
            #expect(await eventually { server.count(.create, "pods") == 3 })
            // From here on the caches know nothing of the pods, but the key is asked for again and again.
            server.hold()
            for _ in 0..<20 {
                setup.runner.queue.add(ObjectKey("default", "web"), causes: [.timer("impatience")])
                #expect(await eventually { setup.runner.queue.depth == 0 })
            }
            server.release()
            #expect(await eventually { setup.reconciler.pods.count == 3 })
            setup.runner.queue.add(ObjectKey("default", "web"))
            #expect(await eventually { setup.runner.queue.metrics().unfinishedWork == .zero })
            #expect(server.count(.create, "pods") == 3)
        }
    }

    @Test func `a cache that is held from the start makes the key wait, with its causes, until it moves`() async {
        let setup = setup()
        server.put(set(2))
        // The first lists come, the watches do not.
        server.hold()
        await with {
            await setup.run()
        } _: {
            #expect(await eventually { server.count(.update, "replicasets") == 1 })
            setup.runner.queue.add(ObjectKey("default", "web"), causes: [.timer("one")])
            setup.runner.queue.add(ObjectKey("default", "web"), causes: [.timer("two")])
            #expect(await eventually { clock.nextDeadline == .seconds(30) })
            #expect(setup.reconciler.seen.all.count == 1)
            server.release()
            let wanted: Set<Cause> = [.timer("one"), .timer("two")]
            #expect(await eventually { wanted.isSubset(of: setup.reconciler.seen.all.dropFirst().joined()) })
            #expect(server.count(.create, "pods") == 2)
        }
    }

    @Test func `a cache that never moves holds a key up only so long`() async {
        let setup = setup()
        server.put(set(1))
        server.hold()
        await with {
            await setup.run()
        } _: {
            #expect(await eventually { server.count(.update, "replicasets") == 1 })
            setup.runner.queue.add(ObjectKey("default", "web"))
            #expect(await eventually { clock.nextDeadline == .seconds(30) })
            clock.advance(by: .seconds(30))
            #expect(await eventually { setup.reconciler.seen.all.count == 2 })
        }
    }

    @Test func `slow start stops at the first failure, and the key backs off`() async {
        let setup = setup()
        server.fail(.create, .forbidden(Pod.resource, "", "exceeded quota"))
        server.put(set(10))
        await with {
            await setup.run()
        } _: {
            #expect(await eventually { setup.runner.queue.failures(of: ObjectKey("default", "web")) == 1 })
            #expect(server.count(.create, "pods") == 1)
            #expect(await eventually { clock.nextDeadline != nil })
            clock.advance(by: .milliseconds(5))
            #expect(await eventually { server.objects(Pod.self).count == 10 })
            #expect(await eventually { setup.runner.queue.failures(of: ObjectKey("default", "web")) == 0 })
        }
    }

    @Test func `a conflict is tried again when the cache has the newer object, without back-off`() async {
        let setup = setup()
        await with {
            await setup.run()
        } _: {
            #expect(await setup.informers.waitUntilSynced())
            #expect(await eventually { server.count(.watch) == 2 })
            server.fail(.update, .conflict(ReplicaSet.resource, "web"))
            server.put(set(1))
            #expect(await eventually { server.count(.update, "replicasets") == 1 })
            #expect(setup.runner.queue.failures(of: ObjectKey("default", "web")) == 0)
            server.put(set(2))
            #expect(await eventually { server.objects(Pod.self).count == 2 })
        }
    }

    @Test func `a conflict that no cache will explain backs off, and is no error in the log`() async {
        let errors: Mutex<[String]> = Mutex([])
        let setup = setup(
            log: Log { level, message, _ in
                if level == .error { errors.withLock { $0.append("\(message)") } }
            })
        let key = ObjectKey("default", "web")
        await with {
            await setup.run()
        } _: {
            #expect(await setup.informers.waitUntilSynced())
            #expect(await eventually { server.count(.watch) == 2 })
            server.fail(.create, .conflict(Pod.resource, "web"))
            server.put(set(1))
            #expect(await eventually { setup.runner.queue.failures(of: key) == 1 })
            #expect(errors.withLock { $0 } == [])
            server.fail(.create, .internalError("broken"))
            clock.advance(by: .seconds(1))
            #expect(await eventually { setup.runner.queue.failures(of: key) == 2 })
            #expect(errors.withLock { $0 } == ["write failed"])
        }
    }

    @Test func `deletions wait to be seen by UID`() {
        let pod = Pod.with {
            $0.metadata.name = "a"
            $0.metadata.uid = "1"
        }
        let cache = ObjectCache([pod])
        let expectation = Expectation(Pod.resource, pod.key, .deleted(uid: "1"))
        #expect(!cache.shows(expectation))
        var going: Pod = pod
        going.metadata.deletionTimestamp = Time(seconds: 1)
        _ = cache.apply(Snapshot(going, revision: 2))
        #expect(cache.shows(expectation))
        var next: Pod = pod
        next.metadata.uid = "2"
        _ = cache.apply(Snapshot(next, revision: 3))
        #expect(cache.shows(expectation))
        #expect(!cache.shows(Expectation(Pod.resource, pod.key, .newer(than: 3))))
        #expect(cache.shows(Expectation(Pod.resource, pod.key, .revision(3))))
    }
}
