package import APIMachinery

/// Does the writes of a reconcile, and tells what came of them, in their order.
struct WriteExecutor: Sendable {
    let client: APIClient
    let events: EventRecorder?
    let parallelWrites: Int

    func perform(_ batches: [WriteBatch]) async -> [WriteOutcome] {
        var outcomes: [WriteOutcome] = []
        var hasFailed: Bool = false
        for batch in batches {
            if hasFailed && !batch.evenAfterFailure {
                outcomes += batch.writes.map { WriteOutcome($0, .skipped) }
                continue
            }
            let done: [WriteOutcome] = await perform(batch)
            hasFailed = hasFailed || done.contains { $0.error != nil }
            outcomes += done
        }
        return outcomes
    }

    private func perform(_ batch: WriteBatch) async -> [WriteOutcome] {
        switch batch.order {
        case .sequential: await inTurns(batch.writes, first: 1, grows: false, stops: true)
        case .parallel: await inTurns(batch.writes, first: parallelWrites, grows: false, stops: false)
        case .slowStart: await inTurns(batch.writes, first: 1, grows: true, stops: true)
        }
    }

    /// `first` writes at a time, or twice as many each turn; `stops`: not after a turn with a failure.
    private func inTurns(_ writes: [Write], first: Int, grows: Bool, stops: Bool) async -> [WriteOutcome] {
        var outcomes: [WriteOutcome] = []
        outcomes.reserveCapacity(writes.count)
        var size: Int = first
        while outcomes.count < writes.count {
            let turn: [Write] = Array(writes[outcomes.count...].prefix(size))
            let done: [WriteOutcome] = await atOnce(turn)
            outcomes += done
            if stops && done.contains(where: { $0.error != nil }) {
                outcomes += writes[outcomes.count...].map { WriteOutcome($0, .skipped) }
            }
            if grows { size = min(size * 2, parallelWrites) }
        }
        return outcomes
    }

    private func atOnce(_ writes: [Write]) async -> [WriteOutcome] {
        if writes.count == 1 { return [await perform(writes[0])] }
        return await withTaskGroup(of: (Int, WriteOutcome).self) { group in
            for (index, write) in writes.enumerated() {
                group.addTask { (index, await perform(write)) }
            }
            var outcomes: [WriteOutcome] = writes.map { WriteOutcome($0, .skipped) }
            for await (index, outcome) in group { outcomes[index] = outcome }
            return outcomes
        }
    }

    private func perform(_ write: Write) async -> WriteOutcome {
        do throws(StatusError) {
            return WriteOutcome(write, .done(try await send(write)))
        } catch {
            let ignored: Write.Ignored = write.ignored
            let isIgnored: Bool =
                ignored.contains(.notFound) && error.isNotFound
                || ignored.contains(.alreadyExists) && error.isAlreadyExists
                || ignored.contains(.conflict) && error.isConflict
                || ignored.contains(.namespaceTerminating) && error.isNamespaceTerminating
            return WriteOutcome(write, isIgnored ? .ignored(error) : .failed(error))
        }
    }

    private func send(_ write: Write) async throws(StatusError) -> Snapshot? {
        switch write.action {
        case .create(let object):
            return snapshot(try await client.create(object, in: ObjectTarget(any: object)))
        case .update(let object, let target):
            return try await client.update(object, at: target)
        case .patch(let target, let type, let body):
            return try await client.patch(target, type, body)
        case .delete(let target, let options):
            return try await client.delete(target, options)
        case .createSubresource(let target, let object):
            return snapshot(try await client.create(object, in: target))
        case .event(let note):
            events?.record(note)
            return nil
        }
    }

    private func snapshot(_ response: APIResponse) -> Snapshot? {
        if case .object(let snapshot) = response.body { snapshot } else { nil }
    }
}

extension ObjectTarget {
    package init(any object: any APIObject, subresource: String = "") {
        self.init(type(of: object).resource, object.key, subresource: subresource)
    }
}

extension Write {
    /// A few words for the log and the flow: verb and object.
    package var summary: (verb: String, object: String) {
        switch action {
        case .create(let object): return ("create", ObjectTarget(any: object).description)
        case .update(_, let target): return ("update", target.description)
        case .patch(let target, _, _): return ("patch", target.description)
        case .delete(let target, _): return ("delete", target.description)
        case .createSubresource(let target, _): return ("create", target.description)
        case .event(let note): return ("event", note.reason)
        }
    }
}

extension ObjectTarget: CustomStringConvertible {
    /// `pods/default/web/binding`.
    package var description: String {
        [resource.resource, key.namespace, key.name, subresource].filter { !$0.isEmpty }.joined(separator: "/")
    }
}
