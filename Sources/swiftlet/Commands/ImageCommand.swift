import ArgumentParser
import CRI
import CRIClient
import NodeSetup

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Import, list and pull container images of this node.",
        subcommands: [Import.self, List.self, Pull.self])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Import images from an archive (OCI layout or `docker save`).")

        @OptionGroup var data: DataOptions
        @Argument(help: "The archive, a tar file.", completion: .file()) var file: String

        func run() async throws {
            for name in try await ContainerdImages(data.paths).importArchive(file: file) { Output.line(name) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the images of this node.")

        @OptionGroup var data: DataOptions

        func run() async throws {
            try await withRuntime(data) { client in
                let images: [CRI.Image] = try await client.listImages(ListImagesRequest()).images
                for image in images {
                    for name in image.repoTags.isEmpty ? image.repoDigests : image.repoTags {
                        Output.line("\(name)\t\(megabytes(image.size))")
                    }
                }
            }
        }

        private func megabytes(_ bytes: UInt64) -> String {
            "\(bytes / 1_000_000).\(bytes % 1_000_000 / 100_000) MB"
        }
    }

    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pull", abstract: "Pull an image from its registry.")

        @OptionGroup var data: DataOptions
        @Argument(help: "The image, as in a pod: registry/name:tag.") var image: String

        func run() async throws {
            try await withRuntime(data) { client in
                var request = PullImageRequest()
                var spec = ImageSpec()
                spec.image = image
                request.image = spec
                Output.line(try await client.pullImage(request).imageRef)
            }
        }
    }
}

/// Runs `body` with a connection to the node's own containerd.
private func withRuntime(
    _ data: DataOptions, _ body: @escaping @Sendable (CRIClient) async throws -> Void
) async throws {
    let client = try CRIClient(socket: data.paths.containerdSocket)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        try await body(client)
        group.cancelAll()
    }
}
