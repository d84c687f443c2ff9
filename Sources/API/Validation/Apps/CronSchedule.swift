/// The five fields of a schedule, or one of the short forms, as far as their form goes.
enum CronSchedule {
    private static let macros: Set<String> = [
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]
    private static let months: [String] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let days: [String] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    private struct Field {
        var range: ClosedRange<Int>
        var names: [String] = []
        /// What the first name stands for.
        var base: Int = 0
    }

    private static let fields: [Field] = [
        Field(range: 0...59), Field(range: 0...23), Field(range: 1...31),
        Field(range: 1...12, names: months, base: 1), Field(range: 0...6, names: days),
    ]

    /// Nil if the schedule is sound.
    static func problem(of schedule: String) -> String? {
        if schedule.hasPrefix("@") {
            if macros.contains(schedule) { return nil }
            if schedule.hasPrefix("@every ") { return nil }
            return "unrecognized descriptor: \(schedule)"
        }
        let parts: [Substring] = schedule.split { $0 == " " || $0 == "\t" }
        guard parts.count == fields.count else {
            return "expected exactly 5 fields, found \(parts.count): [\(parts.joined(separator: " "))]"
        }
        for (part, field) in zip(parts, fields) {
            for item in part.split(separator: ",") {
                if let problem = problem(of: item, in: field) { return problem }
            }
        }
        return nil
    }

    private static func problem(of item: Substring, in field: Field) -> String? {
        let stepped: [Substring] = item.split(separator: "/", omittingEmptySubsequences: false)
        guard stepped.count <= 2 else { return "too many slashes: \(item)" }
        let ends: [Substring] = stepped[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { return "too many hyphens: \(item)" }
        var first: Int = field.range.lowerBound
        var last: Int = field.range.upperBound
        if ends[0] != "*", ends[0] != "?" {
            guard let start = number(ends[0], field) else { return failure(ends[0]) }
            first = start
            last = stepped.count == 2 ? field.range.upperBound : start
            if ends.count == 2 {
                guard let end = number(ends[1], field) else { return failure(ends[1]) }
                last = end
            }
        }
        if stepped.count == 2 {
            guard let step = Int(stepped[1]) else { return failure(stepped[1]) }
            if step < 0 { return "negative number (\(step)) not allowed: \(stepped[1])" }
            if step == 0 { return "step of range should be a positive number: \(item)" }
        }
        if first < field.range.lowerBound {
            return "beginning of range (\(first)) below minimum (\(field.range.lowerBound)): \(item)"
        }
        if last > field.range.upperBound {
            return "end of range (\(last)) above maximum (\(field.range.upperBound)): \(item)"
        }
        return first > last ? "beginning of range (\(first)) beyond end of range (\(last)): \(item)" : nil
    }

    private static func number(_ text: Substring, _ field: Field) -> Int? {
        if let index = field.names.firstIndex(of: text.lowercased()) { return index + field.base }
        return Int(text)
    }

    private static func failure(_ text: Substring) -> String {
        "failed to parse int from \(text): strconv.Atoi: parsing \"\(text)\": invalid syntax"
    }
}
