import API
import APIMachinery
import Client
import Glibc
import Synchronization
import Testing

@testable import Kubelet

private let rules = StaticPodManifest.Rules(
    fill: { if $0.spec.restartPolicy.isEmpty { $0.spec.restartPolicy = "Always" } },
    check: { $0.spec.containers.isEmpty ? ["spec.containers: Required value"] : [] })

private func manifest(_ name: String, image: String = "busybox") -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name)}
    spec:
      containers: [{name: main, image: \(image)}]
    """
}

private func pod(_ text: String, file: String = "/m/web.yaml", node: String = "Node-A") throws -> Pod {
    try StaticPodManifest.pod(Array(text.utf8), file: file, node: node, rules: rules)
}

@Suite struct StaticPodManifestTests {
    @Test func `a manifest becomes a pod of this node`() throws {
        let web: Pod = try pod(manifest("web"))
        #expect(web.metadata.name == "web-node-a")
        #expect(web.metadata.namespace == "default")
        #expect(web.metadata.uid.count == 32)
        #expect(web.metadata.annotations["kubernetes.io/config.source"] == "file")
        #expect(web.metadata.annotations["kubernetes.io/config.hash"] == web.metadata.uid)
        #expect(web.spec.nodeName == "Node-A")
        #expect(web.spec.restartPolicy == "Always")
        #expect(web.spec.tolerations.map(\.effect) == ["NoExecute"])
        #expect(web.isStatic && !web.isMirror)
        #expect(try pod(manifest("web")).metadata.uid == web.metadata.uid)
        #expect(try pod(manifest("web", image: "nginx")).metadata.uid != web.metadata.uid)
        #expect(try pod(manifest("web"), node: "other").metadata.uid != web.metadata.uid)
        let json = #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"m"}]}}"#
        #expect(try pod(json).metadata.name == "web-node-a")
        let mirror: Pod = StaticPodManifest.mirror(of: web, node: "Node-A", nodeUID: "n1")
        #expect(mirror.isMirror && !mirror.isStatic)
        #expect(mirror.metadata.annotations["kubernetes.io/config.mirror"] == web.metadata.uid)
        #expect(mirror.metadata.ownerReferences.map(\.uid) == ["n1"])
    }

    @Test(arguments: [
        ("", "empty"),
        ("a: [", "neither YAML nor JSON: line"),
        ("apiVersion: apps/v1\nkind: Deployment", #"describes apiVersion "apps/v1", kind "Deployment""#),
        ("apiVersion: v1\nkind: Pod", "the pod has no name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: ../x}", "metadata.name: "),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}", "spec.containers: Required value"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {container: []}", #"unknown field "spec.container""#),
        ("apiVersion: v1\nkind: Pod\nspec: {hostNetwork: 3}", "spec.hostNetwork"),
        ("a: 1\n---\nb: 2", "has 2 documents"),
    ])
    func `a file of no use is explained`(text: String, what: String) {
        do throws(StaticPodManifest.Problem) {
            _ = try StaticPodManifest.pod(Array(text.utf8), file: "f", node: "n", rules: rules)
            Issue.record("taken")
        } catch {
            #expect(error.what.hasPrefix(what), "\(error.what)")
            #expect(!error.fix.isEmpty)
        }
    }
}

@Suite struct StaticPodMachineTests {
    @Test func `a changed manifest waits for the old pod's end`() throws {
        var machine = StaticPodMachine()
        #expect(machine.mirrorsToMend().isEmpty)
        let (old, new) = (try pod(manifest("web")), try pod(manifest("web", image: "nginx")))
        #expect(machine.read([old]) == [.start(old)])
        #expect(machine.mirrorsToMend() == [.createMirror(old)])
        var mirror: Pod = StaticPodManifest.mirror(of: old, node: "n", nodeUID: "n1")
        mirror.metadata.uid = "m1"
        #expect(machine.seen(mirror: mirror, old.key) == [.mirrored(old, mirror: mirror)])
        #expect(machine.mirrorsToMend().isEmpty)
        #expect(machine.mirror(of: old)?.metadata.uid == "m1")

        #expect(machine.read([new]) == [.stop(PodIdentity(old))])
        #expect(machine.read([new]).isEmpty)
        #expect(machine.mirrorsToMend() == [.deleteMirror(old.key, uid: "m1")])
        #expect(machine.seen(mirror: nil, old.key).isEmpty)
        #expect(machine.mirrorsToMend() == [.createMirror(new)])
        #expect(machine.finished(uid: old.metadata.uid) == [.start(new)])

        #expect(machine.finished(uid: new.metadata.uid).isEmpty, "one that ended by itself is not run again")
        #expect(machine.read([new]).isEmpty)
        #expect(machine.read([]) == [.stop(PodIdentity(new))])
        #expect(machine.finished(uid: new.metadata.uid).isEmpty)
        #expect(machine.read([old]) == [.start(old)])
    }

    @Test func `a mirror without a manifest goes once manifests were read`() throws {
        var machine = StaticPodMachine()
        let old: Pod = try pod(manifest("web"))
        var mirror: Pod = StaticPodManifest.mirror(of: old, node: "n", nodeUID: "n1")
        mirror.metadata.uid = "m1"
        _ = machine.seen(mirror: mirror, old.key)
        #expect(machine.mirrorsToMend().isEmpty)
        _ = machine.read([])
        #expect(machine.mirrorsToMend() == [.deleteMirror(old.key, uid: "m1")])
    }
}

private final class Owner: StaticPodOwner {
    let log: Mutex<[String]> = Mutex([])

    private func add(_ text: String) { log.withLock { $0.append(text) } }
    func start(_ pod: Pod) { add("start \(pod.spec.containers[0].image)") }
    func stop(_ pod: PodIdentity) { add("stop \(pod.name)") }
    func mirrored(_ pod: Pod, by mirror: Pod) { add("mirrored \(pod.metadata.name)") }
    func has(_ lines: [String]) -> Bool { log.withLock { $0 == lines } }
}

private final class Messages: Sendable {
    let all: Mutex<[String]> = Mutex([])

    var log: Log {
        Log { _, message, metadata in
            self.all.withLock { $0.append("\(message)" + metadata.map { " \($0.name)=\($0.value)" }.joined()) }
        }
    }
}

@Suite struct StaticPodsTests {
    @Test func `pods follow the files of a directory, with mirrors in the API server`() async throws {
        let scratch = Scratch()
        let directory: String = scratch.path + "/manifests"
        let (server, clock, owner, messages) = (ScriptedServer(), ManualMonotonicClock(), Owner(), Messages())
        let configuration = StaticPods.Configuration(
            directory: directory, nodeName: "n1", nodeUID: { "node-uid" }, rules: rules)
        // Manual time: whatever happens, happens because inotify told.
        let pods = StaticPods(
            configuration, client: APIClient(server), owner: owner, clock: clock, log: messages.log)
        let key = ObjectKey("default", "web-n1")
        try NodeFiles.makeDirectory(directory)
        try NodeFiles.write(directory + "/.hidden", Array("no pod".utf8))
        try await with([{ await pods.run() }]) {
            #expect(await pods.hasRead.wait())
            try NodeFiles.write(directory + "/web.yaml", Array(manifest("web").utf8))
            #expect(
                await eventually {
                    server.object(Pod.self, key) != nil && owner.has(["start busybox", "mirrored web-n1"])
                })
            let mirror: Pod = try #require(server.object(Pod.self, key))
            #expect(pods.seen(mirror, isDeleted: false))
            #expect(!pods.seen(Pod(), isDeleted: false), "an ordinary pod")
            #expect(mirror.metadata.ownerReferences.first?.uid == "node-uid")

            // Somebody deletes the mirror: it comes back, and the pod does not notice.
            server.remove(Pod.resource, key)
            #expect(pods.seen(mirror, isDeleted: true))
            #expect(await eventually { server.object(Pod.self, key) != nil })

            // The pod is replaced through a rename, as careful editors do.
            owner.log.withLock { $0 = [] }
            try NodeFiles.write(directory + "/.new", Array(manifest("web", image: "nginx").utf8))
            rename(directory + "/.new", directory + "/web.yaml")
            #expect(await eventually { owner.log.withLock { $0.contains("stop web-n1") } })
            let uid: String = try pod(manifest("web"), file: directory + "/web.yaml", node: "n1").metadata.uid
            pods.finished(uid: uid)
            #expect(await eventually { owner.log.withLock { $0.contains("start nginx") } })

            // What cannot be read is told once and leaves the others alone.
            try NodeFiles.write(directory + "/bad.yaml", Array("kind: Pod".utf8))
            try NodeFiles.write(directory + "/zz-twin.yaml", Array(manifest("web").utf8))
            #expect(
                await eventually {
                    messages.all.withLock { all in
                        all.contains { $0.contains("file=\(directory)/bad.yaml problem=describes apiVersion") }
                            && all.contains { $0.contains("file=\(directory)/web.yaml problem=describes the same pod") }
                                == false
                            && all.contains { $0.contains("zz-twin.yaml problem=describes the same pod as") }
                    }
                })
            unlink(directory + "/zz-twin.yaml")
            unlink(directory + "/web.yaml")
            #expect(await eventually { owner.log.withLock { $0.count { $0 == "stop web-n1" } == 2 } })
            #expect(messages.all.withLock { $0.count { $0.contains("bad.yaml") } } == 1)
        }
    }

    @Test func `pods run and mirrors wait while the API server is away`() async throws {
        let scratch = Scratch()
        let (server, clock, owner) = (ScriptedServer(), ManualMonotonicClock(), Owner())
        try NodeFiles.write(scratch.path + "/web.yaml", Array(manifest("web").utf8))
        let configuration = StaticPods.Configuration(
            directory: scratch.path, nodeName: "n1", nodeUID: { "node-uid" }, rules: rules)
        let pods = StaticPods(configuration, client: APIClient(server), owner: owner, clock: clock)
        for _ in 0..<3 { server.fail(.create, "pods", .connectionFailure("nobody there")) }
        await with([{ await pods.run() }]) {
            #expect(await eventually { owner.has(["start busybox"]) })
            let key = ObjectKey("default", "web-n1")
            #expect(
                await eventually {
                    if clock.nextDeadline != nil { clock.advance(by: .seconds(3)) }
                    return server.object(Pod.self, key) != nil
                })
            #expect(await eventually { owner.has(["start busybox", "mirrored web-n1"]) })
        }
    }
}
