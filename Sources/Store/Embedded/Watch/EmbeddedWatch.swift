import Synchronization

/// The reader's end of a watch. Dropping it cancels the watch.
final class EmbeddedWatch: StoreWatch {
    /// History is read from disk in chunks of about this many rows.
    private static let historyRows: Int = 2000

    let firstRevision: Revision
    private let engine: Engine
    private let watcher: Watcher
    private let id: Int

    init(engine: Engine, watcher: Watcher, id: Int, firstRevision: Revision) {
        self.engine = engine
        self.watcher = watcher
        self.id = id
        self.firstRevision = firstRevision
    }

    deinit {
        cancel()
    }

    func cancel() {
        watcher.end(nil)
        engine.hub.remove(id)
    }

    func next() async throws(StoreError) -> (events: [StoreEvent], revision: Revision)? {
        while true {
            if Task.isCancelled {
                cancel()
            }
            switch watcher.step() {
            case .deliver(let events, let revision):
                return (events, revision)
            case .end(let error):
                engine.hub.remove(id)
                if let error { throw error }
                return nil
            case .readHistory(let position):
                do throws(StoreError) {
                    let found = try await history(after: position)
                    watcher.receive(history: found.events, through: found.through)
                } catch {
                    watcher.end(error)
                }
            case .wait:
                await withTaskCancellationHandler {
                    await watcher.wait()
                } onCancel: {
                    cancel()
                }
            }
        }
    }

    private func history(after position: Revision) async throws(StoreError) -> (
        events: [StoreEvent], through: Revision
    ) {
        let source: Result<EngineState.HistorySource, StoreError> = engine.state.withLock { state in
            Result { () throws(StoreError) in try state.history(after: position) }
        }
        let prefix = watcher.prefix
        switch try source.get() {
        case .window(let batches, let through):
            return (batches.events(prefix: prefix, after: position), through)
        case .disk(let through):
            return try await engine.read { reader throws(StoreError) in
                do throws(StoreError) {
                    return try reader.events(
                        prefix: prefix, after: position, through: through, rowLimit: EmbeddedWatch.historyRows)
                } catch {
                    guard case .compacted(_, let compacted) = error else { throw error }
                    throw .compacted(requested: position + 1, compacted: compacted)
                }
            }
        }
    }
}
