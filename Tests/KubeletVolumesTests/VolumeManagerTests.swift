import API
import APIMachinery
import Client
import Codec
import Glibc
import Synchronization
import Testing

@testable import Kubelet

/// A volume manager over a scripted server, with clocks that stand still.
struct Node: ~Copyable {
    let scratch = Scratch()
    let wallClock = ManualWallClock()
    let clock = ManualMonotonicClock()
    let server: ScriptedServer
    let sources: WatchedObjectSources
    let manager: VolumeManager
    let reported: Reports

    final class Reports: Sendable {
        let messages: Mutex<[String]> = Mutex([])
    }

    init() {
        server = ScriptedServer(wallClock: wallClock)
        var settings = InformerSettings()
        settings.clock = clock
        settings.random = { 0 }
        sources = WatchedObjectSources(over: server, settings: settings)
        var configuration = VolumeConfiguration(podsDirectory: scratch.path + "/pods")
        configuration.allocatable = { ["cpu": Quantity(4), "memory": Quantity(1 << 30)] }
        configuration.jitter = { 0 }
        let reported = Reports()
        self.reported = reported
        manager = VolumeManager(
            configuration, sources: sources, client: APIClient(server), wallClock: wallClock, clock: clock
        ) { _, error in reported.messages.withLock { $0.append(error.message) } }
    }

    func volume(_ plugin: String, _ name: String) -> String {
        "\(scratch.path)/pods/uid-1/volumes/kubernetes.io~\(plugin)/\(name)"
    }

    /// Everything that runs.
    var services: [@Sendable () async -> Void] {
        let (sources, manager) = (sources, manager)
        return [{ await sources.run() }, { await manager.run() }]
    }
}

extension Pod {
    static func web(_ yaml: String) -> Pod {
        var pod = Pod()
        do {
            let value: JSONValue = try YAML.decode(yaml).first ?? .null
            pod = try JSONReader.decode(Pod.self, from: value.jsonBytes)
        } catch {
            Issue.record("the test's pod cannot be read: \(error)")
        }
        pod.metadata.name = "web"
        pod.metadata.namespace = "default"
        pod.metadata.uid = "uid-1"
        if pod.spec.containers.isEmpty { pod.spec.containers = [Container.with { $0.name = "main" }] }
        if pod.spec.containers[0].volumeMounts.isEmpty {
            pod.spec.containers[0].volumeMounts = pod.spec.volumes.map { volume in
                VolumeMount.with { $0.name = volume.name }
            }
        }
        return pod
    }
}

extension ConfigMap {
    static func settings(_ data: StringMap<String>) -> ConfigMap {
        ConfigMap.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = "settings"
            $0.data = data
        }
    }
}

extension Secret {
    static func keys(_ data: StringMap<[UInt8]>) -> Secret {
        Secret.with {
            $0.metadata.namespace = "default"
            $0.metadata.name = "keys"
            $0.data = data
        }
    }
}

@Suite struct VolumeManagerTests {
    private func failure(_ node: borrowing Node, _ yaml: String) async -> String {
        do throws(PodVolumeError) {
            _ = try await node.manager.mount(.web(yaml))
            return "mounted"
        } catch {
            return error.message
        }
    }

    @Test func `every kind of volume is made in its place and nothing is left after unmounting`() async throws {
        let node = Node()
        node.server.put(ConfigMap.settings(["color": "blue", "size": "4"]))
        node.server.put(Secret.keys(["key": Array("s3cret".utf8)]))
        let pod: Pod = .web(
            """
            spec:
              volumes:
              - {name: scratch, emptyDir: {}}
              - {name: fast, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
              - name: cfg
                configMap:
                  name: settings
                  defaultMode: 0400
                  items: [{key: color, path: x/color, mode: 0755}, {key: size, path: size}]
              - {name: sec, secret: {secretName: keys, defaultMode: 0440}}
              - {name: host, hostPath: {path: /etc, type: Directory}}
              - {name: unused, configMap: {name: none}}
              containers:
              - name: main
                volumeMounts: [{name: scratch}, {name: fast}, {name: cfg}, {name: sec}, {name: host}]
            """)
        let mounted: [String: MountedVolume] = try await node.manager.mount(pod)
        #expect(
            mounted.keys.sorted() == ["cfg", "fast", "host", "scratch", "sec"], "a volume nobody mounts is left alone")
        #expect(mounted["host"] == MountedVolume(hostPath: "/etc"))
        #expect(mounted["scratch"] == MountedVolume(hostPath: node.volume("empty-dir", "scratch")))
        #expect(mounted["sec"] == MountedVolume(hostPath: node.volume("secret", "sec"), isReadOnly: true))
        #expect(Disk.mode(node.volume("empty-dir", "scratch")) == "777")
        #expect(Disk.mode(node.volume("empty-dir", "fast")) == "1777")
        #expect(Disk.isMounted(node.volume("empty-dir", "fast")))
        var room = statvfs()
        #expect(statvfs(node.volume("empty-dir", "fast"), &room) == 0)
        #expect(Int(room.f_blocks) * Int(room.f_bsize) == 1 << 20)
        #expect(Disk.text(node.volume("configmap", "cfg") + "/x/color") == "blue")
        #expect(Disk.mode(node.volume("configmap", "cfg") + "/x/color") == "755")
        #expect(Disk.mode(node.volume("configmap", "cfg") + "/size") == "400")
        #expect(Disk.isMounted(node.volume("secret", "sec")))
        #expect(Disk.text(node.volume("secret", "sec") + "/key") == "s3cret")
        #expect(Disk.mode(node.volume("secret", "sec") + "/key") == "440")

        // After a restart of the kubelet: nothing is mounted twice, nothing is lost.
        try NodeFiles.write(node.volume("empty-dir", "fast") + "/mine", [1])
        _ = try await node.manager.mount(pod)
        #expect(NodeFiles.exists(node.volume("empty-dir", "fast") + "/mine"))
        #expect(try NodeFiles.mounts(below: node.scratch.path).count == 2)

        let identity = PodIdentity(pod)
        symlink("/etc", node.volume("empty-dir", "scratch") + "/trap")
        try await node.manager.unmount(identity)
        #expect(try NodeFiles.mounts(below: node.scratch.path).isEmpty)
        #expect(NodeFiles.entries(node.scratch.path + "/pods/uid-1").isEmpty)
        #expect(NodeFiles.exists("/etc/passwd"))
        try await node.manager.unmount(identity)
    }

    @Test func `mounts of an earlier life are unmounted, also while in use`() async throws {
        let node = Node()
        let pod: Pod = .web("spec: {volumes: [{name: fast, emptyDir: {medium: Memory}}]}")
        _ = try await node.manager.mount(pod)
        let path: String = node.volume("empty-dir", "fast")
        try NodeFiles.write(path + "/open", [1])
        let descriptor: Int32 = open(path + "/open", O_RDONLY)
        defer { close(descriptor) }
        let fresh = Node()
        var configuration = VolumeConfiguration(podsDirectory: node.scratch.path + "/pods")
        configuration.width = 1
        let later = VolumeManager(
            configuration, sources: fresh.sources, client: APIClient(fresh.server))
        try await later.unmount(PodIdentity(pod))
        #expect(try NodeFiles.mounts(below: node.scratch.path).isEmpty)
        #expect(!NodeFiles.exists(path))
    }

    @Test func `what is missing is told in upstream's words`() async throws {
        let node = Node()
        #expect(
            await failure(node, "spec: {volumes: [{name: v, configMap: {name: settings}}]}")
                == #"MountVolume.SetUp failed for volume "v" : configmap "settings" not found"#)
        #expect(
            await failure(node, "spec: {volumes: [{name: v, secret: {secretName: keys}}]}")
                == #"MountVolume.SetUp failed for volume "v" : secret "keys" not found"#)
        node.server.put(ConfigMap.settings(["a": "1"]))
        node.server.put(Secret.keys([:]))
        #expect(
            await failure(node, "spec: {volumes: [{name: v, configMap: {name: settings, items: [{key: b, path: b}]}}]}")
                == #"MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: b"#)
        #expect(
            await failure(node, "spec: {volumes: [{name: v, secret: {secretName: keys, items: [{key: b, path: b}]}}]}")
                == #"MountVolume.SetUp failed for volume "v" : references non-existent secret key: b"#)
        #expect(
            await failure(
                node,
                "spec: {volumes: [{name: v, configMap: {name: settings, optional: true, items: [{key: b, path: b}]}}]}")
                == "mounted")
        #expect(
            await failure(node, "spec: {volumes: [{name: v, secret: {secretName: none, optional: true}}]}") == "mounted"
        )
        node.server.fail(.get, "secrets", .forbidden("not for you"))
        #expect(
            await failure(node, "spec: {volumes: [{name: v, secret: {secretName: none, optional: true}}]}")
                .contains("not for you"), "an optional object may be missing, but not unreadable")
        let nfs: String = await failure(node, "spec: {volumes: [{name: v, nfs: {server: s, path: /}}]}")
        #expect(nfs.hasPrefix("Unable to attach or mount volumes: unmounted volumes=[v]"))
        #expect(nfs.hasSuffix("this node does not provide nfs"))
    }

    @Test func `host paths are what they say`() async throws {
        let node = Node()
        let base: String = node.scratch.path
        try NodeFiles.write(base + "/file", [])
        mkfifo(base + "/pipe", 0o600)
        func check(_ path: String, _ type: String) async -> String {
            await failure(node, "spec: {volumes: [{name: v, hostPath: {path: \(path), type: \"\(type)\"}}]}")
                .replacing("MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: ", with: "")
        }
        #expect(await check(base + "/none", "") == "mounted")
        #expect(await check(base + "/none", "Directory") == "\(base)/none is not a directory")
        #expect(await check(base + "/file", "Directory") == "\(base)/file is not a directory")
        #expect(await check(base + "/file", "DirectoryOrCreate") == "\(base)/file is not a directory")
        #expect(await check(base + "/new/er", "DirectoryOrCreate") == "mounted")
        #expect(Disk.mode(base + "/new/er") == "755")
        #expect(await check(base + "/file", "File") == "mounted")
        #expect(await check(base, "File") == "\(base) is not a file")
        #expect(await check(base + "/made", "FileOrCreate") == "mounted")
        #expect(Disk.mode(base + "/made") == "644")
        #expect(await check(base + "/pipe", "Socket") == "\(base)/pipe is not a socket file")
        #expect(await check("/dev/null", "CharDevice") == "mounted")
        #expect(await check("/dev/null", "BlockDevice") == "/dev/null is not a block device")
        #expect(
            await check(base, "Door") == #"MountVolume.SetUp failed for volume "v" : Door is an invalid volume type"#)
    }

    @Test func `a projected volume has a token, the cluster's certificate and the pod's own fields`() async throws {
        let node = Node()
        node.server.put(ConfigMap.settings(["ca.crt": "CERT"]))
        let pod: Pod = .web(
            """
            metadata:
              labels: {b: "2", a: 'x"y'}
              annotations: {note: hello}
            spec:
              serviceAccountName: robot
              securityContext: {fsGroup: 77}
              volumes:
              - name: v
                projected:
                  defaultMode: 0644
                  sources:
                  - serviceAccountToken: {path: token, expirationSeconds: 1000}
                  - serviceAccountToken: {path: vault/token, audience: vault}
                  - configMap: {name: settings, items: [{key: ca.crt, path: ca.crt}]}
                  - downwardAPI:
                      items:
                      - {path: namespace, fieldRef: {fieldPath: metadata.namespace}}
                      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
                      - {path: note, fieldRef: {fieldPath: "metadata.annotations['note']"}}
                      - {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}}
                      - {path: memory, resourceFieldRef: {containerName: main, resource: requests.memory, divisor: 1Mi}}
              containers:
              - name: main
                resources: {requests: {memory: 1500Ki}}
            """)
        let mounted = try await node.manager.mount(pod)
        let path: String = try #require(mounted["v"]?.hostPath)
        #expect(Disk.isMounted(path))
        #expect(Disk.text(path + "/token") == "token-1-api")
        #expect(Disk.text(path + "/vault/token") == "token-2-vault")
        #expect(Disk.mode(path + "/token") == "640")
        #expect(Disk.status(path + "/token")?.st_gid == 77)
        #expect(Disk.mode(path) == "3777")
        #expect(Disk.text(path + "/ca.crt") == "CERT")
        #expect(Disk.text(path + "/namespace") == "default")
        #expect(Disk.text(path + "/labels") == "a=\"x\\\"y\"\nb=\"2\"")
        #expect(Disk.text(path + "/note") == "hello")
        #expect(Disk.text(path + "/cpu") == "4000", "a limit that is not set is what the node can give")
        #expect(Disk.text(path + "/memory") == "2", "rounded up")
        let request = try #require(node.server.requests.first { $0.subresource == "token" })
        #expect(request.namespace == "default" && request.name == "robot")
        let body: String = String(decoding: request.body, as: UTF8.self)
        #expect(body.contains(#""boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"web","uid":"uid-1"}"#))
        #expect(body.contains(#""expirationSeconds":1000"#))
    }

    @Test func `sources of a projected volume that need one path as file and directory are refused`() async {
        let node = Node()
        node.server.put(ConfigMap.settings(["a": "1"]))
        let message: String = await failure(
            node,
            """
            spec:
              volumes:
              - name: v
                projected:
                  sources:
                  - configMap: {name: settings, items: [{key: a, path: x}]}
                  - downwardAPI: {items: [{path: x/y, fieldRef: {fieldPath: metadata.name}}]}
            """)
        #expect(message.contains("conflicting paths: x would be both a file and the directory of x/y"))
    }

    @Test func `volumes follow their objects, appearing and disappearing`() async throws {
        let node = Node()
        node.server.put(ConfigMap.settings(["a": "1"]))
        let pod: Pod = .web(
            """
            metadata: {labels: {v: "1"}}
            spec:
              volumes:
              - {name: cfg, configMap: {name: settings}}
              - {name: sec, secret: {secretName: keys, optional: true}}
              - {name: me, downwardAPI: {items: [{path: v, fieldRef: {fieldPath: "metadata.labels['v']"}}]}}
            """)
        try await with(node.services) {
            _ = try await node.manager.mount(pod)
            let (cfg, sec, me) = (
                node.volume("configmap", "cfg"), node.volume("secret", "sec"), node.volume("downward-api", "me")
            )
            #expect(Disk.text(cfg + "/a") == "1")
            #expect(NodeFiles.entries(sec).contains("key") == false)
            node.server.put(ConfigMap.settings(["a": "2", "b": "3"]))
            #expect(await eventually { Disk.text(cfg + "/a") == "2" && Disk.text(cfg + "/b") == "3" })
            node.server.put(Secret.keys(["key": [65]]))
            #expect(await eventually { Disk.text(sec + "/key") == "A" })
            node.server.remove(Secret.resource, ObjectKey("default", "keys"))
            #expect(await eventually { Disk.text(sec + "/key") == nil })
            var changed: Pod = pod
            changed.metadata.labels = ["v": "2"]
            node.manager.see(changed)
            #expect(await eventually { Disk.text(me + "/v") == "2" })
            // A required object that goes leaves the last content, and a word about it.
            node.server.remove(ConfigMap.resource, ObjectKey("default", "settings"))
            #expect(
                await eventually {
                    node.reported.messages.withLock { $0.contains { $0.contains(#"configmap "settings" not found"#) } }
                })
            #expect(Disk.text(cfg + "/a") == "2")
            #expect(node.server.isWatched("configmaps", "settings"))
            try await node.manager.unmount(PodIdentity(pod))
            #expect(await eventually { !node.server.isWatched("configmaps", "settings") })
            #expect(node.sources.watchCount == 0)
        }
    }

    @Test func `a token is renewed at four fifths of its life, and kept while renewing fails`() async throws {
        let node = Node()
        let pod: Pod = .web(
            """
            spec:
              volumes:
              - {name: v, projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 1000}}]}}
            """
        )
        let path: String = node.volume("projected", "v") + "/token"
        let (clock, wallClock) = (node.clock, node.wallClock)
        func advance(_ seconds: Int) {
            wallClock.advance(seconds: seconds)
            clock.advance(by: .seconds(seconds))
        }
        let manager: VolumeManager = node.manager
        try await with([{ await manager.run() }]) {
            _ = try await node.manager.mount(pod)
            #expect(Disk.text(path) == "token-1-api")
            #expect(await eventually { clock.nextDeadline == .seconds(300) })
            for _ in 0..<2 {
                advance(300)
                let next: Duration = min(.seconds(800), clock.now + .seconds(300))
                #expect(await eventually { clock.nextDeadline == next })
            }
            advance(199)
            _ = try await node.manager.mount(pod)
            #expect(node.server.tokenCount == 1, "not before its time")
            node.server.fail(.create, "serviceaccounts", .serviceUnavailable("busy"))
            advance(1)
            #expect(await eventually { clock.nextDeadline == .seconds(815) }, "tried again later")
            #expect(Disk.text(path) == "token-1-api")
            advance(15)
            #expect(await eventually { Disk.text(path) == "token-2-api" })
            // Nobody may use an expired token.
            node.server.fail(.create, "serviceaccounts", .serviceUnavailable("busy"))
            wallClock.advance(seconds: 2000)
            await #expect(throws: PodVolumeError.self) { try await node.manager.mount(pod) }
        }
    }

    @Test func `the token of a pod that has ended is not renewed`() async throws {
        let node = Node()
        var pod: Pod = .web(
            """
            spec:
              volumes:
              - {name: v, projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 1000}}]}}
            """
        )
        let (clock, wallClock) = (node.clock, node.wallClock)
        let manager: VolumeManager = node.manager
        try await with([{ await manager.run() }]) {
            _ = try await node.manager.mount(pod)
            pod.status.phase = "Succeeded"
            manager.see(pod)
            wallClock.advance(seconds: 900)
            clock.advance(by: .seconds(300))
            #expect(await eventually { clock.nextDeadline == .seconds(600) }, "nothing but the next look over all")
            #expect(node.server.tokenCount == 1)
        }
    }

    @Test func `a group owns what it shall share`() async throws {
        let node = Node()
        node.server.put(ConfigMap.settings(["a": "1"]))
        let pod: Pod = .web(
            """
            spec:
              securityContext: {fsGroup: 55}
              volumes: [{name: scratch, emptyDir: {}}, {name: cfg, configMap: {name: settings, defaultMode: 0400}}]
            """)
        _ = try await node.manager.mount(pod)
        #expect(Disk.mode(node.volume("empty-dir", "scratch")) == "2777")
        #expect(Disk.status(node.volume("empty-dir", "scratch"))?.st_gid == 55)
        #expect(Disk.mode(node.volume("configmap", "cfg") + "/a") == "440")

        let tree: String = node.scratch.path + "/tree"
        try NodeFiles.makeDirectory(tree + "/d", mode: 0o700)
        try NodeFiles.write(tree + "/d/f", [], exactMode: 0o600)
        symlink("/etc/passwd", tree + "/d/link")
        try VolumeOwnership.give(tree, to: 55)
        #expect(Disk.mode(tree + "/d") == "2770" && Disk.mode(tree + "/d/f") == "660")
        #expect(Disk.status("/etc/passwd")?.st_gid == 0)
        try NodeFiles.write(tree + "/d/late", [], exactMode: 0o600)
        chown(tree + "/d/late", 0, 0)
        try VolumeOwnership.give(tree, to: 55, onlyOnMismatch: true)
        #expect(Disk.status(tree + "/d/late")?.st_gid == 0, "the root was right")
    }

    @Test func `what changes while volumes are being mounted is not missed`() async throws {
        let node = Node()
        node.server.put(ConfigMap.settings(["a": "1"]))
        let pod: Pod = .web(
            """
            metadata: {labels: {v: "1"}}
            spec:
              volumes:
              - {name: me, downwardAPI: {items: [{path: v, fieldRef: {fieldPath: "metadata.labels['v']"}}]}}
              - {name: cfg, configMap: {name: settings}}
              - {name: late, projected: {sources: [{serviceAccountToken: {path: token}}]}}
            """)
        var changed: Pod = pod
        changed.metadata.labels = ["v": "2"]
        let (manager, server, newer) = (node.manager, node.server, changed)
        server.whenTokenAsked.withLock { hook in
            hook = {
                manager.see(newer)
                server.put(ConfigMap.settings(["a": "2"]))
            }
        }
        let services = node.services
        let mounted = try await node.manager.mount(pod)
        #expect(mounted.count == 3)
        await with(services) {
            #expect(await eventually { Disk.text(node.volume("downward-api", "me") + "/v") == "2" })
            #expect(await eventually { Disk.text(node.volume("configmap", "cfg") + "/a") == "2" })
        }
    }

    @Test func `a claim is as good as the volume it is bound to`() async throws {
        let node = Node()
        let yaml = "spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: mine, readOnly: true}}]}"
        let start =
            "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], "
            + "failed to process volumes=[data]: error processing PVC default/mine: "
        #expect(
            await failure(node, yaml) == start
                + #"failed to fetch PVC from API server: persistentvolumeclaims "mine" not found"#)
        var claim: PersistentVolumeClaim = .with {
            $0.metadata.namespace = "default"
            $0.metadata.name = "mine"
            $0.metadata.uid = "c1"
            $0.spec.volumeName = "disk"
        }
        node.server.put(claim)
        #expect(await failure(node, yaml) == start + "PVC is not bound")
        claim.status.phase = "Bound"
        node.server.put(claim)
        #expect(
            await failure(node, yaml) == start
                + #"failed to fetch PV disk from API server: persistentvolumes "disk" not found"#)
        let disk: String = node.scratch.path + "/disk"
        var volume: PersistentVolume = .with {
            $0.metadata.name = "disk"
            $0.spec.local = LocalVolumeSource.with { $0.path = disk }
            $0.spec.claimRef = ObjectReference.with { $0.uid = "other" }
        }
        node.server.put(volume)
        #expect(await failure(node, yaml).contains("PV disk is bound to another PVC than default/mine"))
        volume.spec.claimRef?.uid = "c1"
        node.server.put(volume)
        #expect(await failure(node, yaml).hasSuffix(#"path "\#(disk)" does not exist"#))
        try NodeFiles.makeDirectory(disk)
        #expect(
            try await node.manager.mount(.web(yaml)) == ["data": MountedVolume(hostPath: disk, isReadOnly: true)])
        volume.spec.local = nil
        volume.spec.hostPath = HostPathVolumeSource.with {
            $0.path = disk
            $0.type = "File"
        }
        node.server.put(volume)
        #expect(await failure(node, yaml).contains("hostPath type check failed: \(disk) is not a file"))
        volume.spec.hostPath = nil
        volume.spec.nfs = NFSVolumeSource.with { $0.server = "s" }
        node.server.put(volume)
        #expect(await failure(node, yaml).contains("kinds hostPath and local only"))
        let ephemeral = "spec: {volumes: [{name: data, ephemeral: {volumeClaimTemplate: {spec: {}}}}]}"
        claim.metadata.name = "web-data"
        node.server.put(claim)
        #expect(await failure(node, ephemeral).contains("was not created for pod default/web (pod is not owner)"))
    }

    @Test func `a directory that outgrows its limit costs the pod its place`() async throws {
        let node = Node()
        let pod: Pod = .web(
            """
            spec:
              volumes: [{name: small, emptyDir: {sizeLimit: 1Mi}}, {name: free, emptyDir: {}}]
            """)
        _ = try await node.manager.mount(pod)
        let path: String = node.volume("empty-dir", "small")
        let (clock, manager, messages) = (node.clock, node.manager, Node.Reports())
        try NodeFiles.write(path + "/one", [UInt8](repeating: 7, count: 700 << 10))
        link(path + "/one", path + "/same")
        symlink("/usr", path + "/link")
        try NodeFiles.write(path + "/hole", [])
        #expect(truncate(path + "/hole", 1 << 30) == 0)
        try await with([
            { await manager.enforceLimits { _, text in messages.messages.withLock { $0.append(text) } } }
        ]) {
            await clock.waitForSleepers()
            #expect(messages.messages.withLock { $0.isEmpty }, "one file with two names")
            try NodeFiles.write(path + "/two", [UInt8](repeating: 7, count: 700 << 10))
            clock.advance(by: .seconds(60))
            #expect(
                await eventually {
                    messages.messages.withLock {
                        $0 == [#"Usage of EmptyDir volume "small" exceeds the limit "1Mi". "#]
                    }
                })
        }
    }

    @Test func `a token is for the one user that all containers run as`() async throws {
        let node = Node()
        let yaml = """
            spec:
              securityContext: {runAsUser: 1000}
              volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: token}}]}}]
              initContainers: [{name: init, securityContext: {runAsUser: INIT}}]
              containers: [{name: main}]
            """
        let path: String = node.volume("projected", "v") + "/token"
        _ = try await node.manager.mount(.web(yaml.replacing("INIT", with: "1000")))
        #expect(Disk.status(path)?.st_uid == 1000)
        #expect(Disk.mode(path) == "600")
        _ = try await node.manager.mount(.web(yaml.replacing("INIT", with: "1001")))
        #expect(Disk.status(path)?.st_uid == 0, "two users: everybody may read")
        #expect(Disk.mode(path) == "644")
    }

    @Test func `names that are no names of directories never reach the disk`() async throws {
        let node = Node()
        for uid in ["", "..", "a/../../b"] {
            var pod: Pod = .web("spec: {volumes: [{name: v, emptyDir: {}}]}")
            pod.metadata.uid = uid
            await #expect(throws: PodVolumeError.self) { try await node.manager.mount(pod) }
            let identity = PodIdentity(pod)
            await #expect(throws: PodVolumeError.self) { try await node.manager.unmount(identity) }
        }
        #expect(await failure(node, "spec: {volumes: [{name: ../v, emptyDir: {}}]}").contains("cannot be the name"))
        #expect(NodeFiles.entries(node.scratch.path) == [])
    }
}
