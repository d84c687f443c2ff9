import Client
import Glibc
import Testing

@testable import Kubelet

@Suite struct AtomicWriterTests {
    private func files(_ contents: [String: String], mode: UInt32 = 0o644) throws -> VolumeFiles {
        var files = VolumeFiles()
        for (path, text) in contents { try files.add(path, VolumeFiles.File(Array(text.utf8), mode: mode)) }
        return files
    }

    @Test func `files are reached through one link that an update swaps`() throws {
        let scratch = Scratch()
        let writer = AtomicWriter(scratch.path)
        #expect(try writer.write(try files(["a": "1", "deep/er/b": "2"], mode: 0o600)))
        #expect(Disk.link(scratch.path + "/a") == "..data/a")
        #expect(Disk.link(scratch.path + "/deep") == "..data/deep")
        let first: String = try #require(Disk.link(scratch.path + "/..data"))
        #expect(first.hasPrefix("..2"))
        #expect(Disk.text(scratch.path + "/deep/er/b") == "2")
        #expect(Disk.mode(scratch.path + "/a") == "600")

        #expect(try !writer.write(try files(["a": "1", "deep/er/b": "2"], mode: 0o600)), "nothing changed")
        #expect(Disk.link(scratch.path + "/..data") == first)
        #expect(try writer.write(try files(["a": "1", "deep/er/b": "2"], mode: 0o640)), "modes count")

        #expect(try writer.write(try files(["a": "3", "c": "4"])))
        #expect(NodeFiles.entries(scratch.path).filter { !$0.hasPrefix("..") } == ["a", "c"])
        #expect(NodeFiles.entries(scratch.path).count == 4, "the old directory is gone")
        #expect(Disk.text(scratch.path + "/a") == "3")
        #expect(try writer.write(VolumeFiles()))
        #expect(NodeFiles.entries(scratch.path).filter { !$0.hasPrefix("..") } == [])
    }

    @Test func `a reader sees all of one version or all of the next`() async throws {
        let scratch = Scratch()
        let path: String = scratch.path
        let writer = AtomicWriter(path)
        let versions: [VolumeFiles] = try (0..<40).map { try files(["a": "v\($0)", "b": "v\($0)"]) }
        try writer.write(versions[0])
        let done = Gate()
        let mixed: Int = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                await BlockingWork.run {
                    var mixed: Int = 0
                    while !done.isOpen {
                        // As a careful reader does: the directory first, then the files in it.
                        guard let data = try? DirectoryHandle(path).link("..data"),
                            let one = Disk.text("\(path)/\(data)/a"), let other = Disk.text("\(path)/\(data)/b")
                        else { continue }
                        if one != other { mixed += 1 }
                        if Disk.text(path + "/a") == nil { mixed += 1 }
                    }
                    return mixed
                }
            }
            defer { done.open() }
            for version in versions.dropFirst() { try writer.write(version) }
            done.open()
            return try await group.next() ?? -1
        }
        #expect(mixed == 0)
        #expect(Disk.text(path + "/b") == "v39")
    }

    @Test func `what others put in the way is removed, not followed`() throws {
        let scratch = Scratch()
        let outside: String = scratch.path + "/outside"
        let volume: String = scratch.path + "/volume"
        try NodeFiles.makeDirectory(outside)
        try NodeFiles.makeDirectory(volume)
        try NodeFiles.write(outside + "/keep", Array("precious".utf8))
        symlink("../outside", volume + "/..data")
        symlink("../outside", volume + "/..2020_old")
        symlink("../outside", volume + "/a")
        try AtomicWriter(volume).write(try files(["a": "1"]))
        #expect(Disk.text(outside + "/keep") == "precious")
        #expect(NodeFiles.entries(outside) == ["keep"])
        #expect(Disk.text(volume + "/a") == "1")
        #expect(Disk.link(volume + "/..2020_old") == nil)
    }

    @Test func `a group gets files that it can read`() throws {
        let scratch = Scratch()
        try AtomicWriter(scratch.path, group: 1234).write(try files(["d/a": "1"], mode: 0o400))
        let file: stat = try #require(Disk.status(scratch.path + "/d/a"))
        #expect(file.st_gid == 1234)
        #expect(Disk.mode(scratch.path + "/d/a") == "440")
        #expect(Disk.mode(scratch.path + "/d") == "2755")
        #expect(try !AtomicWriter(scratch.path, group: 1234).write(try files(["d/a": "1"], mode: 0o400)))
    }

    @Test(arguments: [
        "", "/etc/passwd", "../x", "a/../../x", "..data", "..", "a/..", ".", String(repeating: "n", count: 256),
    ])
    func `a path that leads elsewhere is refused`(path: String) {
        var files = VolumeFiles()
        #expect(throws: VolumeFiles.Refusal.self) { try files.add(path, VolumeFiles.File([], mode: 0o644)) }
    }

    @Test func `harmless spellings of a path are one path`() throws {
        #expect(try VolumeFiles.clean("./a//b/.") == "a/b")
        #expect(try VolumeFiles.clean("a..b/...c") == "a..b/...c")
    }
}
