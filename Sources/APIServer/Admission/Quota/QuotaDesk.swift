import APICore
import APIMachinery
import Synchronization

/// Changes what quotas say is in use.
protocol QuotaBooks: Sendable {
    /// Changes one quota's status, compared and set; tried again on conflict, so `body` may run several times.
    func change(
        namespace: String, quota: String, _ body: @escaping @Sendable (inout ResourceQuota) -> Void
    ) async throws(StatusError)
}

/// Where writes queue up for their quotas: one batch per namespace at a time, so that many writers cost one write to
/// the quota, and never fight about it.
///
/// Whoever comes while nobody is served leads: settles a batch of all who wait, and hands the lead to the next who
/// came in the meantime. So nobody works longer than for two batches. Other servers' writes are seen by the compare.
final class QuotaDesk: Sendable {
    private enum Turn: Sendable {
        case settled(StatusError?)
        case lead
    }

    private struct Waiting {
        let charge: QuotaCharge
        let continuation: CheckedContinuation<Turn, Never>
    }

    /// By namespace; an entry is there while somebody leads.
    private let queues = Mutex<[String: [Waiting]]>([:])
    private let books: any QuotaBooks
    /// So many charges are settled by one write; bounds the leader's work.
    private static let largestBatch: Int = 256

    init(books: any QuotaBooks) {
        self.books = books
    }

    /// Takes the charge from its quotas, or says why not.
    func settle(_ charge: QuotaCharge) async -> StatusError? {
        let leads: Bool = queues.withLock { queues in
            if queues[charge.namespace] != nil { return false }
            queues[charge.namespace] = []
            return true
        }
        if leads { return await lead(charge) }
        let turn: Turn = await withCheckedContinuation { continuation in
            let leadsNow: Bool = queues.withLock { queues in
                // The leader may have left since.
                guard queues[charge.namespace] != nil else {
                    queues[charge.namespace] = []
                    return true
                }
                queues[charge.namespace]?.append(Waiting(charge: charge, continuation: continuation))
                return false
            }
            if leadsNow { continuation.resume(returning: .lead) }
        }
        switch turn {
        case .settled(let error): return error
        case .lead: return await lead(charge)
        }
    }

    private func lead(_ own: QuotaCharge) async -> StatusError? {
        let others: [Waiting] = queues.withLock { queues in
            let waiting: [Waiting] = queues[own.namespace] ?? []
            queues[own.namespace] = Array(waiting.dropFirst(Self.largestBatch))
            return Array(waiting.prefix(Self.largestBatch))
        }
        let outcome: [StatusError?] = await settle(batch: [own] + others.map { $0.charge })
        for (waiting, error) in zip(others, outcome.dropFirst()) {
            waiting.continuation.resume(returning: .settled(error))
        }
        let next: Waiting? = queues.withLock { queues in
            guard var waiting = queues[own.namespace], !waiting.isEmpty else {
                queues[own.namespace] = nil
                return nil
            }
            let first: Waiting = waiting.removeFirst()
            queues[own.namespace] = waiting
            return first
        }
        next?.continuation.resume(returning: .lead)
        return outcome.first ?? nil
    }

    // MARK: - A batch

    /// One quota after the other: each takes of the charges that are still good what fits. What another quota then
    /// refuses is given back.
    private func settle(batch: [QuotaCharge]) async -> [StatusError?] {
        guard let namespace = batch.first?.namespace else { return [] }
        var outcome: [StatusError?] = Array(repeating: nil, count: batch.count)
        var entered: [String: [Int]] = [:]
        let quotas: [String] = Set(batch.flatMap { $0.quotas }).sorted()
        for quota in quotas {
            let candidates: [Int] = batch.indices.filter { outcome[$0] == nil && batch[$0].quotas.contains(quota) }
            guard !candidates.isEmpty else { continue }
            let refusals: [Int: StatusError] = await enter(candidates, of: batch, namespace: namespace, quota: quota)
            for (index, error) in refusals { outcome[index] = error }
            entered[quota] = candidates.filter { refusals[$0] == nil && !batch[$0].dryRun }
        }
        for quota in quotas {
            let wrong: [QuotaCharge] = (entered[quota] ?? []).filter { outcome[$0] != nil }.map { batch[$0] }
            guard !wrong.isEmpty else { continue }
            // If this fails, the quota's controller corrects the number when it next counts.
            try? await books.change(namespace: namespace, quota: quota) { object in
                for charge in wrong { charge.withdraw(from: &object) }
            }
        }
        return outcome
    }

    private func enter(_ candidates: [Int], of batch: [QuotaCharge], namespace: String, quota: String)
        async -> [Int: StatusError]
    {
        let refusals = Box<[Int: StatusError]>([:])
        do throws(StatusError) {
            try await books.change(namespace: namespace, quota: quota) { object in
                var refused: [Int: StatusError] = [:]
                // Dry runs see what the others leave, and leave no trace.
                for index in candidates where !batch[index].dryRun {
                    refused[index] = batch[index].refusal(by: object)
                    if refused[index] == nil { batch[index].enter(into: &object) }
                }
                for index in candidates where batch[index].dryRun {
                    refused[index] = batch[index].refusal(by: object)
                }
                refusals.set(refused)
            }
        } catch {
            // The quota is gone: it limits nobody.
            if error.isNotFound { return [:] }
            var all: [Int: StatusError] = [:]
            for index in candidates { all[index] = error }
            return all
        }
        return refusals.value
    }

    /// What the last run of a closure found.
    private final class Box<Value: Sendable>: Sendable {
        private let held: Mutex<Value>

        init(_ value: Value) { held = Mutex(value) }
        func set(_ value: Value) { held.withLock { $0 = value } }
        var value: Value { held.withLock { $0 } }
    }
}
