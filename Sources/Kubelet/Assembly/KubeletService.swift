import API
package import APIMachinery
package import CRI
package import Client
package import Flow

/// The kubelet: sees the pods of its node through its own watch, and has them run.
///
///     API watch ─► PodWorkers (a PodMachine per pod) ─► RuntimeEffects ─► CRI
///        ▲               ▲                                  │
///        └─ StatusManager┴──── RuntimeWatch (exits) ◄───────┘
package final class KubeletService: Controller {
    /// What the kubelet is made of that is not its own: adapters to the machine and the runtime.
    package struct Parts: Sendable {
        package var runtime: any RuntimeService
        package var images: any ImageService
        package var cgroups: any PodCgroups
        package var exits: (any ProcessExits)?
        package var network: any NetworkProber
        /// Facts of the machine, read anew each time.
        package var machine: @Sendable () -> MachineFacts
        package var clock: any MonotonicClock = SystemMonotonicClock()
        package var wallClock: any WallClock = SystemWallClock()
        package var log: Log = .silent
        package var recorder: FlowRecorder?
        /// Pods from files; nil: none.
        package var staticPods: (directory: String, rules: StaticPodManifest.Rules)?

        package init(
            runtime: any RuntimeService, images: any ImageService, cgroups: any PodCgroups,
            exits: (any ProcessExits)?, network: any NetworkProber, machine: @escaping @Sendable () -> MachineFacts
        ) {
            self.runtime = runtime
            self.images = images
            self.cgroups = cgroups
            self.exits = exits
            self.network = network
            self.machine = machine
        }
    }

    package let name: String = "kubelet"
    package let workers: PodWorkers
    private let parts: Parts
    private let identity: NodeStatusBuilder.Identity
    private let informers: InformerSet
    private let pods: Informer<Pod>
    private let statuses: StatusManager
    private let reports: KubeletReports
    private let events: EventRecorder
    private let sources: WatchedObjectSources
    private let volumes: VolumeManager
    private let watch: RuntimeWatch
    private let prober: Prober
    private let node: NodeReporter
    private let effects: RuntimeEffects
    private let collector: NodeCollector
    private let statics: StaticPods?

    package init(
        _ identity: NodeStatusBuilder.Identity, configuration: RuntimeConfiguration, transport: any Transport,
        parts: Parts
    ) {
        self.parts = parts
        self.identity = identity
        let client = APIClient(transport, fieldManager: "kubelet")
        informers = InformerSet(over: transport)
        pods = informers.informer(
            Pod.self, selection: Selection(fieldSelector: "spec.nodeName=\(identity.name)"))
        statuses = StatusManager(client: client, clock: parts.clock, log: parts.log, recorder: parts.recorder)
        events = EventRecorder(
            EventSourceName("kubelet", host: identity.name), client: client, wallClock: parts.wallClock,
            clock: parts.clock, log: parts.log)
        let reports = KubeletReports(statuses: statuses, events: events)
        self.reports = reports
        sources = WatchedObjectSources(over: transport)
        volumes = VolumeManager(
            VolumeConfiguration(configuration), sources: sources, client: client,
            wallClock: parts.wallClock, clock: parts.clock, log: parts.log,
            report: { pod, error in
                reports.event(
                    .warning, reason: error.reason, message: error.message, container: nil, about: pod)
            })
        let observer = RuntimeObserver(
            runtime: parts.runtime, prefersIPv6: configuration.nodeAddresses.first?.contains(":") == true)
        watch = RuntimeWatch(observer: observer, exits: parts.exits, clock: parts.clock, log: parts.log)
        let puller = ImagePuller(
            images: parts.images, reports: reports, sources: sources, clock: parts.clock, recorder: parts.recorder)
        let room = ResizeRoom(allocatable: configuration.allocatable)
        effects = RuntimeEffects(
            configuration: configuration, runtime: parts.runtime, images: puller, volumes: volumes,
            cgroups: parts.cgroups, sources: sources, network: parts.network, reports: reports, observer: observer,
            watch: watch, room: room, clock: parts.clock, wallClock: parts.wallClock, log: parts.log,
            recorder: parts.recorder)
        workers = PodWorkers(effects: effects, reports: reports, clock: parts.wallClock)
        // The workers hold the effects, which hold the room.
        room.connect { [weak workers] in workers?.granted ?? [] }
        prober = Prober(
            runtime: parts.runtime, network: parts.network, nodeAddresses: identity.addresses, clock: parts.clock,
            wallClock: parts.wallClock, log: parts.log, recorder: parts.recorder)
        reports.set(probing: prober)
        node = NodeReporter(
            name: identity.name, builder: NodeStatusBuilder(identity), client: client, machine: parts.machine,
            runtime: { [parts] in await RuntimeFacts.ask(parts.runtime, parts.images) }, clock: parts.clock,
            wallClock: parts.wallClock, log: parts.log, recorder: parts.recorder, events: events)
        collector = NodeCollector(
            runtime: parts.runtime, images: parts.images, effects: effects, configuration: configuration,
            clock: parts.clock, log: parts.log)
        let owner = StaticPodRunner()
        statics = parts.staticPods.map { [node] settings in
            StaticPods(
                .init(
                    directory: settings.directory, nodeName: identity.name, nodeUID: { node.uid },
                    rules: settings.rules),
                client: client, owner: owner, clock: parts.clock, log: parts.log)
        }
        if let statics { reports.set(statics: statics) }
        owner.connect(self)
        pods.addHandler { [weak self] event in self?.podChanged(event) }
    }

    /// Runs until the task is cancelled. Containers run on.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.informers.run() }
            group.addTask { await self.workers.run() }
            group.addTask { await self.statuses.run() }
            group.addTask { await self.events.run() }
            group.addTask { await self.sources.run() }
            group.addTask { await self.volumes.run() }
            group.addTask { await self.node.run() }
            group.addTask {
                await self.prober.run(
                    deliver: { event, pod in self.workers.deliver(event, to: pod) }, reports: self.reports)
            }
            group.addTask { await self.watch.run(deliver: { event, pod in self.workers.deliver(event, to: pod) }) }
            group.addTask { await self.collector.run(known: { self.known }) }
            group.addTask {
                await self.volumes.enforceLimits { pod, message in
                    self.workers.deliver(.evicted(reason: "Evicted", message: message), to: pod)
                }
            }
            if let statics = self.statics { group.addTask { await statics.run() } }
        }
    }

    private func podChanged(_ event: InformerEvent<Pod>) {
        let pod: Pod = event.object
        let identity = PodIdentity(pod)
        if let statics, statics.seen(pod, isDeleted: event.kind == .deleted) { return }
        if event.kind == .deleted {
            // Without a grace period it goes without having been seen going.
            var gone: Pod = pod
            gone.metadata.deletionTimestamp = gone.metadata.deletionTimestamp ?? parts.wallClock.now
            volumes.see(gone)
            workers.deliver(.removed, to: identity, causes: [event.cause])
            return
        }
        take(pod, causes: Self.isEcho(event) ? nil : [event.cause])
    }

    /// Whether only the status changed: mostly our own report coming back.
    private static func isEcho(_ event: InformerEvent<Pod>) -> Bool {
        guard let old = event.old else { return false }
        let new: Pod = event.object
        return old.spec == new.spec && old.metadata.uid == new.metadata.uid
            && old.metadata.deletionTimestamp == new.metadata.deletionTimestamp
            && old.metadata.deletionGracePeriodSeconds == new.metadata.deletionGracePeriodSeconds
    }

    /// Has a pod run, wherever it comes from, or tells its machine that it changed.
    func take(_ pod: Pod, causes: [Cause]?) {
        let identity = PodIdentity(pod)
        if workers.hasEnded(identity.uid) { return }
        let isNew: Bool = workers.machine(of: identity.uid) == nil
        if isNew {
            parts.recorder?.record(
                component: "kubelet", what: "saw the pod",
                object: ObjectPath("pods", namespace: identity.namespace, name: identity.name), causes: causes ?? [])
        }
        volumes.see(pod)
        workers.see(pod, node: .init(addresses: self.identity.addresses), causes: causes)
        if isNew { watch.begin(identity) }
    }

    /// A pod's manifest is gone.
    func drop(_ pod: PodIdentity) { workers.deliver(.removed, to: pod) }

    /// There is an object now that shows a static pod's status: it gets the present one.
    func mirrored(_ pod: Pod, by mirror: Pod) {
        guard let machine = workers.machine(of: pod.metadata.uid) else { return }
        statuses.set(machine.currentStatus(now: parts.wallClock.now), of: mirror)
    }

    /// UIDs of the pods that belong here; nil while that is not known yet.
    private var known: Set<String>? {
        guard pods.hasSynced, statics?.hasRead.isOpen ?? true else { return nil }
        return Set(pods.cache.list().map(\.metadata.uid)).union(workers.known)
    }
}
