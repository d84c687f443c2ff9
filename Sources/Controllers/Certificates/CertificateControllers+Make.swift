import APICertificates
import Client

extension ControllerContext {
    /// Upstream's three (or six: one per signer) run under one service account.
    fileprivate static let certificateAccount: String = "certificate-controller"

    fileprivate var signingRequests: Informer<CertificateSigningRequest> {
        informers.informer(CertificateSigningRequest.self)
    }
}

extension SigningReconciler {
    /// Without an authority nothing is signed, approved or cleaned up.
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard let signer = context.signer else { return nil }
        let name: String = "csrsigning"
        let requests = context.signingRequests
        let runner = ControllerRunner(
            name, of: "certificatesigningrequests", SigningReconciler(requests: requests.cache, signer: signer),
            client: context.client(ControllerContext.certificateAccount),
            configuration: context.configuration(name, as: ControllerContext.certificateAccount))
        runner.watch(requests) { event in event.kind == .deleted ? [] : [event.key] }
        return ManagedController(runner)
    }
}

extension ApprovingReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard let signer = context.signer else { return nil }
        let name: String = "csrapproving"
        let requests = context.signingRequests
        let runner = ControllerRunner(
            name, of: "certificatesigningrequests", ApprovingReconciler(requests: requests.cache, signer: signer),
            client: context.client(ControllerContext.certificateAccount),
            configuration: context.configuration(name, as: ControllerContext.certificateAccount))
        runner.watch(requests) { event in event.kind == .deleted ? [] : [event.key] }
        return ManagedController(runner)
    }
}

extension CleaningReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard let signer = context.signer else { return nil }
        let name: String = "csrcleaner"
        let requests = context.signingRequests
        let runner = ControllerRunner(
            name, of: "certificatesigningrequests", CleaningReconciler(requests: requests.cache, signer: signer),
            client: context.client(ControllerContext.certificateAccount),
            configuration: context.configuration(name, as: ControllerContext.certificateAccount))
        runner.watch(requests) { event in event.kind == .deleted ? [] : [event.key] }
        return ManagedController(runner)
    }
}
