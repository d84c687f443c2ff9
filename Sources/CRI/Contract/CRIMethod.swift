/// A remote procedure of CRI.
package protocol CRIMethod: Sendable {
    /// `/runtime.v1.RuntimeService/Version`
    var rawValue: String { get }

    /// How long a call may take, given what a call usually may (the kubelet's `--runtime-request-timeout`,
    /// two minutes unless set) and, for calls that have one, the time in the request. Nil is without end.
    /// The rules are the kubelet's.
    func deadline(usual: Duration, requested: Duration) -> Duration?
}

extension RuntimeServiceMethod: CRIMethod {
    package func deadline(usual: Duration, requested: Duration = .zero) -> Duration? {
        switch self {
        case .getContainerEvents: nil
        // The network is set up in there, perhaps by a plugin that waits for its own daemon.
        case .runPodSandbox: usual * 2
        case .stopContainer, .checkpointContainer: usual + requested
        case .execSync: requested > .zero ? usual + requested : nil
        default: usual
        }
    }
}

extension ImageServiceMethod: CRIMethod {
    package func deadline(usual: Duration, requested: Duration = .zero) -> Duration? {
        // A pull takes as long as it takes: the caller watches its progress, or cancels.
        self == .pullImage ? nil : usual
    }
}
