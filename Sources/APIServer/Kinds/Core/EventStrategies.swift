package import APICore
package import APIEvents
package import APIMachinery
import APIValidation
import Codec

/// Events as the core group has them, which is how they are stored.
enum EventKinds {
    static let core = PlainStrategy<APICore.Event>(
        ResourceInfo(APICore.Event.gvk, resource: "events", shortNames: ["ev"], namespaced: true),
        table: EventTable.definition { $0 }
    ) { strategy in
        strategy.allowsCreateOnUpdate = true
        strategy.fields = (
            [
                "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
                "reportingComponent", "source", "type",
            ],
            { event in
                let about: ObjectReference = event.involvedObject
                return [
                    about.kind, about.namespace, about.name, about.uid, about.apiVersion, about.resourceVersion,
                    about.fieldPath, event.reason, event.reportingComponent,
                    event.source.component.isEmpty ? event.reportingComponent : event.source.component, event.type,
                ]
            }
        )
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }
}

/// Events as `events.k8s.io` has them: the same objects under other names.
package struct EventsEventStrategy: KindStrategy {
    package let info = ResourceInfo(
        APIEvents.Event.gvk, resource: "events", shortNames: ["ev"], namespaced: true,
        storagePrefix: "/registry/events/")

    package init() {}

    package var isStorageVersion: Bool { false }
    package var allowsCreateOnUpdate: Bool { true }

    package func load(_ snapshot: Snapshot) throws(StatusError) -> APIEvents.Event {
        do throws(JSONError) {
            return APIEvents.Event(try snapshot.decode(APICore.Event.self))
        } catch {
            throw StatusError.internalError("failed to decode event \(snapshot.name): \(error.message)")
        }
    }

    package func store(_ event: APIEvents.Event) -> [UInt8] { SnapshotCoding.encode(APICore.Event(event)) }

    package func validateCreate(_ event: APIEvents.Event, context: RequestContext) -> FieldErrors {
        event.validate()
    }

    package func validateUpdate(_ event: APIEvents.Event, old: APIEvents.Event, context: RequestContext)
        -> FieldErrors
    {
        event.validateUpdate(of: old)
    }

    package var selectableFields: [String] {
        [
            "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion",
            "regarding.resourceVersion", "regarding.fieldPath", "reason", "reportingController", "type",
        ]
    }

    package func selectableValues(_ event: APIEvents.Event) -> [String] {
        let about: ObjectReference = event.regarding
        return [
            about.kind, about.namespace, about.name, about.uid, about.apiVersion, about.resourceVersion,
            about.fieldPath, event.reason, event.reportingController, event.type,
        ]
    }

    package var table: TableDefinition<APIEvents.Event> { EventTable.definition { APICore.Event($0) } }
}

extension APIEvents.Event {
    /// The same event, as the newer API has it.
    package init(_ event: APICore.Event) {
        self.init()
        metadata = event.metadata
        eventTime = event.eventTime
        series = event.series.map { old in
            APIEvents.EventSeries.with {
                $0.count = old.count
                $0.lastObservedTime = old.lastObservedTime
            }
        }
        reportingController = event.reportingComponent
        reportingInstance = event.reportingInstance
        action = event.action
        reason = event.reason
        regarding = event.involvedObject
        related = event.related
        note = event.message
        type = event.type
        deprecatedSource = event.source
        deprecatedFirstTimestamp = event.firstTimestamp
        deprecatedLastTimestamp = event.lastTimestamp
        deprecatedCount = event.count
    }
}

extension APICore.Event {
    /// The same event, as the core group has it.
    package init(_ event: APIEvents.Event) {
        self.init()
        metadata = event.metadata
        eventTime = event.eventTime
        series = event.series.map { new in
            APICore.EventSeries.with {
                $0.count = new.count
                $0.lastObservedTime = new.lastObservedTime
            }
        }
        reportingComponent = event.reportingController
        reportingInstance = event.reportingInstance
        action = event.action
        reason = event.reason
        involvedObject = event.regarding
        related = event.related
        message = event.note
        type = event.type
        source = event.deprecatedSource
        firstTimestamp = event.deprecatedFirstTimestamp
        lastTimestamp = event.deprecatedLastTimestamp
        count = event.deprecatedCount
    }
}
