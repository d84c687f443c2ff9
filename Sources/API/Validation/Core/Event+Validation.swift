package import APICore
package import APIEvents
package import APIMachinery
import Codec

/// What events of both kinds must keep to.
private struct EventFacts {
    var metadata: ObjectMeta
    var about: ObjectReference
    var eventTime: MicroTime?
    var controller: String
    var controllerField: String
    var instance: String
    var action: String
    var reason: String
    var message: String

    func validate(aboutField: String) -> FieldErrors {
        var errors = FieldErrors()
        let field: FieldPath = FieldPath(aboutField).child("namespace")
        if about.namespace.isEmpty {
            if metadata.namespace != "default", !metadata.namespace.isEmpty {
                errors.append(.invalid(field, about.namespace, "does not match event.namespace"))
            }
        } else if about.namespace != metadata.namespace {
            errors.append(.invalid(field, about.namespace, "does not match event.namespace"))
        }
        if eventTime == nil { return errors }
        if controller.isEmpty {
            errors.append(.required(FieldPath(controllerField)))
        } else {
            errors += Rule.qualifiedName(controller, FieldPath(controllerField))
        }
        errors += Self.text(instance, "reportingInstance", limit: 128)
        errors += Self.text(action, "action", limit: 128)
        errors += Self.text(reason, "reason", limit: 128)
        if message.utf8.count > 1_024 {
            errors.append(.invalid(FieldPath("message"), "", "can have at most 1024 characters"))
        }
        return errors
    }

    private static func text(_ text: String, _ name: String, limit: Int) -> FieldErrors {
        if text.isEmpty { return [.required(FieldPath(name))] }
        if text.utf8.count <= limit { return [] }
        return [.invalid(FieldPath(name), "", "can have at most \(limit) characters")]
    }
}

extension APICore.Event {
    package func validate() -> FieldErrors {
        let facts = EventFacts(
            metadata: metadata, about: involvedObject, eventTime: eventTime, controller: reportingComponent,
            controllerField: "reportingComponent", instance: reportingInstance, action: action, reason: reason,
            message: message)
        return facts.validate(aboutField: "involvedObject")
    }

    package func validateUpdate(of old: APICore.Event) -> FieldErrors { validate() }
}

extension APIEvents.Event {
    package func validate() -> FieldErrors {
        let facts = EventFacts(
            metadata: metadata, about: regarding, eventTime: eventTime, controller: reportingController,
            controllerField: "reportingController", instance: reportingInstance, action: action, reason: reason,
            message: note)
        var errors: FieldErrors = facts.validate(aboutField: "involvedObject")
        if eventTime == nil { errors.append(.required(FieldPath("eventTime"))) }
        if type != "Normal", type != "Warning" {
            errors.append(.invalid(FieldPath("type"), "", "has invalid value: \(type)"))
        }
        if deprecatedFirstTimestamp != nil {
            errors.append(.invalid(FieldPath("firstTimestamp"), "", "needs to be unset"))
        }
        if deprecatedLastTimestamp != nil {
            errors.append(.invalid(FieldPath("lastTimestamp"), "", "needs to be unset"))
        }
        if deprecatedCount != 0 { errors.append(.invalid(FieldPath("count"), "", "needs to be unset")) }
        if deprecatedSource != EventSource() {
            errors.append(.invalid(FieldPath("source"), "", "needs to be unset"))
        }
        if let series {
            if series.count < 2 {
                errors.append(.invalid(FieldPath("series").child("count"), "", "should be at least 2"))
            }
            if series.lastObservedTime == nil {
                errors.append(.required(FieldPath("series").child("lastObservedTime")))
            }
        }
        return errors
    }

    /// Only the series goes on.
    package func validateUpdate(of old: APIEvents.Event) -> FieldErrors {
        var errors = FieldErrors()
        errors += Validation.immutable(regarding, old.regarding, at: FieldPath("involvedObject"))
        errors += Validation.immutable(reason, old.reason, at: FieldPath("reason"))
        errors += Validation.immutable(note, old.note, at: FieldPath("message"))
        errors += Validation.immutable(type, old.type, at: FieldPath("type"))
        errors += Validation.immutable(action, old.action, at: FieldPath("action"))
        errors += Validation.immutable(
            reportingController, old.reportingController, at: FieldPath("reportingController"))
        errors += Validation.immutable(reportingInstance, old.reportingInstance, at: FieldPath("reportingInstance"))
        if related != old.related {
            errors.append(.invalid(FieldPath("related"), related, ObjectMeta.immutableMessage))
        }
        if eventTime != old.eventTime {
            errors.append(.invalid(FieldPath("eventTime"), eventTime, ObjectMeta.immutableMessage))
        }
        return errors
    }
}
