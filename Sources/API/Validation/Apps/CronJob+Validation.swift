package import APIBatch
package import APIMachinery
import Codec

extension CronJob {
    /// The name leaves room for what the jobs' names get appended.
    package func validateCreate() -> FieldErrors {
        var errors = FieldErrors()
        if metadata.name.utf8.count > 52 {
            let path: FieldPath = FieldPath("metadata").child("name")
            errors.append(.invalid(path, metadata.name, "must be no more than 52 characters"))
        }
        errors += validate()
        return errors
    }

    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.schedule.isEmpty {
            errors.append(.required(path.child("schedule")))
        } else if spec.schedule.contains("TZ") {
            let text: String = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            errors.append(.invalid(path.child("schedule"), spec.schedule, text))
        } else if let problem = CronSchedule.problem(of: spec.schedule) {
            errors.append(.invalid(path.child("schedule"), spec.schedule, problem))
        }
        if let zone = spec.timeZone { errors += Self.timeZone(zone, path.child("timeZone")) }
        errors += Rule.nonNegative(spec.startingDeadlineSeconds, path.child("startingDeadlineSeconds"))
        errors += Rule.choice(spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"], path.child("concurrencyPolicy"))
        errors += spec.jobTemplate.spec.validate(at: path.child("jobTemplate", "spec"), hasSelector: false)
        errors += Rule.nonNegative(spec.successfulJobsHistoryLimit, path.child("successfulJobsHistoryLimit"))
        errors += Rule.nonNegative(spec.failedJobsHistoryLimit, path.child("failedJobsHistoryLimit"))
        return errors
    }

    /// The form of a name; whether the zone is known is for the controller to find out.
    private static func timeZone(_ zone: String, _ path: FieldPath) -> FieldErrors {
        if zone.isEmpty { return [.invalid(path, zone, "timeZone must be nil or non-empty string")] }
        if zone.lowercased() == "local" {
            let text: String =
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
            return [.invalid(path, zone, text)]
        }
        let isPlain: Bool = zone.utf8.allSatisfy { byte in
            (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
                || [UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+")].contains(byte)
        }
        let isSound: Bool = isPlain && !zone.hasPrefix("/") && !zone.hasSuffix("/")
        return isSound ? [] : [.invalid(path, zone, "unknown time zone \(zone)")]
    }
}
