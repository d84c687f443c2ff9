/// The image of the sandbox container, made on the spot: an OCI image layout with one layer that holds
/// `PauseProgram`. The same bytes, and so the same digest, on every machine of an architecture.
package enum PauseImage {
    /// Under a name that no registry serves.
    package static let name = "localhost/swiftlet/pause:1"

    /// The archive, as `ctr images import` takes it; nil when there is no program for the architecture.
    package static func archive(machine: String = machineName()) -> [UInt8]? {
        guard let program = PauseProgram.bytes(machine: machine),
            let architecture = PauseProgram.architectures[machine]
        else { return nil }
        var layer = TarWriter()
        layer.add(file: "pause", mode: 0o755, program)
        let layerBytes = layer.finish()
        let layerDigest = digest(layerBytes)
        // 65535 is "nobody" of upstream's pause image: nothing in there needs more.
        let configuration = Array(
            """
            {"architecture":"\(architecture)","os":"linux","config":{"Entrypoint":["/pause"],"User":"65535:65535"},\
            "rootfs":{"type":"layers","diff_ids":["\(layerDigest)"]}}
            """.utf8)
        let type = "application/vnd.oci.image"
        let manifest = Array(
            """
            {"schemaVersion":2,"mediaType":"\(type).manifest.v1+json",\
            "config":{"mediaType":"\(type).config.v1+json",\(reference(configuration))},\
            "layers":[{"mediaType":"\(type).layer.v1.tar",\(reference(layerBytes))}]}
            """.utf8)
        let index = Array(
            """
            {"schemaVersion":2,"mediaType":"\(type).index.v1+json",\
            "manifests":[{"mediaType":"\(type).manifest.v1+json",\(reference(manifest)),\
            "annotations":{"io.containerd.image.name":"\(name)","org.opencontainers.image.ref.name":"1"},\
            "platform":{"architecture":"\(architecture)","os":"linux"}}]}
            """.utf8)
        var archive = TarWriter()
        archive.add(directory: "blobs")
        archive.add(directory: "blobs/sha256")
        for blob in [configuration, layerBytes, manifest] {
            archive.add(file: "blobs/sha256/" + SHA256.hex(of: blob), mode: 0o444, blob)
        }
        archive.add(file: "index.json", index)
        archive.add(file: "oci-layout", Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))
        return archive.finish()
    }

    private static func digest(_ bytes: [UInt8]) -> String { "sha256:" + SHA256.hex(of: bytes) }

    private static func reference(_ bytes: [UInt8]) -> String {
        "\"digest\":\"\(digest(bytes))\",\"size\":\(bytes.count)"
    }
}
