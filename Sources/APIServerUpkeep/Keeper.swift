package import APIMachinery
package import Client

/// Puts back what somebody deletes or changes of the objects that every cluster has. Asks nothing while nothing changes.
package struct Keeper: Sendable {
    /// Makes what lacks; what it throws is logged, and it is asked again.
    package typealias Ensure = @Sendable (any Transport) async throws(StatusError) -> Void

    private let transport: any Transport
    private let informers: [any AnyInformer]
    private let pause: Duration
    private let clock: any MonotonicClock
    private let log: Log
    private let ensure: Ensure

    /// - Parameters:
    ///   - transport: of `system:masters`.
    ///   - informers: of what is kept, over that transport; run by the keeper.
    ///   - pause: how long changes are gathered, so that several in a row are one occasion.
    package init(
        over transport: any Transport, watching informers: [any AnyInformer], pause: Duration = .zero,
        clock: any MonotonicClock = SystemMonotonicClock(), log: Log = .silent,
        ensure: @escaping Ensure
    ) {
        self.transport = transport
        self.informers = informers
        self.pause = pause
        self.clock = clock
        self.log = log
        self.ensure = ensure
    }

    /// Until the task is cancelled.
    package func run() async {
        let moved = Signal()
        for informer in informers { informer.addObserver { moved.raise() } }
        await withDiscardingTaskGroup { group in
            for informer in informers { group.addTask { await informer.run() } }
            group.addTask { await self.keep(whenever: moved) }
        }
    }

    private func keep(whenever moved: Signal) async {
        while !Task.isCancelled {
            await moved.wait()
            if pause > .zero { await clock.sleep(for: pause) }
            guard !Task.isCancelled else { return }
            do throws(StatusError) {
                try await ensure(transport)
            } catch {
                // Cut short by the end.
                guard !Task.isCancelled else { return }
                log.warning("failed to keep the cluster's own objects", [("error", error.message)])
                await clock.sleep(for: .seconds(10))
                moved.raise()
            }
        }
    }
}
