import APICore
import APIMachinery
import Client
import Synchronization
import Testing

@Suite struct InformerTests {
    private func pod(_ name: String, uid: String = "u", node: String = "", owner: String = "") -> Pod {
        Pod.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = name
            $0.metadata.uid = uid
            $0.spec.nodeName = node
            if !owner.isEmpty {
                $0.metadata.ownerReferences = [
                    OwnerReference.with {
                        $0.uid = owner
                        $0.controller = true
                    }
                ]
            }
        }
    }

    /// What a handler saw, as text.
    private final class Log: Sendable {
        private let lines: Mutex<[String]> = Mutex([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func informer(_ server: FakeServer, _ clock: ManualMonotonicClock, _ log: Log) -> Informer<Pod> {
        var settings = InformerSettings()
        settings.clock = clock
        settings.random = { 0 }
        let informer = Informer(Pod.self, over: server, settings: settings)
        informer.addHandler { event in log.add("\(event.kind) \(event.object.metadata.name) \(event.revision)") }
        return informer
    }

    @Test func `a cache follows the server and handlers see every change`() async {
        let (server, clock, log) = (FakeServer(), ManualMonotonicClock(), Log())
        let informer = informer(server, clock, log)
        informer.addIndex(Pod.byNodeName)
        informer.addIndex(.controllerUID)
        server.put(pod("a", node: "n1"))
        await with {
            await informer.run()
        } _: {
            #expect(await informer.waitUntilSynced())
            #expect(informer.cache.list(Pod.byNodeName, "n1").map(\.metadata.name) == ["a"])
            server.put(pod("b", owner: "set"))
            server.put(pod("a", node: "n2"))
            let last: Int64 = server.revision
            #expect(await eventually { informer.cache.revision == last })
            #expect(informer.cache.list(Pod.byNodeName, "n1").isEmpty)
            #expect(informer.cache.list(Pod.byNodeName, "n2").count == 1)
            #expect(informer.cache.list(.controllerUID, "set").map(\.metadata.name) == ["b"])
            #expect(informer.cache.get("default", "a")?.metadata.resourceVersion == String(last))
            server.remove(pod("a"))
            #expect(await eventually { informer.cache.count == 1 })
        }
        #expect(log.all == ["added a 11", "added b 12", "updated a 13", "deleted a 14"])
        #expect(server.count(.list) == 1)
    }

    @Test func `a broken watch goes on where it was, an expired one lists again`() async {
        let (server, clock, log) = (FakeServer(), ManualMonotonicClock(), Log())
        let informer = informer(server, clock, log)
        await with {
            await informer.run()
        } _: {
            server.put(pod("a", uid: "1"))
            #expect(await informer.waitUntilSynced())
            #expect(await eventually { server.count(.watch) == 1 })
            server.endWatches(.connectionFailure("gone"))
            await clock.waitForSleepers()
            server.put(pod("b", uid: "2"))
            clock.advance(by: .seconds(1))
            #expect(await eventually { informer.cache.count == 2 })
            #expect(server.count(.list) == 1)

            server.hold()
            server.remove(pod("b"))
            server.put(pod("b", uid: "3"))
            server.remove(pod("a"))
            server.compact()
            server.endWatches(.expired("too old"))
            #expect(await eventually { server.count(.list) == 2 && informer.cache.count == 1 })
            server.release()
        }
        #expect(log.all == ["added a 11", "added b 12", "deleted a 15", "deleted b 14", "added b 14"])
        let lists: [String] = server.requests.filter { $0.verb == .list }
            .map { request in request.query.first { $0.name == "resourceVersion" }?.value ?? "" }
        #expect(lists == ["0", ""])
    }

    @Test func `the first list is tried until it works, later each time`() async {
        let (server, clock, log) = (FakeServer(), ManualMonotonicClock(), Log())
        let informer = informer(server, clock, log)
        for _ in 0..<3 { server.fail(.list, .connectionFailure("refused")) }
        await with {
            await informer.run()
        } _: {
            for milliseconds in [25, 50, 100] {
                await clock.waitForSleepers()
                #expect(clock.nextDeadline == clock.now + .milliseconds(milliseconds))
                #expect(!informer.hasSynced)
                clock.advance(by: .milliseconds(milliseconds))
            }
            #expect(await informer.waitUntilSynced())
        }
    }

    @Test func `the machine pauses between watches that end at once`() {
        var machine = InformerMachine(backOff: BackOff(first: .seconds(1), longest: .seconds(30)))
        #expect(machine.step == .list(resourceVersion: "0", continueToken: ""))
        let first: [Snapshot]? = machine.listed(ObjectPage(snapshots: [], revision: 0, continueToken: "next"))
        #expect(first == nil)
        #expect(machine.step == .list(resourceVersion: "", continueToken: "next"))
        let all: [Snapshot]? = machine.listed(ObjectPage(snapshots: [], revision: 7))
        #expect(all?.isEmpty == true)
        #expect(machine.step == .open(from: 7))
        machine.opened(now: .zero)
        machine.ended(now: .milliseconds(999), random: 0)
        #expect(machine.step == .pause(.milliseconds(500)))
        machine.paused()
        #expect(machine.step == .open(from: 7))
        machine.opened(now: .zero)
        machine.received(upTo: 9)
        machine.ended(now: .zero, random: 0)
        #expect(machine.step == .open(from: 9))
        machine.failed(.forbidden("no"), random: 0)
        machine.paused()
        #expect(machine.step == .list(resourceVersion: "9", continueToken: ""))
        machine.failed(.tooManyRequests(retryAfterSeconds: 40), random: 0)
        #expect(machine.step == .pause(.seconds(40)))
    }

    @Test func `metadata of any kind can be watched`() async {
        let server = FakeServer()
        let informer = Informer(ObjectMetadataView.self, resource: Pod.resource, over: server)
        server.put(pod("a", owner: "o"))
        await with {
            await informer.run()
        } _: {
            #expect(await informer.waitUntilSynced())
            let view: ObjectMetadataView? = informer.cache.get("default", "a")
            #expect(view?.kind == "Pod")
            #expect(view?.metadata.controllerOwner?.uid == "o")
            #expect(view?.metadata.resourceVersion == "11")
        }
    }
}
