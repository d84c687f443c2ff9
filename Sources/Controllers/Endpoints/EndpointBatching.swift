/// How long changes wait for others like them before endpoints are written: fewer writes, and fewer messages to every node,
/// for endpoints that are known later. Upstream's options and defaults: nothing waits.
package struct EndpointBatching: Sendable, Equatable {
    /// `--endpoint-updates-batch-period`: changes of pods, for Endpoints.
    package var endpoints: Duration = .zero
    /// `--endpointslice-updates-batch-period`: changes of pods, for EndpointSlices.
    package var slices: Duration = .zero
    /// `--mirroring-endpointslice-updates-batch-period`: changes of Endpoints, for the slices that mirror them.
    package var mirrored: Duration = .zero

    package init() {}
}
