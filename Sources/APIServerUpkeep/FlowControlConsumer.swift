package import APIFlowControl
package import APIMachinery
package import APIServer
package import Client

/// Has priority and fairness do what the cluster's FlowSchemas and PriorityLevelConfigurations say, and tells each schema
/// whether its level exists: upstream's config consumer.
package struct FlowControlConsumer: Sendable {
    private let fairness: FlowControl
    private let client: APIClient
    private let clock: any WallClock
    private let timer: any MonotonicClock
    private let log: Log

    /// - Parameter transport: of `system:masters`.
    package init(
        _ fairness: FlowControl, over transport: any Transport, clock: any WallClock = SystemWallClock(),
        timer: any MonotonicClock = SystemMonotonicClock(), log: Log = .silent
    ) {
        self.fairness = fairness
        client = APIClient(transport, fieldManager: "api-priority-and-fairness-config-consumer-v1")
        self.clock = clock
        self.timer = timer
        self.log = log
    }

    /// Follows the objects until the task is cancelled.
    package func run() async {
        let schemas = Informer(FlowSchema.self, over: client.transport)
        let levels = Informer(PriorityLevelConfiguration.self, over: client.transport)
        let moved = Signal()
        schemas.addObserver { moved.raise() }
        levels.addObserver { moved.raise() }
        await withDiscardingTaskGroup { group in
            group.addTask { await schemas.run() }
            group.addTask { await levels.run() }
            group.addTask {
                guard await schemas.waitUntilSynced(), await levels.waitUntilSynced() else { return }
                await self.follow(schemas.cache, levels.cache, moved)
            }
        }
    }

    private func follow(
        _ schemas: ObjectCache<FlowSchema>, _ levels: ObjectCache<PriorityLevelConfiguration>, _ moved: Signal
    ) async {
        var inForce: FlowPlan?
        while !Task.isCancelled {
            let known: [FlowSchema] = schemas.list()
            let plan = FlowPlan(known, levels.list())
            // Most changes are those of a status.
            if plan != inForce { fairness.configure(plan) }
            inForce = plan
            let names: Set<String> = Set(levels.list().map { $0.metadata.name })
            for schema in known {
                guard let told = Self.told(schema, levels: names, now: clock.now) else { continue }
                do throws(StatusError) {
                    _ = try await client.updateStatus(told)
                } catch {
                    // A newer schema is on its way through the watch, or it is gone.
                    guard !error.isConflict, !error.isNotFound, !Task.isCancelled else { continue }
                    log.warning(
                        "failed to write a flow schema's status",
                        [("flowschema", schema.metadata.name), ("error", error.message)])
                    await timer.sleep(for: .seconds(1))
                    moved.raise()
                }
            }
            await moved.wait()
        }
    }

    /// The schema with a condition that says whether its level exists; nil if it says so already.
    package static func told(_ schema: FlowSchema, levels: Set<String>, now: Time) -> FlowSchema? {
        let level: String = schema.spec.priorityLevelConfiguration.name
        let dangles: Bool = !levels.contains(level)
        let end: String = dangles ? "but there is no such object" : "and it exists"
        var condition = FlowSchemaCondition()
        condition.type = "Dangling"
        condition.status = dangles ? "True" : "False"
        condition.reason = dangles ? "NotFound" : "Found"
        condition.message =
            "This FlowSchema references the PriorityLevelConfiguration object named \"\(level)\" \(end)"
        condition.lastTransitionTime = now
        var told: FlowSchema = schema
        guard let index = schema.status.conditions.firstIndex(where: { $0.type == "Dangling" }) else {
            told.status.conditions.append(condition)
            return told
        }
        let before: FlowSchemaCondition = schema.status.conditions[index]
        if before.status == condition.status { condition.lastTransitionTime = before.lastTransitionTime }
        told.status.conditions[index] = condition
        return told == schema ? nil : told
    }
}
