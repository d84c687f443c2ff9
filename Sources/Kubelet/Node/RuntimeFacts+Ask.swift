import CRI

extension RuntimeFacts {
    /// Asks the runtime how it is. A runtime that does not answer is a problem, not an error.
    static func ask(_ runtime: any RuntimeService, _ images: any ImageService) async -> RuntimeFacts {
        do throws(CRIError) {
            let version: VersionResponse = try await runtime.version(VersionRequest())
            let status: StatusResponse = try await runtime.status(StatusRequest())
            let broken: [String] = (status.status?.conditions ?? []).filter { !$0.status }.map { condition in
                "\(condition.type)=false reason:\(condition.reason) message:\(condition.message)"
            }
            let found: [Image] = try await images.listImages(ListImagesRequest()).images
            let listed: [(names: [String], bytes: Int)] = found.map { image in
                (image.repoDigests + image.repoTags, Int(clamping: image.size))
            }
            return RuntimeFacts(
                version: "\(version.runtimeName)://\(version.runtimeVersion)",
                problem: broken.isEmpty ? nil : "container runtime is not ready: " + broken.joined(separator: ", "),
                images: listed.sorted { $0.bytes > $1.bytes })
        } catch {
            return RuntimeFacts(version: "", problem: "container runtime is down: \(error.message)", images: [])
        }
    }
}
