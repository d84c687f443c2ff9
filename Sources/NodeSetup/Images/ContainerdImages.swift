import Glibc

/// The machine's architecture as `uname -m` names it.
package func machineName() -> String {
    var name = utsname()
    uname(&name)
    return withUnsafePointer(to: &name.machine) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
    }
}

/// Brings images into containerd without a registry, through `ctr`, which comes with containerd.
package struct ContainerdImages: Sendable {
    package enum Error: Swift.Error, Equatable, CustomStringConvertible {
        case noPauseProgram(machine: String)
        case unreadable(SystemError)
        case command(Subprocess.Error)

        package var description: String {
            switch self {
            case .noPauseProgram(let machine): "failed to make the pause image: no program for \(machine)"
            case .unreadable(let error): error.description
            case .command(let error): error.description
            }
        }
    }

    /// The namespace in which CRI keeps its images.
    package static let namespace = "k8s.io"

    package let socket: String

    package init(_ paths: NodePaths) { socket = paths.containerdSocket }

    /// Imports an archive (an OCI layout or what `docker save` writes) from a file, and unpacks it.
    /// Returns the names of its images. Takes as long as the archive is large; not cancelled.
    package func importArchive(file path: String) async throws(Error) -> [String] {
        // Else ctr would say that it cannot find its own business.
        guard Files.exists(path) else { throw .unreadable(SystemError("open", path, ENOENT)) }
        let arguments = command(["images", "import", path])
        return names(try await run(arguments, input: [], timeout: .seconds(1_800)))
    }

    /// Imports our own pause image and pins it, so that image garbage collection leaves it alone.
    /// CRI sees it a moment later: containerd tells its CRI plugin by an event.
    package func importPause() async throws(Error) {
        guard let archive = PauseImage.archive() else { throw .noPauseProgram(machine: machineName()) }
        _ = try await run(command(["images", "import", "-"]), input: archive, timeout: .seconds(60))
        let label = ["images", "label", PauseImage.name, "io.cri-containerd.pinned=pinned"]
        _ = try await run(command(label), input: [], timeout: .seconds(30))
    }

    private func command(_ arguments: [String]) -> [String] {
        ["ctr", "--address", socket, "--namespace", Self.namespace] + arguments
    }

    /// ctr says "unpacking NAME (sha256:…)...done" for each.
    private func names(_ output: [UInt8]) -> [String] {
        String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count > 1 && words[0] == "unpacking" ? String(words[1]) : nil
        }
    }

    private func run(_ arguments: [String], input: [UInt8], timeout: Duration) async throws(Error) -> [UInt8] {
        let result = await OwnedThread.run {
            Result { () throws(Subprocess.Error) in try Subprocess.run(arguments, input: input, timeout: timeout) }
        }
        switch result {
        case .success(let output): return output
        case .failure(let error): throw .command(error)
        }
    }
}
