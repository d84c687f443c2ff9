package import API
package import CRI
package import Client
package import Flow
import Synchronization

/// Has images on the node, as containers' pull policies want them. One image is pulled once at a time, whoever wants
/// it.
package final class ImagePuller: Sendable {
    package enum Outcome: Sendable, Equatable {
        /// The runtime's own reference.
        case ready(reference: String)
        /// A waiting reason (`ErrImagePull`, …) and its message.
        case failed(reason: String, message: String)
    }

    private struct Pull {
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Pulls under way by image.
    private let pulls = Mutex<[String: Pull]>([:])
    private let images: any ImageService
    private let reports: any PodReports
    private let sources: any ObjectSources
    private let clock: any MonotonicClock
    private let recorder: FlowRecorder?

    package init(
        images: any ImageService, reports: any PodReports, sources: any ObjectSources, clock: any MonotonicClock,
        recorder: FlowRecorder?
    ) {
        self.images = images
        self.reports = reports
        self.sources = sources
        self.clock = clock
        self.recorder = recorder
    }

    package func ensure(_ container: APICore.Container, of pod: Pod, sandbox: PodSandboxConfig?) async -> Outcome {
        let began: Int64 = FlowRecorder.systemTime()
        let image: String = container.image
        let name: ImageName
        do throws(ImageName.Failure) {
            name = try ImageName(parsing: image)
        } catch {
            let message: String =
                "Failed to apply default image tag \"\(image)\": couldn't parse image name \"\(image)\": "
                + error.message
            warn("InspectFailed", message, container, pod)
            warn("Failed", "Error: InvalidImageName", container, pod)
            return .failed(reason: "InvalidImageName", message: message)
        }
        let policy: String =
            container.imagePullPolicy.isEmpty ? (name.isLatest ? "Always" : "IfNotPresent") : container.imagePullPolicy
        let spec: ImageSpec = Self.spec(image, name)
        if policy != "Always" {
            do throws(CRIError) {
                if let reference = try await present(spec) {
                    note("Pulled", "Container image \"\(image)\" already present on machine", container, pod)
                    step("image \(image) was there", pod, since: began)
                    return .ready(reference: reference)
                }
            } catch {
                warn("InspectFailed", "Failed to inspect image \"\(image)\": \(error)", container, pod)
                warn("Failed", "Error: ImageInspectError", container, pod)
                return .failed(reason: "ImageInspectError", message: "Failed to inspect image \"\(image)\": \(error)")
            }
            if policy == "Never" {
                let message: String = "Container image \"\(image)\" is not present with pull policy of Never"
                warn("ErrImageNeverPull", message, container, pod)
                warn("Failed", "Error: ErrImageNeverPull", container, pod)
                return .failed(reason: "ErrImageNeverPull", message: message)
            }
        }
        return await pull(container, spec, name, of: pod, sandbox: sandbox, began: began)
    }

    private static func spec(_ image: String, _ name: ImageName) -> ImageSpec {
        var spec = ImageSpec()
        spec.image = name.tag.isEmpty && name.digest.isEmpty ? image + ":latest" : image
        spec.userSpecifiedImage = image
        return spec
    }

    /// nil: it is not there.
    private func present(_ spec: ImageSpec) async throws(CRIError) -> String? {
        var request = ImageStatusRequest()
        request.image = spec
        let id: String? = try await images.imageStatus(request).image?.id
        return id.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The user that an image names.
    package func user(_ reference: String) async throws(CRIError) -> SecurityTranslation.ImageUser {
        var request = ImageStatusRequest()
        var spec = ImageSpec()
        spec.image = reference
        request.image = spec
        let image: Image? = try await images.imageStatus(request).image
        return SecurityTranslation.ImageUser(uid: image?.uid?.value, name: image?.username ?? "")
    }

    private func pull(
        _ container: APICore.Container, _ spec: ImageSpec, _ name: ImageName, of pod: Pod, sandbox: PodSandboxConfig?,
        began: Int64
    ) async -> Outcome {
        let image: String = container.image
        note("Pulling", "Pulling image \"\(image)\"", container, pod)
        let asked: Duration = clock.now
        await enter(spec.image)
        defer { leave(spec.image) }
        let started: Duration = clock.now
        do throws(CRIError) {
            // Whoever waited for another's pull has the image now; only `Always` asks the registry again, which is
            // quick.
            if container.imagePullPolicy == "IfNotPresent", let reference = try await present(spec) {
                return pulled(container, pod, reference, size: nil, asked: asked, started: started, began: began)
            }
            let credentials: RegistryCredentials = await credentials(of: pod)
            let reference: String = try await pull(spec, credentials.matching(name), sandbox)
            var request = ImageStatusRequest()
            request.image = spec
            let found: Image? = try await images.imageStatus(request).image
            return pulled(
                container, pod, found.map(\.id) ?? reference, size: found?.size, asked: asked, started: started,
                began: began)
        } catch {
            warn("Failed", "Failed to pull image \"\(image)\": \(error)", container, pod)
            warn("Failed", "Error: ErrImagePull", container, pod)
            step("failed to pull image \(image)", pod, since: began)
            return .failed(reason: "ErrImagePull", message: "\(error)")
        }
    }

    private func pulled(
        _ container: APICore.Container, _ pod: Pod, _ reference: String, size: UInt64?, asked: Duration,
        started: Duration, began: Int64
    ) -> Outcome {
        let now: Duration = clock.now
        let times: String =
            "in \(GoDuration.text(now - started)) (\(GoDuration.text(now - asked)) including waiting)"
        let bytes: String = size.map { " Image size: \($0) bytes." } ?? ""
        note("Pulled", "Successfully pulled image \"\(container.image)\" \(times).\(bytes)", container, pod)
        step("pulled image \(container.image)", pod, since: began)
        return .ready(reference: reference)
    }

    /// Tries the logins one after the other, and without one if there is none.
    private func pull(
        _ spec: ImageSpec, _ logins: [RegistryCredentials.Login], _ sandbox: PodSandboxConfig?
    ) async throws(CRIError) -> String {
        var request = PullImageRequest()
        request.image = spec
        request.sandboxConfig = sandbox
        guard !logins.isEmpty else { return try await images.pullImage(request).imageRef }
        var last: CRIError?
        for login in logins {
            var auth = AuthConfig()
            auth.username = login.user
            auth.password = login.password
            request.auth = auth
            do throws(CRIError) {
                return try await images.pullImage(request).imageRef
            } catch {
                last = error
            }
        }
        throw last ?? CRIError(.unknown, "no credentials")
    }

    private func credentials(of pod: Pod) async -> RegistryCredentials {
        var credentials = RegistryCredentials()
        var missing: [String] = []
        for reference in pod.spec.imagePullSecrets {
            do {
                credentials.add(try await sources.secret(namespace: pod.metadata.namespace, name: reference.name))
            } catch {
                missing.append(reference.name)
            }
        }
        if !missing.isEmpty {
            reports.event(
                .warning, reason: "FailedToRetrieveImagePullSecret",
                message: "Unable to retrieve some image pull secrets (\(missing.joined(separator: ", "))); "
                    + "attempting to pull the image may not succeed.", container: nil, about: pod)
        }
        return credentials
    }

    /// Returns when nobody else pulls the image.
    private func enter(_ image: String) async {
        await withCheckedContinuation { (turn: CheckedContinuation<Void, Never>) in
            let isFree: Bool = pulls.withLock { pulls in
                guard pulls[image] != nil else {
                    pulls[image] = Pull()
                    return true
                }
                pulls[image]?.waiters.append(turn)
                return false
            }
            if isFree { turn.resume() }
        }
    }

    private func leave(_ image: String) {
        let next: CheckedContinuation<Void, Never>? = pulls.withLock { pulls in
            guard let pull = pulls[image], !pull.waiters.isEmpty else {
                pulls[image] = nil
                return nil
            }
            return pulls[image]?.waiters.removeFirst()
        }
        next?.resume()
    }

    private func note(_ reason: String, _ message: String, _ container: APICore.Container, _ pod: Pod) {
        reports.event(.normal, reason: reason, message: message, container: container.name, about: pod)
    }

    private func warn(_ reason: String, _ message: String, _ container: APICore.Container, _ pod: Pod) {
        reports.event(.warning, reason: reason, message: message, container: container.name, about: pod)
    }

    private func step(_ what: String, _ pod: Pod, since: Int64) {
        recorder?.record(
            component: "kubelet", what: what,
            object: ObjectPath("pods", namespace: pod.metadata.namespace, name: pod.metadata.name), since: since)
    }
}

/// Durations as Go prints them, rounded to milliseconds: `12ms`, `1.234s`, `1m2.5s`.
enum GoDuration {
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds: Int = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        if milliseconds == 0 { return "0s" }
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        var fraction: String = ""
        if milliseconds % 1000 != 0 {
            fraction = String(milliseconds % 1000 + 1000).dropFirst().description
            while fraction.hasSuffix("0") { fraction.removeLast() }
            fraction = "." + fraction
        }
        let whole: Int = milliseconds / 1000
        let tail: String = "\(whole % 60)\(fraction)s"
        if whole < 60 { return tail }
        return whole < 3600 ? "\(whole / 60)m\(tail)" : "\(whole / 3600)h\(whole / 60 % 60)m\(tail)"
    }
}
