package import API
package import APIMachinery
package import Client

/// Tells in the status of a PodDisruptionBudget how many of its pods may be evicted now.
///
///     allowed = healthy − desired, at least 0
///     desired = minAvailable (a number, or a share of the expected pods), or expected − maxUnavailable
package struct DisruptionReconciler: Reconciler {
    /// How long an evicted pod counts as gone though it is still there; then the eviction is thought to have failed.
    static let deletionSeconds: Int = 120

    private let budgets: ObjectCache<PodDisruptionBudget>
    private let pods: ObjectCache<Pod>
    private let owners: DisruptionOwners

    package init(budgets: ObjectCache<PodDisruptionBudget>, pods: ObjectCache<Pod>, owners: DisruptionOwners) {
        self.budgets = budgets
        self.pods = pods
        self.owners = owners
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let budget = budgets[key], budget.metadata.deletionTimestamp == nil else { return .done }
        let selected: [Pod] = pods.list(namespace: key.namespace) { Self.selects(budget, $0.metadata.labels) }
        var result = Reconciliation()
        if selected.isEmpty { result.write(.event(budget, reason: "NoPods", "No matching pods found")) }
        do throws(ExpectedPods.Failure) {
            let (expected, desired): (Int, Int) = try sizes(budget, selected, &result)
            let (disrupted, recheck): (StringMap<Time>, Time?) = disrupted(budget, selected, now: now, &result)
            let healthy: Int = selected.count { pod in
                !pod.isTerminating && disrupted[pod.metadata.name] == nil && pod.isReady
            }
            let allowed: Int = expected <= 0 ? 0 : max(0, healthy - desired)
            var status: PodDisruptionBudgetStatus = budget.status
            status.currentHealthy = healthy
            status.desiredHealthy = desired
            status.expectedPods = expected
            status.disruptionsAllowed = allowed
            status.disruptedPods = disrupted
            status.observedGeneration = budget.metadata.generation
            set(
                allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods", "", in: &status,
                now: now)
            write(budget, status, into: &result)
            if let recheck { result.requeue(after: .seconds(max(1, recheck.secondsSince(now) + 1))) }
        } catch {
            let message: String = "Failed to calculate the number of expected pods: \(error.message)"
            result.write(.event(budget, .warning, reason: "CalculateExpectedPodCountFailed", message))
            // Fail safe: nobody is evicted while we do not know.
            var status: PodDisruptionBudgetStatus = budget.status
            status.disruptionsAllowed = 0
            status.observedGeneration = budget.metadata.generation
            set("False", "SyncFailed", error.message, in: &status, now: now)
            write(budget, status, into: &result)
            result.failure = error.message
        }
        return result
    }

    /// An empty selector selects all pods, none selects nothing.
    static func selects(_ budget: PodDisruptionBudget, _ labels: StringMap<String>) -> Bool {
        guard let selector = budget.spec.selector, let query = try? LabelQuery(selector) else { return false }
        return query.matches(labels)
    }

    private func sizes(
        _ budget: PodDisruptionBudget, _ selected: [Pod], _ result: inout Reconciliation
    ) throws(ExpectedPods.Failure) -> (expected: Int, desired: Int) {
        if budget.spec.maxUnavailable == nil {
            switch budget.spec.minAvailable {
            case .int(let number): return (selected.count, number)
            case nil: return (selected.count, 0)
            case .string: break
            }
        }
        let expected = try ExpectedPods(selected, owners: owners)
        if !expected.unmanaged.isEmpty { result.write(unmanaged(budget)) }
        if let bound = budget.spec.maxUnavailable {
            return (expected.count, max(0, expected.count - Self.scaled(bound, expected.count)))
        }
        return (expected.count, budget.spec.minAvailable.map { Self.scaled($0, expected.count) } ?? 0)
    }

    /// Rounded up; validation keeps anything but numbers and percentages out.
    private static func scaled(_ bound: IntOrString, _ total: Int) -> Int {
        do throws(IntOrString.ScaleError) {
            return try bound.scaled(total: total, roundUp: true)
        } catch {
            return 0
        }
    }

    private func unmanaged(_ budget: PodDisruptionBudget) -> Write {
        let selector: String = budget.spec.selector?.formatted ?? ""
        let message: String =
            "Pods selected by this PodDisruptionBudget (selector: \(selector)) were found to be unmanaged. As a "
            + "result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. "
            + "To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value."
        return .event(budget, .warning, reason: "UnmanagedPods", message)
    }

    /// Evicted pods that are still there, and when the first of them is overdue.
    private func disrupted(
        _ budget: PodDisruptionBudget, _ selected: [Pod], now: Time, _ result: inout Reconciliation
    ) -> (StringMap<Time>, Time?) {
        var disrupted: StringMap<Time> = [:]
        var recheck: Time?
        for pod in selected where !pod.isTerminating {
            guard let evicted = budget.status.disruptedPods[pod.metadata.name] else { continue }
            let due: Time = evicted.adding(seconds: Self.deletionSeconds)
            guard due >= now else {
                let message: String = "Pod was expected by PDB \(budget.key) to be deleted but it wasn't"
                result.write(.event(pod, .warning, reason: "NotDeleted", message))
                continue
            }
            disrupted[pod.metadata.name] = evicted
            recheck = recheck.map { min($0, due) } ?? due
        }
        return (disrupted, recheck)
    }

    private func set(
        _ value: String, _ reason: String, _ message: String, in status: inout PodDisruptionBudgetStatus, now: Time
    ) {
        let known: Condition? = status.conditions.first { $0.type == "DisruptionAllowed" }
        let condition = Condition.with {
            $0.type = "DisruptionAllowed"
            $0.status = value
            $0.reason = reason
            $0.message = message
            $0.observedGeneration = status.observedGeneration
            $0.lastTransitionTime = known?.status == value ? known?.lastTransitionTime : now
        }
        if let index = status.conditions.firstIndex(where: { $0.type == condition.type }) {
            status.conditions[index] = condition
        } else {
            status.conditions.append(condition)
        }
    }

    private func write(
        _ budget: PodDisruptionBudget, _ status: PodDisruptionBudgetStatus, into result: inout Reconciliation
    ) {
        guard status != budget.status else { return }
        var changed: PodDisruptionBudget = budget
        changed.status = status
        result.write(Write.updateStatus(changed).ignoring(.notFound))
    }
}
