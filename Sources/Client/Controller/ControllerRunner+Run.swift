import APIMachinery
import Flow

extension ControllerRunner {
    /// Waits for the caches' first lists, then reconciles until the task is cancelled.
    package func run() async {
        for informer in ledger.informers where !(await informer.waitUntilSynced()) { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.queue.runTimers() }
            for _ in 0..<configuration.workers {
                group.addTask { await self.work() }
            }
        }
    }

    private func work() async {
        while let item = await queue.next() {
            await process(item)
            queue.done(item.key)
        }
    }

    /// An informer's cache has changed: parked keys may go on.
    func cachesMoved() {
        for (key, causes) in ledger.release() { queue.addInsteadOfLater(key, causes: causes) }
    }

    private func process(_ item: WorkQueue<Key>.Item) async {
        let now: Duration = configuration.clock.now
        var item: WorkQueue<Key>.Item = item
        switch ledger.check(item.key, causes: item.causes, now: now) {
        case .go(let causes): item.causes = causes
        case .goUnseen(let count, let causes):
            item.causes = causes
            configuration.log.warning(
                "caches do not show own writes, going on without", about(item.key) + [("writes", String(count))])
        case .wait(let deadline):
            // It comes back when the caches move, or at the deadline.
            queue.add(item.key, after: deadline - now, causes: [.timer("stale cache")])
            return
        }
        let ready: WorkQueue<Key>.Item = item
        await Causes.$current.withValue(ready.causes) {
            await reconcile(ready)
        }
    }

    private func reconcile(_ item: WorkQueue<Key>.Item) async {
        let began: Int64 = configuration.wallClock.nowMicro.microseconds
        var result: Reconciliation
        do throws(StatusError) {
            result = try await reconcile(item.key, configuration.wallClock.now)
        } catch {
            // What was cut short by the end of the controller is no failure.
            guard !Task.isCancelled else { return }
            configuration.log.error("reconcile failed", about(item.key) + [("error", error.message)])
            retry(item.key, error)
            return
        }
        var all: [WriteOutcome] = []
        var requeueAfter: Duration? = result.requeueAfter
        var failure: String? = result.failure
        var rounds: Int = 0
        while !result.batches.isEmpty {
            let outcomes: [WriteOutcome] = await executor.perform(result.batches)
            expect(outcomes, for: item.key)
            all += outcomes
            rounds += 1
            guard rounds <= Reconciliation.maxRounds,
                let more = didWrite(item.key, outcomes, configuration.wallClock.now)
            else { break }
            result = more
            requeueAfter = [requeueAfter, more.requeueAfter].compactMap { $0 }.min()
            failure = failure ?? more.failure
        }
        if !all.isEmpty { record(item, all, since: began) }
        conclude(item.key, all, requeueAfter: requeueAfter, failure: failure)
    }

    private func conclude(
        _ key: Key, _ outcomes: [WriteOutcome], requeueAfter: Duration?, failure: String?
    ) {
        guard !Task.isCancelled else { return }
        let failed: [WriteOutcome] = outcomes.filter { $0.error != nil }
        if let first = failed.first, let error = first.error {
            let (verb, object): (String, String) = first.write.summary
            let metadata: Log.Metadata = [
                ("write", verb), ("object", object), ("error", error.message), ("failures", String(failed.count)),
            ]
            if failed.allSatisfy({ isStale($0) }) {
                // At once; the ledger holds the key back until the cache is newer.
                configuration.log.debug("write met a newer object", about(key) + metadata)
                queue.add(key, causes: Causes.current)
            } else if failed.allSatisfy({ $0.error?.isConflict == true }) {
                // Somebody else was quicker, which is part of the game; no cache of ours will show what they wrote.
                configuration.log.debug("write met a newer object, trying again later", about(key) + metadata)
                retry(key, error)
            } else {
                configuration.log.error("write failed", about(key) + metadata)
                retry(key, error)
            }
        } else if let failure {
            configuration.log.error("reconcile failed", about(key) + [("error", failure)])
            retry(key, nil)
        } else {
            queue.forget(key)
        }
        if let requeueAfter { queue.add(key, after: requeueAfter, causes: [.timer("requeue")]) }
    }

    /// A conflict that the cache will explain.
    private func isStale(_ outcome: WriteOutcome) -> Bool {
        guard let error = outcome.error, error.isConflict else { return false }
        guard let expectation = Expectation.after(outcome, uid: { _, _ in nil }) else { return false }
        return ledger.reads(expectation.resource)
    }

    private func retry(_ key: Key, _ error: StatusError?) {
        let asked: Duration = error?.retryAfterSeconds.map { .seconds($0) } ?? .zero
        queue.retry(key, atLeast: asked, causes: Causes.current + [.timer("back-off")])
    }

    private func expect(_ outcomes: [WriteOutcome], for key: Key) {
        let expectations: [Expectation] = outcomes.compactMap { outcome in
            Expectation.after(outcome, uid: { ledger.uid($0, $1) })
        }
        guard !expectations.isEmpty else { return }
        ledger.expect(expectations, for: key, until: configuration.clock.now + configuration.longestStaleWait)
    }

    private func record(_ item: WorkQueue<Key>.Item, _ outcomes: [WriteOutcome], since began: Int64) {
        guard let recorder = configuration.recorder else { return }
        let key: ObjectKey = path(item.key)
        var details: [Step.Detail] = outcomes.prefix(16).map { outcome in
            let (verb, object): (String, String) = outcome.write.summary
            let text: String =
                switch outcome.result {
                case .done(let snapshot):
                    snapshot.map { "\(object) \(ObjectKey($0).name) revision \($0.revision)" } ?? object
                case .ignored(let error), .failed(let error): "\(object): \(error.message)"
                case .skipped: "\(object): skipped"
                }
            return Step.Detail(verb, text)
        }
        details.append(Step.Detail("waited", "\(item.waited)"))
        recorder.record(
            component: name, what: "reconciled",
            object: ObjectPath(resource, namespace: key.namespace, name: key.name),
            causes: item.causes, since: began, details: details)
    }

    private func about(_ key: Key) -> Log.Metadata { [("controller", name), ("key", key.description)] }
}
