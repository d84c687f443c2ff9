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

    @Test(.timeLimit(.minutes(1))) func `a program that takes too long is ended with its children`() throws {
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

    @Test(.enabled(if: isRoot)) func `what a node needs is found on this machine`() throws {
        let directory = try TemporaryDirectory()
        let found = Prerequisites.check(NodePaths(dataDirectory: directory.path))
        for item in found.items where item.verdict != .met { #expect(!item.remedy.isEmpty, "\(item)") }
        #expect(Files.entries(directory.path) == [])
    }
}
