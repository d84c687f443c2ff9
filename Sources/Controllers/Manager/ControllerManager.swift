package import APIMachinery
package import Client
package import Flow

/// What a controller is built from.
package struct ControllerContext: Sendable {
    /// Shared by all controllers of the manager; its identity may read everything that controllers watch.
    package let informers: InformerSet
    /// Each controller acts under an identity of its own, upstream's `system:serviceaccount:kube-system:<name>`.
    package let transport: @Sendable (_ controller: String) -> any Transport
    package let clock: any MonotonicClock
    package let wallClock: any WallClock
    package let log: Log
    package let recorder: FlowRecorder?
    /// PEM of the certificates by which pods know the API server; empty: none are published.
    package let rootCA: String
    /// The cluster's authority; nil: nobody signs certificates.
    package let signer: (any CertificateSigner)?
    /// The resources that the API server has; nil: all that upstream has. Controllers of others are not run.
    package let served: Set<GroupVersionResource>?
    /// At which the cluster's own servers listen on the nodes' addresses: load balancers get none of these.
    package let ownPorts: Set<OwnPort>
    package let batching: EndpointBatching

    package init(
        informers: InformerSet, transport: @escaping @Sendable (_ controller: String) -> any Transport,
        clock: any MonotonicClock = SystemMonotonicClock(), wallClock: any WallClock = SystemWallClock(),
        log: Log = .silent, recorder: FlowRecorder? = nil, rootCA: String = "",
        signer: (any CertificateSigner)? = nil,
        served: Set<GroupVersionResource>? = nil, ownPorts: Set<OwnPort> = [],
        batching: EndpointBatching = EndpointBatching()
    ) {
        self.informers = informers
        self.transport = transport
        self.clock = clock
        self.wallClock = wallClock
        self.log = log
        self.recorder = recorder
        self.rootCA = rootCA
        self.signer = signer
        self.served = served
        self.ownPorts = ownPorts
        self.batching = batching
    }

    package func client(_ controller: String) -> APIClient {
        APIClient(transport(controller), fieldManager: "kube-controller-manager")
    }

    /// The settings of a runner, and the recorder of its events, which somebody has to run.
    ///
    /// - Parameter identity: under whose name it acts, if not its own.
    package func configuration(_ controller: String, as identity: String? = nil) -> ControllerConfiguration {
        var configuration = ControllerConfiguration()
        configuration.clock = clock
        configuration.wallClock = wallClock
        configuration.log = log
        configuration.recorder = recorder
        configuration.events = EventRecorder(
            EventSourceName(controller), client: client(identity ?? controller), wallClock: wallClock, clock: clock,
            log: log)
        return configuration
    }
}

/// All controllers of the cluster in one task: upstream's kube-controller-manager.
///
/// Each controller is made by a function of its own file, `make(_ context:)`, and listed here.
package struct ControllerManager: Sendable {
    private let informers: InformerSet
    private let controllers: [any Controller]
    private let events: [EventRecorder]

    package init(_ context: ControllerContext) {
        var controllers: [any Controller] = []
        var events: [EventRecorder] = []
        for make in ControllerManager.factories {
            guard let made = make(context) else { continue }
            controllers.append(made.controller)
            if let recorder = made.events { events.append(recorder) }
        }
        self.informers = context.informers
        self.controllers = controllers
        self.events = events
    }

    /// Runs until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for controller in controllers { group.addTask { await controller.run() } }
            for recorder in events { group.addTask { await recorder.run() } }
            group.addTask { await informers.run() }
        }
    }

    private static let factories: [@Sendable (ControllerContext) -> ManagedController?] = [
        { DeploymentReconciler.make($0) },
        { ReplicaSetReconciler.make($0) },
        { ReplicationControllerReconciler.make($0) },
        { ServiceAccountReconciler.make($0) },
        { ClusterRoleAggregationReconciler.make($0) },
        { RootCAPublisher.make($0) },
        { TokenCleaner.make($0) },
        { SigningReconciler.make($0) },
        { ApprovingReconciler.make($0) },
        { CleaningReconciler.make($0) },
        { NodeLifecycleReconciler.make($0) },
        { EndpointSliceReconciler.make($0) },
        { EndpointsReconciler.make($0) },
        { SliceMirroringReconciler.make($0) },
        { AddressRecordReconciler.make($0) },
        { ServiceRangeReconciler.make($0) },
        { LoadBalancerReconciler.make($0) },
        { DisruptionReconciler.make($0) },
        { ResourceQuotaReconciler.make($0) },
        { TaintEvictionReconciler.make($0) },
        { PodGarbageReconciler.make($0) },
        { GarbageCollector.make($0) },
        { NamespaceDeletion.make($0) },
    ]
}

/// A controller with the recorder of its events.
package struct ManagedController: Sendable {
    package var controller: any Controller
    package var events: EventRecorder?

    package init(_ controller: any Controller, events: EventRecorder? = nil) {
        self.controller = controller
        self.events = events
    }
}
