import Glibc
import Testing

@testable import NodeSetup

/// A directory that goes with the test, with all that is in it.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/swiftlet-node-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("make directory", "/tmp", errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = FileTree.remove(path) }
}

private let isRoot = geteuid() == 0

@Suite struct MachineTests {
    @Test func `a program's output and failure are told apart`() throws {
        let output = try Subprocess.run(["sh", "-c", "cat; echo end"], input: Array("in ".utf8))
        #expect(String(decoding: output, as: UTF8.self) == "in end\n")
        #expect(throws: Subprocess.Error.failed(program: "sh", status: 3, message: "bad")) {
            try Subprocess.run(["sh", "-c", "echo bad >&2; exit 3"])
        }
        #expect(throws: Subprocess.Error.notFound(program: "no-such-program")) {
            try Subprocess.run(["no-such-program"])
        }
    }

    @Test(.timeLimit(.minutes(5))) func `a program that takes too long is ended with its children`() throws {
        let began = Monotonic.now()
        #expect(throws: Subprocess.Error.timedOut(program: "sh")) {
            try Subprocess.run(["sh", "-c", "sleep 600 & sleep 600"], timeout: .milliseconds(200))
        }
        #expect(Monotonic.now() - began < .seconds(20))
    }

    @Test func `deleting a tree removes links, not what they point to`() throws {
        let directory = try TemporaryDirectory()
        let outside = directory.path + "/outside"
        let tree = directory.path + "/tree"
        try Files.makeDirectory(outside)
        try Files.makeDirectory(tree + "/a/b")
        try Files.replace(outside + "/precious", with: [1])
        #expect(symlink(outside, tree + "/a/link") == 0)
        #expect(FileTree.remove(tree) == [])
        #expect(!Files.exists(tree))
        #expect(Files.exists(outside + "/precious"))
        #expect(FileTree.remove(tree) == [])
    }

    @Test(.enabled(if: isRoot)) func `deleting a tree stops before a bind mount of the same file system`() throws {
        let directory = try TemporaryDirectory()
        let outside = directory.path + "/outside"
        let tree = directory.path + "/tree"
        try Files.makeDirectory(outside)
        try Files.makeDirectory(tree + "/mounted")
        try Files.replace(outside + "/precious", with: [1])
        try Subprocess.run(["mount", "--bind", outside, tree + "/mounted"])
        defer { _ = try? Subprocess.run(["umount", tree + "/mounted"]) }
        #expect(FileTree.remove(tree) == [.init(path: tree + "/mounted", reason: "something is mounted here")])
        #expect(Files.exists(outside + "/precious"))
    }

    @Test(.enabled(if: isRoot)) func `this machine's pod cgroups take limits, count, and go`() throws {
        let root = "/swiftlet-test-\(getpid())"
        let cgroups = try #require(Cgroups.detect(podsRoot: root))
        defer { try? cgroups.remove(root) }
        try cgroups.prepare()
        let pod = cgroups.podPath(uid: "1", quality: .burstable)
        let limits = CgroupLimits(cpuShares: 512, cpuQuotaMicroseconds: 50_000, memoryBytes: 64 << 20, pids: 100)
        try cgroups.create(pod, limits: limits)
        try cgroups.create(pod, limits: limits)
        let pids: String
        switch cgroups.version {
        case .v1(let mounts): pids = try #require(mounts["pids"]) + pod
        case .v2(let mount): pids = mount + pod
        }
        #expect(Files.text(pids + "/pids.max") == "100\n")
        let usage = try #require(cgroups.usage(pod))
        #expect(usage.processes == 0)
        #expect(usage.memoryBytes != nil)
        #expect(usage.cpuNanoseconds != nil)
        #expect(cgroups.children(cgroups.classPath(.burstable)) == ["pod1"])
        try cgroups.remove(root)
        #expect(!cgroups.exists(root))
        #expect(cgroups.usage(pod) == nil)
        #expect(throws: Cgroups.Error.self) { try cgroups.set(limits, on: pod) }
    }

    @Test func `a directory that was not empty is never claimed, and a reset leaves what is not ours`() throws {
        let directory = try TemporaryDirectory()
        let paths = NodePaths(dataDirectory: directory.path, runDirectory: directory.path + "-run")
        try Files.replace(directory.path + "/precious", with: [1])
        #expect(try !DataDirectory.claim(paths))
        try Files.makeDirectory(paths.containerdDirectory)
        let reset = Reset(paths, podsRoot: "/swiftlet-none")
        #expect(reset.execute(reset.plan()) == [])
        #expect(Files.entries(directory.path) == ["precious"])

        #expect(FileTree.remove(directory.path + "/precious") == [])
        #expect(try DataDirectory.claim(paths))
        try Files.replace(directory.path + "/store", with: [1])
        #expect(try DataDirectory.claim(paths))
        #expect(reset.execute(reset.plan()) == [])
        #expect(!Files.exists(directory.path))
    }

    @Test(.enabled(if: isRoot), .timeLimit(.minutes(5)))
    func `a process's end is told once, and that of an id that changed hands at once`() async throws {
        let cgroups = try #require(Cgroups.detect(podsRoot: "/swiftlet-exit-\(getpid())"))
        defer { try? cgroups.remove(cgroups.podsRoot) }
        let place = cgroups.podsRoot + "/container-c1"
        try cgroups.create(place, limits: CgroupLimits())
        let script = cgroups.trees.map { "echo $$ > \($0)\(place)/cgroup.procs;" }.joined() + "exec sleep 1000"
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        let child = Subprocess.spawn("/bin/sh", ["sh", "-c", script], input: null, output: null, errors: null)
        #expect(child > 0)
        while ProcessTable.entry(child)?.arguments.first != "sleep" { poll(nil, 0, 5) }

        let watcher = ExitWatcher()
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(8))
        watcher.watch(processID: child, containerID: "container-c2") { continuation.yield("changed hands") }
        let taken = watcher.watch(processID: child, containerID: "container-c1") { continuation.yield("taken back") }
        watcher.watch(processID: child, containerID: "container-c1") { continuation.yield("ended") }
        watcher.cancel(try #require(taken))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await watcher.run() }
            var iterator = stream.makeAsyncIterator()
            #expect(await iterator.next() == "changed hands")
            kill(child, SIGKILL)
            #expect(await iterator.next() == "ended")
            watcher.stop()
        }
        waitpid(child, nil, 0)
        watcher.watch(processID: child, containerID: "container-c1") { continuation.yield("gone") }
        continuation.finish()
        var rest: [String] = []
        for await text in stream { rest.append(text) }
        #expect(rest == ["gone"])
    }

    // This machine's version 2 tree has no controllers, so the files are ordinary ones.
    @Test func `version 2 hands controllers down, and takes weights, maxima and max`() throws {
        let directory = try TemporaryDirectory()
        let root = directory.path
        let pod = root + "/kubepods/podu"
        try Files.makeDirectory(pod)
        for cgroup in [root, root + "/kubepods"] {
            try Files.replace(cgroup + "/cgroup.controllers", with: Array("cpu memory pids\n".utf8))
            try Files.replace(cgroup + "/cgroup.subtree_control", with: Array("cpu memory\n".utf8))
        }
        for file in ["cpu.weight", "cpu.max", "memory.max", "pids.max"] {
            try Files.replace(pod + "/" + file, with: [])
        }
        let cgroups = Cgroups(version: .v2(mount: root))
        let path = cgroups.podPath(uid: "u", quality: .guaranteed)
        try cgroups.create(
            path, limits: CgroupLimits(cpuShares: 1_024, cpuQuotaMicroseconds: -1, memoryBytes: 4_096, pids: 7))
        #expect(Files.text(root + "/cgroup.subtree_control")?.hasPrefix("+pids") == true)
        #expect(Files.text(root + "/kubepods/cgroup.subtree_control")?.hasPrefix("+pids") == true)
        #expect(Files.text(pod + "/cpu.weight") == "39")
        #expect(Files.text(pod + "/cpu.max") == "max 100000")
        #expect(Files.text(pod + "/memory.max") == "4096")
        #expect(Files.text(pod + "/pids.max") == "7")
        try Files.replace(pod + "/cpu.stat", with: Array("usage_usec 5\nuser_usec 3\n".utf8))
        try Files.replace(pod + "/memory.current", with: Array("1000\n".utf8))
        try Files.replace(pod + "/memory.stat", with: Array("anon 300\ninactive_file 400\n".utf8))
        let usage = try #require(cgroups.usage(path))
        #expect(usage.cpuNanoseconds == 5_000)
        #expect(usage.workingSetBytes == 600)
        #expect(usage.residentBytes == 300)
    }

    @Test func `the pause image is the same every time, and its digests are right`() throws {
        let archive = try #require(PauseImage.archive(machine: "x86_64"))
        #expect(PauseImage.archive(machine: "x86_64") == archive)
        #expect(PauseImage.archive(machine: "aarch64") != nil)
        #expect(PauseImage.archive(machine: "vax") == nil)
        let directory = try TemporaryDirectory()
        try Files.replace(directory.path + "/image.tar", with: archive)
        try Subprocess.run(["tar", "-xf", directory.path + "/image.tar", "-C", directory.path])
        let blobs = Files.entries(directory.path + "/blobs/sha256")
        #expect(blobs.count == 3)
        for blob in blobs {
            #expect(SHA256.hex(of: try Files.read(directory.path + "/blobs/sha256/" + blob)) == blob)
        }
    }

    @Test(.enabled(if: isRoot)) func `what a node needs is found on this machine`() throws {
        let directory = try TemporaryDirectory()
        let found = Prerequisites.check(NodePaths(dataDirectory: directory.path))
        for item in found.items where item.verdict != .met { #expect(!item.remedy.isEmpty, "\(item)") }
        #expect(Files.entries(directory.path) == [])
    }
}
